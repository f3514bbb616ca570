"""FacebookTokens, as callers say it. A token that is handed in becomes a secret here, and is never told again."""

from connector.connections.model.needs import BASIC
from connector.connections.rpc import write_connection
from connector.rpc import read
from connector.runtime import Runtime
from connector.tokens import actions
from connector.tokens.model import LONGEST_TOKEN, Inspection, Look
from connector.vault import Secret
from stormcom.facebook.v1 import token_pb2
from stormcom.facebook.v1 import token_service_pb2 as pb


async def inspect_token(runtime: Runtime, request: pb.InspectTokenRequest) -> pb.InspectTokenResponse:
    """Tell what the tokens are."""
    connection, look = await actions.inspect(runtime, request.store_id, request.connection_id)
    return pb.InspectTokenResponse(
        connection=write_connection(connection),
        inspections=_write(look),
        missing_scopes=sorted(BASIC.keys() - set(look.user.scopes)),
    )


async def rotate_token(runtime: Runtime, request: pb.RotateTokenRequest) -> pb.RotateTokenResponse:
    """Replace the tokens."""
    token = read.within(request.access_token, "access_token", limit=LONGEST_TOKEN)
    connection, look = await actions.rotate(
        runtime,
        request.store_id,
        request.connection_id,
        Secret(token) if token else None,
        allow_fewer_scopes=request.allow_fewer_scopes,
    )
    return pb.RotateTokenResponse(connection=write_connection(connection), inspections=_write(look))


async def revoke_tokens(runtime: Runtime, request: pb.RevokeTokensRequest) -> pb.RevokeTokensResponse:
    """End the tokens."""
    connection = await actions.revoke(runtime, request.store_id, request.connection_id)
    return pb.RevokeTokensResponse(connection=write_connection(connection))


def _write(look: Look) -> list[token_pb2.TokenInspection]:
    return [_inspection(look.user), _inspection(look.page)]


def _inspection(inspection: Inspection) -> token_pb2.TokenInspection:
    return token_pb2.TokenInspection(**inspection.document())
