"""`fbconnector`: the connector from a command line.

Address, token and store come from options or the environment. People get tables, programs (and pipes) JSON lines. A failure is
one clear line on standard error and exit code 1; a wrong option 2.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from client.catalogues.terms import CatalogueUnusable
from client.commands import (
    adopting,
    auditing,
    connecting,
    examining,
    explaining,
    feeding,
    forgetting,
    keeping,
    listening,
    selling,
    sorting,
    stocking,
    syncing,
    talking,
)
from client.failures import CallFailed
from client.output import make_output
from client.sending import SnapshotRefused
from client.session import Session


class OneLineErrors(TyperGroup):
    """Turns what can go wrong into one line and an exit code, for every command."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CallFailed as failure:
            typer.echo(str(failure), err=True)
            if failure.reason:
                typer.echo(f"More: fbconnector explain {failure.reason}", err=True)
        except (CatalogueUnusable, SnapshotRefused, OSError) as failure:
            typer.echo(str(failure), err=True)
        raise typer.Exit(1)


app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False)
for part in (
    connecting.app,
    keeping.app,
    selling.app,
    syncing.app,
    adopting.app,
    stocking.app,
    sorting.app,
    feeding.app,
    talking.app,
    explaining.app,
    examining.app,
    forgetting.app,
):
    app.add_typer(part)
app.add_typer(auditing.app, name="audit", help="Tell who did what, and check that nobody changed it.")
app.add_typer(listening.app, name="events", help="Follow, borrow and acknowledge what the connector tells.")


@app.callback()
def main(
    context: typer.Context,
    *,
    address: Annotated[
        str, typer.Option(envvar="FBCONNECTOR_ADDRESS", help="host:port of the connector.")
    ] = "127.0.0.1:50051",
    token: Annotated[str, typer.Option(envvar="FBCONNECTOR_TOKEN", help="The bearer token.", show_default=False)] = "",
    store: Annotated[str, typer.Option(envvar="FBCONNECTOR_STORE", help="The StormCom store.")] = "",
    connection: Annotated[
        str, typer.Option(envvar="FBCONNECTOR_CONNECTION", help="Needed when the store has several.")
    ] = "",
    tls: Annotated[
        bool, typer.Option(envvar="FBCONNECTOR_TLS", help="Speak TLS, trusting the machine's roots.")
    ] = False,
    json: Annotated[
        bool | None, typer.Option("--json/--no-json", help="JSON lines; the default unless on a terminal.")
    ] = None,
) -> None:
    """Link a StormCom store to Facebook: connect, import, sync, answer, watch."""
    output = make_output(json=json)
    session = Session(address=address, token=token, store_id=store, connection_id=connection, tls=tls, output=output)
    context.obj = session
    context.call_on_close(session.close)


if __name__ == "__main__":
    app()
