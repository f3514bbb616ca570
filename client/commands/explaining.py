"""What is wrong, and what mends it: the catalog's diagnostics and the error catalogue."""

from typing import Annotated

import typer

from client.output import word
from client.reasons import read_reasons
from client.session import Session, session_of
from stormcom.facebook.v1.diagnostic_pb2 import Explanation
from stormcom.facebook.v1.diagnostic_service_pb2 import ListDiagnosticsRequest, ListExplanationsRequest

app = typer.Typer()


@app.command()
def diagnostics(context: typer.Context) -> None:
    """List what is wrong with the catalog, the worst first, and who mends it how."""
    session = session_of(context)
    request = ListDiagnosticsRequest(connection_id=session.connection_id)
    found = session.caller.list_all(session.caller.diagnostics.ListDiagnostics, request, field="diagnostics")
    columns = {
        "severity": lambda one: word(one, "severity"),
        "found by": lambda one: word(one, "source"),
        "reason": lambda one: one.reason,
        "items": lambda one: one.item_count,
        "for example": lambda one: ", ".join(one.sample_retailer_ids[:2]),
        "who": lambda one: word(one.explanation, "owner"),
        "what mends it": lambda one: one.explanation.remedy,
    }
    session.output.list(found, columns)


@app.command()
def explain(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="A reason such as META_TOKEN_INVALID, or Meta's own word or code; none lists the reasons."),
    ] = "",
) -> None:
    """Say what a reason, or an error of Meta's, means and who mends it how."""
    session, reasons = session_of(context), read_reasons()
    for reason, text in reasons.items():
        if name.upper() in {"", reason}:
            session.output.console.print(f"[bold]{reason}[/bold] {text}", soft_wrap=True)
    if name and name.upper() not in reasons:
        _explain_metas(session, name)


def _explain_metas(session: Session, name: str) -> None:
    """Ask the connector's error catalogue about a word or code of Meta's."""
    request = ListExplanationsRequest(name=name.upper())
    found = session.caller.call(session.caller.diagnostics.ListExplanations, request).explanations
    if not found:
        raise typer.BadParameter(
            f"there is no reason and no error of Meta's {name!r}; `fbconnector explain` lists the reasons"
        )
    for row in found:
        session.output.show(row, _sentence(row))


def _sentence(row: Explanation) -> str:
    fix = f" Then call {row.fix_rpc}." if row.fix_rpc else ""
    return f"{row.name}: {row.cause} {row.remedy}{fix} (up to {word(row, 'owner').lower()})"
