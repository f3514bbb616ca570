"""No call that changes something without a trace in the audit: a note before it begins, an entry when it has ended.

A call that is given up, or whose process dies, leaves its note, of which the sweep makes an entry with an unknown outcome. Calls that carry a shop's
everyday data (`COUNTED`) are many; they are counted beside their work, by caller and hour, and no answer leaves before its count.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from connector.db import audit, walls
from connector.db.audit import Deed
from connector.db.schema import plain
from connector.errors import InvalidInput
from connector.rpc import calling
from connector.rpc.status import understand
from connector.runtime import Runtime

R = TypeVar("R", bound=Message)

COUNTED = frozenset(
    {
        "AckEvents",
        "CompleteHold",
        "ExtendHold",
        "NackEvents",
        "PullEvents",
        "PutSnapshotProducts",
        "ReleaseHold",
        "ReserveStock",
        "ResolveCheckoutLink",
        "SendConversionEvents",
        "UpdateInventory",
        "UpsertProducts",
    }
)
_CHANGING_WITH = {"ResolveCheckoutLink": "hold_duration"}
"""Methods that change something only with this field; without it a call is a read: not recorded, its answer not kept."""

_OBJECTS = frozenset(
    {
        "catalog_id",
        "conversation_id",
        "deletion_id",
        "delivery_id",
        "hold_id",
        "message_id",
        "operation_id",
        "page_id",
        "reason",
        "snapshot_id",
        "upload_id",
    }
)
"""Which of a message's ids stand in the audit: none of a person."""

_ACTOR = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
_MOST_COUNTED = 512


def read_actor(metadata: Mapping[str, Any]) -> str:
    """Read whom the caller acts for.

    Raises:
        InvalidInput: `x-actor` is no id.

    """
    actor = metadata.get("x-actor", "")
    if actor and not _ACTOR.fullmatch(str(actor)):
        raise InvalidInput.of(
            "x-actor", "FIELD_INVALID", "must be 1 to 64 of A-Z a-z 0-9 . _ : @ -: your id of the person"
        )
    return str(actor)


def changes(method: MethodDescriptor, request: Message) -> bool:
    """Tell whether a call may change something."""
    if method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        return False
    field = _CHANGING_WITH.get(method.name)
    return field is None or request.HasField(field)


async def recorded(runtime: Runtime, method: str, request: Message, act: Callable[[], Awaitable[R]]) -> R:
    """Do the work of a call, and record that it was done, or how it failed."""
    return await (_counted if method in COUNTED else _noted)(runtime, _deed(method, request), act)


async def _noted(runtime: Runtime, deed: Deed, act: Callable[[], Awaitable[R]]) -> R:
    async with runtime.db.begin() as tx:
        intent = await audit.intend(tx, deed, at=runtime.now())
    try:
        response = await act()
    except TimeoutError:  # nobody waits any more, as when the call is cancelled: the note stays for the sweep
        raise
    except Exception as error:
        known = understand(error)
        await _conclude(runtime, intent, deed, result=known.reason)
        raise known from error
    await _conclude(runtime, intent, _with(deed, response), result=audit.OK)
    return response


async def _conclude(runtime: Runtime, intent: int, deed: Deed, *, result: str) -> None:
    async with runtime.db.begin() as tx:
        await audit.conclude(tx, intent, deed, result=result, at=runtime.now())


async def _counted(runtime: Runtime, deed: Deed, act: Callable[[], Awaitable[R]]) -> R:
    counting = asyncio.ensure_future(runtime.gather.ask("audit", deed, partial(_count, runtime), most=_MOST_COUNTED))
    try:
        response = await act()
    except (asyncio.CancelledError, TimeoutError):  # nobody waits for an answer any more, nor for the count
        counting.cancel()
        raise
    except Exception:
        await counting
        raise
    await counting
    return response


async def _count(runtime: Runtime, deeds: Sequence[Deed]) -> list[None]:
    with walls.together(*{deed.store_id for deed in deeds}):
        async with runtime.db.begin() as tx:
            await audit.count(tx, deeds, at=runtime.now())
    return [None] * len(deeds)


def _deed(method: str, request: Any) -> Deed:
    return Deed(
        request.store_id,
        method,
        caller=plain(calling.caller()),
        role=calling.role(),
        actor=calling.actor(),
        connection_id=audit.plain_id(getattr(request, "connection_id", "")),
        objects=audit.named(**_ids(request)),
        request_id=audit.plain_id(getattr(request, "request_id", "")),
    )


def _with(deed: Deed, response: Message) -> Deed:
    """Add what a call made or found: the ids in its answer, and in the messages of its answer."""
    found = _ids(response) | {name: value for inner in _inner(response) for name, value in _ids(inner).items()}
    connection_id = deed.connection_id or _connection_of(response)
    return replace(deed, connection_id=connection_id, objects=tuple(dict.fromkeys(deed.objects + audit.named(**found))))


def _connection_of(response: Message) -> str:
    told = (getattr(one, "connection_id", "") for one in (response, *_inner(response)))
    return audit.plain_id(next(filter(None, told), ""))


def _ids(message: Message) -> dict[str, str]:
    return {field.name: value for field, value in message.ListFields() if field.name in _OBJECTS}


def _inner(message: Message) -> Iterator[Message]:
    return (value for _, value in message.ListFields() if isinstance(value, Message))
