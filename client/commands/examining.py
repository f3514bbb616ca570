"""Whether a connection lacks anything: the checks as they are looked at, who mends what, and with which button."""

from typing import Annotated

import typer

from client.output import moment, word
from client.session import session_of
from stormcom.facebook.v1.check_pb2 import Check
from stormcom.facebook.v1.health_service_pb2 import ListChecksRequest, RunDiagnosticsRequest

app = typer.Typer()


@app.command()
def doctor(
    context: typer.Context,
    *,
    last: Annotated[bool, typer.Option(help="Only tell how it stood when it was last looked at.")] = False,
) -> None:
    """Look at everything the connection needs, and say what is wrong, who mends it and how; exit code 1 if anything fails."""
    session, failed = session_of(context), 0
    health = session.caller.health
    if last:
        request = ListChecksRequest(connection_id=session.connection_id)
        found = session.caller.list_all(health.ListChecks, request, field="checks")
    else:
        wish = RunDiagnosticsRequest(connection_id=session.connection_id)
        found = (answer.check for answer in session.caller.watch(health.RunDiagnostics, wish))
    for check in found:
        failed += check.state == Check.STATE_FAILED
        session.output.show(check, sentence(check))
    if failed:
        raise typer.Exit(1)


def sentence(check: Check) -> str:
    """Write a check as people read it; what is as it should be needs one line."""
    name, state = word(check, "kind").lower().replace("_", " "), word(check, "state")
    told = f"{state:8}{name}: {check.title}"
    if check.state == Check.STATE_OK:
        return told
    seen = ", ".join(f"{key} {value}" for key, value in sorted(check.evidence.items()))
    lines = [
        told,
        f"up to {word(check, 'owner').lower()}: {check.remedy}",
        f"{'press' if check.fix_suffices else 'then'} {check.fix_rpc}" if check.fix_rpc else "",
        check.link,
        f"seen: {seen}" if seen else "",
        f"failing since {moment(check.fail_time)}" if check.HasField("fail_time") else "",
    ]
    return "\n        ".join(filter(None, lines))
