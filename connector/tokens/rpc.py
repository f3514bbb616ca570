"""FacebookTokens, as callers say it. A token that is handed in becomes a secret here, and is never told again."""

from connector.connections.model.needs import BASIC
from connector.connections.rpc import read_token, write_connection
from connector.runtime import Runtime
from connector.tokens import actions
from connector.tokens.model import Inspection, Look
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
    connection, look = await actions.rotate(
        runtime,
        request.store_id,
        request.connection_id,
        read_token(request.access_token, "access_token") if request.access_token else None,
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
