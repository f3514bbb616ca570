"""A connection's tokens: ask Meta what they are, replace them, end them. A token comes from a file, never from the command line."""

from typing import Annotated

import typer

from client.output import moment, word
from client.session import session_of
from stormcom.facebook.v1.token_pb2 import TokenInspection
from stormcom.facebook.v1.token_service_pb2 import InspectTokenRequest, RevokeTokensRequest, RotateTokenRequest

app = typer.Typer()


@app.command()
def tokens(context: typer.Context) -> None:
    """Ask Meta what the connection's tokens are, and act on it."""
    session = session_of(context)
    asked = InspectTokenRequest(connection_id=session.connection_id)
    answer = session.caller.call(session.caller.tokens.InspectToken, asked)
    missing = [f"Missing: {', '.join(answer.missing_scopes)}."] if answer.missing_scopes else []
    session.output.show(answer, " ".join([*map(_describe, answer.inspections), *missing]))


@app.command()
def rotate(
    context: typer.Context,
    token: Annotated[
        typer.FileText | None,
        typer.Argument(help="The file with the new token; without one, Meta renews the present one."),
    ] = None,
    *,
    allow_fewer_scopes: Annotated[bool, typer.Option(help="Take a token with fewer scopes than before.")] = False,
) -> None:
    """Replace the tokens; the old ones are killed two minutes later."""
    session, handed_in = session_of(context), token.read().strip() if token else ""
    if token and not handed_in:
        raise typer.BadParameter("the file holds no token")
    wish = RotateTokenRequest(
        connection_id=session.connection_id,
        access_token=handed_in,
        allow_fewer_scopes=allow_fewer_scopes,
    )
    answer = session.caller.call(session.caller.tokens.RotateToken, wish)
    session.output.show(answer, " ".join(map(_describe, answer.inspections)))


@app.command()
def revoke(context: typer.Context) -> None:
    """End the tokens at once, as for a suspected leak; the merchant connects again, or `rotate` hands in a new one."""
    session = session_of(context)
    wish = RevokeTokensRequest(connection_id=session.connection_id)
    answer = session.caller.call(session.caller.tokens.RevokeTokens, wish)
    connection = answer.connection
    session.output.show(
        answer, f"Connection {connection.connection_id} is {word(connection, 'state')}: {connection.reason}."
    )


def _describe(one: TokenInspection) -> str:
    state = "alive" if one.valid else f"dead ({one.meta_code}/{one.meta_subcode})"
    end = f", ends {moment(one.expire_time)}" if one.HasField("expire_time") else ", without an end"
    return f"{word(one, 'kind')} token ({one.meta_type}) is {state}{end}."
