"""FacebookTokens: every RPC and the function that answers it."""

from typing import Any

from connector.runtime import Runtime
from connector.tokens import rpc as tokens
from stormcom.facebook.v1 import token_service_pb2 as token_pb
from stormcom.facebook.v1 import token_service_pb2_grpc as token_grpc


class Tokens(token_grpc.FacebookTokensServicer):
    """FacebookTokens."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def InspectToken(self, request: token_pb.InspectTokenRequest, _: Any) -> token_pb.InspectTokenResponse:
        return await tokens.inspect_token(self._runtime, request)

    async def RotateToken(self, request: token_pb.RotateTokenRequest, _: Any) -> token_pb.RotateTokenResponse:
        return await tokens.rotate_token(self._runtime, request)

    async def RevokeTokens(self, request: token_pb.RevokeTokensRequest, _: Any) -> token_pb.RevokeTokensResponse:
        return await tokens.revoke_tokens(self._runtime, request)
