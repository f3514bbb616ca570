"""Connect, as callers say it."""

from collections.abc import Sequence
from typing import assert_never
from urllib.parse import urlsplit

from connector.connections import actions
from connector.connections.model import Connection, Loss, Waiting, Way
from connector.errors import InvalidInput
from connector.rpc import calling, read, write
from connector.runtime import Runtime
from connector.values import Environment
from connector.vault import Secret
from stormcom.facebook.v1 import connection_pb2
from stormcom.facebook.v1 import connector_service_pb2 as pb

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LONGEST_URL = 2048
_LONGEST_CODE = _LONGEST_TOKEN = 4096


async def connect(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    """Take one of the four steps; without a step, tell where the connection stands."""
    match request.WhichOneof("step"):
        case "begin":
            return await _begin(runtime, request)
        case "complete":
            return await _complete(runtime, request)
        case "choose":
            return await _choose(runtime, request)
        case "attach":
            return await _attach(runtime, request)
        case None if request.connection_id:
            connection, waiting = await actions.look(runtime, request.store_id, request.connection_id)
            lost = await actions.lost(runtime, connection) if waiting else ()
            return _standing(connection, lost, waiting)
        case None:
            message = "one of begin, complete, choose, attach is required, or a connection_id to look at"
            raise InvalidInput.of("step", "FIELD_REQUIRED", message)
        case unreachable:
            assert_never(unreachable)


def write_connection(connection: Connection) -> connection_pb2.Connection:
    """Write a connection."""
    return connection_pb2.Connection(**connection.document())


async def _begin(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    step = request.begin
    redirect_uri = read_address(runtime, step.redirect_uri, "begin.redirect_uri")
    if "#" in redirect_uri:
        raise InvalidInput.of("begin.redirect_uri", "FIELD_INVALID", "must not have a fragment")
    begun = await actions.begin(
        runtime,
        request.store_id,
        connection_id=request.connection_id,
        environment=read_environment(runtime, step.environment, "begin.environment"),
        redirect_uri=redirect_uri,
        return_url=read_address(runtime, step.return_url, "begin.return_url"),
        way=_way(step.way),
        actor=calling.caller(),
    )
    dialog = pb.OpenDialog(url=begun.url, expire_time=write.instant(begun.expire_time))
    dialog.keep_pages.extend(connection_pb2.Page(**page.document()) for page in begun.keep)
    return pb.ConnectResponse(connection=write_connection(begun.connection), open_dialog=dialog)


async def _complete(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    step = request.complete
    landing = await actions.complete_login(
        runtime,
        state=read.required(step.state, "complete.state"),
        code=read.within(step.code, "complete.code", limit=_LONGEST_CODE),
        error=step.error,
        store_id=request.store_id,
        connection_id=request.connection_id,
        actor=calling.caller(),
    )
    if landing.error is not None or landing.connection is None:
        raise landing.error or RuntimeError("a login without an error ended without a connection")
    return await _stood(runtime, landing.connection, landing.losses)


async def _choose(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    connection = await actions.choose(
        runtime,
        request.store_id,
        request.connection_id,
        page_id=read.required(request.choose.page_id, "choose.page_id"),
        catalog_id=request.choose.catalog_id,
    )
    return _standing(connection)


async def _attach(runtime: Runtime, request: pb.ConnectRequest) -> pb.ConnectResponse:
    step = request.attach
    token = read_token(step.access_token, "attach.access_token")
    if step.catalog_id and not step.page_id:
        raise InvalidInput.of("attach.page_id", "FIELD_REQUIRED", "is required with a catalog_id")
    connection, losses = await actions.attach(
        runtime,
        request.store_id,
        token=token,
        connection_id=request.connection_id,
        environment=read_environment(runtime, step.environment, "attach.environment"),
        page_id=step.page_id,
        catalog_id=step.catalog_id,
    )
    return await _stood(runtime, connection, losses)


async def _stood(runtime: Runtime, connection: Connection, losses: Sequence[Loss]) -> pb.ConnectResponse:
    """Write what a login came to: linked, or with the choice it opened."""
    standing, waiting = await actions.look(runtime, connection.store_id, str(connection.id))
    return _standing(standing, losses, waiting)


def _standing(
    connection: Connection, losses: Sequence[Loss] = (), waiting: Waiting | None = None
) -> pb.ConnectResponse:
    """Write where the connection stands; what the login offers, while there is a choice to make."""
    response = pb.ConnectResponse(connection=write_connection(connection))
    if waiting:
        choice = pb.Choice(expire_time=write.instant(waiting.expire_time), **waiting.offer.choice())
        response.choice.CopyFrom(choice)
    response.losses.extend(write_losses(losses))
    response.losing_store_count = losing_stores(losses, connection)
    return response


def losing_stores(losses: Sequence[Loss], connection: Connection) -> int:
    """Count the stores, besides the connection's own, that lose something by its login."""
    return len({loss.connection.store_id for loss in losses} - {connection.store_id})


def write_losses(losses: Sequence[Loss]) -> list[pb.ConsentLoss]:
    """Write what a login takes away from others."""
    return [_loss(loss) for loss in losses]


def _loss(loss: Loss) -> pb.ConsentLoss:
    """Write a loss; which store has it, only for a caller who may act for that store."""
    named = calling.may(loss.connection.store_id)
    return pb.ConsentLoss(
        connection_id=str(loss.connection.id) if named else "",
        store_id=loss.connection.store_id if named else "",
        page_name=loss.connection.page_name,
        page_lost=loss.page_lost,
        catalog_lost=loss.catalog_lost,
    )


def _way(given: int) -> Way | None:
    ways = {
        pb.BeginConnect.WAY_UNSPECIFIED: None,
        pb.BeginConnect.WAY_PAGE_LOGIN: Way.PAGE_LOGIN,
        pb.BeginConnect.WAY_BUSINESS_LOGIN: Way.BUSINESS_LOGIN,
    }
    if given not in ways:
        raise InvalidInput.of("begin.way", "FIELD_INVALID", "must be PAGE_LOGIN or BUSINESS_LOGIN")
    return ways[given]  # type: ignore[index] # an open enum: any number may come


def read_environment(runtime: Runtime, given: int, field: str) -> Environment:
    """Read which of Meta's worlds is meant; the only configured one need not be named."""
    match given:
        case connection_pb2.ENVIRONMENT_TEST:
            return Environment.TEST
        case connection_pb2.ENVIRONMENT_PRODUCTION:
            return Environment.PRODUCTION
        case connection_pb2.ENVIRONMENT_UNSPECIFIED if len(runtime.apps) == 1:
            return next(iter(runtime.apps))
        case connection_pb2.ENVIRONMENT_UNSPECIFIED:
            message = "is required: both environments are configured"
            raise InvalidInput.of(field, "FIELD_REQUIRED", message)
        case _:
            raise InvalidInput.of(field, "FIELD_INVALID", "must be TEST or PRODUCTION")


def read_token(text: str, field: str) -> Secret:
    """Read a token of Meta's."""
    token = read.required(text, field, limit=_LONGEST_TOKEN)
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidInput.of(field, "FIELD_INVALID", "must be a token as Meta writes it")
    return Secret(token)


def read_address(runtime: Runtime, url: str, field: str) -> str:
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
