"""Connect and Disconnect, as callers say them."""

from typing import assert_never
from urllib.parse import urlsplit

from connector.connections import actions
from connector.connections.model import Connection, Offer, State
from connector.errors import InvalidInput
from connector.rpc import read, write
from connector.runtime import Runtime
from connector.values import Environment
from stormcom.facebook.v1 import connection_pb2
from stormcom.facebook.v1 import connector_service_pb2 as pb

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LONGEST_URL = 2048
_LONGEST_CODE = 4096


async def connect(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    """Take one of the three steps; without a step, tell where the connection stands."""
    match request.WhichOneof("step"):
        case "begin":
            return await _begin(runtime, request)
        case "complete":
            return await _complete(runtime, request)
        case "choose":
            return await _choose(runtime, request)
        case None if request.connection_id:
            return _standing(*await actions.look(runtime, request.store_id, request.connection_id))
        case None:
            message = "one of begin, complete, choose is required, or a connection_id to look at"
            raise InvalidInput.of("step", "FIELD_REQUIRED", message)
        case unreachable:
            assert_never(unreachable)


async def disconnect(runtime: Runtime, request: pb.DisconnectRequest) -> pb.DisconnectResponse:
    """Unlink a connection."""
    connection = await actions.disconnect(runtime, request.store_id, request.connection_id)
    return pb.DisconnectResponse(connection=write_connection(connection))


def write_connection(connection: Connection) -> connection_pb2.Connection:
    """Write a connection."""
    return connection_pb2.Connection(**connection.document())


async def _begin(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    step = request.begin
    redirect_uri = _address(runtime, step.redirect_uri, "begin.redirect_uri")
    if "#" in redirect_uri:
        raise InvalidInput.of("begin.redirect_uri", "FIELD_INVALID", "must not have a fragment")
    begun = await actions.begin(
        runtime,
        request.store_id,
        connection_id=request.connection_id,
        environment=_environment(runtime, step.environment),
        redirect_uri=redirect_uri,
        return_url=_address(runtime, step.return_url, "begin.return_url"),
    )
    dialog = pb.OpenDialog(url=begun.url, expire_time=write.instant(begun.expire_time))
    return pb.ConnectResponse(connection=write_connection(begun.connection), open_dialog=dialog)


async def _complete(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    step = request.complete
    if not step.error:
        read.required(step.code, "complete.code", limit=_LONGEST_CODE)
    landing = await actions.complete_login(
        runtime,
        state=read.required(step.state, "complete.state"),
        code=step.code,
        error=step.error,
        store_id=request.store_id,
        connection_id=request.connection_id,
    )
    if landing.error is not None or landing.connection is None:
        raise landing.error or RuntimeError("a login without an error ended without a connection")
    return _standing(landing.connection, landing.offer)


async def _choose(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    connection = await actions.choose(
        runtime,
        request.store_id,
        request.connection_id,
        page_id=read.required(request.choose.page_id, "choose.page_id"),
        catalog_id=request.choose.catalog_id,
    )
    return _standing(connection, Offer())


def _standing(connection: Connection, offer: Offer) -> pb.ConnectResponse:
    """Write where the connection stands; what the login offers, while there is a choice to make."""
    response = pb.ConnectResponse(connection=write_connection(connection))
    relinked = connection.state is State.CONNECTED and (not offer.pages or offer.page(connection.page_id))
    if offer.pages and not relinked:
        response.choice.CopyFrom(pb.Choice(**offer.choice()))
    return response


def _environment(runtime: Runtime, given: int) -> Environment:
    match given:
        case connection_pb2.ENVIRONMENT_TEST:
            return Environment.TEST
        case connection_pb2.ENVIRONMENT_PRODUCTION:
            return Environment.PRODUCTION
        case connection_pb2.ENVIRONMENT_UNSPECIFIED if len(runtime.apps) == 1:
            return next(iter(runtime.apps))
        case connection_pb2.ENVIRONMENT_UNSPECIFIED:
            raise InvalidInput.of(
                "begin.environment", "FIELD_REQUIRED", "is required: both environments are configured"
            )
        case _:
            raise InvalidInput.of("begin.environment", "FIELD_INVALID", "must be TEST or PRODUCTION")


def _address(runtime: Runtime, url: str, field: str) -> str:
    """Read an absolute https URL; http on a loopback address only where we ourselves are reached over http."""
    if not read.within(url, field, limit=_LONGEST_URL):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    local = host in _LOOPBACK and runtime.public_url.startswith("http:")
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if (
        not host
        or not plain
        or parts.username is not None
        or parts.scheme not in ({"https", "http"} if local else {"https"})
    ):
        raise InvalidInput.of(field, "FIELD_INVALID", "must be an absolute https URL without credentials")
    return url
