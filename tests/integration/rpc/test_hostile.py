"""Requests that mean harm: texts that are SQL, and messages that are bombs."""

import resource
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import feed_service_pb2 as feed_pb
from tests.integration.conftest import DEVELOPMENT_TOKEN, STORE
from tests.integration.rpc.examples import EXAMPLES
from tests.integration.rpc.test_strangers import METHODS, told

EVIL = "'; DROP TABLE connections; -- \" $$ \\' :store_id %(x)s %s {0} ../../etc"
WHOLE = {
    None,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
}
ALIKE = {"connection_id", "request_id", "page_token"}  # read by the same lines for every method: once will do
GROWTH_BYTES = 64 * 1024 * 1024
_TABLES = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"


def spoilt(method: Any) -> Iterator[tuple[str, Message]]:
    """The example of a method once for each of its fields of text, with evil in that one; fields of inner messages too."""
    example = ParseDict({**EXAMPLES.get(method.name, {}), "store_id": STORE}, GetMessageClass(method.input_type)())
    for path in list(_texts(example)):
        request = GetMessageClass(method.input_type)()
        request.CopyFrom(example)
        inside: Any = request
        for name in path[:-1]:
            inside = getattr(inside, name)
            inside = inside if isinstance(inside, Message) else inside[0]
        if inside.DESCRIPTOR.fields_by_name[path[-1]].is_repeated:
            getattr(inside, path[-1])[:] = [EVIL]
        else:
            setattr(inside, path[-1], EVIL)
        yield ".".join(path), request


def _texts(message: Message, *path: str) -> Iterator[tuple[str, ...]]:
    for field in message.DESCRIPTOR.fields:
        if field.type == FieldDescriptor.TYPE_STRING and field.name != "store_id":
            yield (*path, field.name)
        elif field.message_type and not field.message_type.GetOptions().map_entry:
            inside = getattr(message, field.name)
            inside = inside[:1] if field.is_repeated else [inside] if message.HasField(field.name) else []
            for one in inside:
                yield from _texts(one, *path, field.name)


async def test_no_text_in_any_field_is_more_than_a_text(
    channel: grpc.aio.Channel, connected: str, empty_database: str
) -> None:
    """SQL, formats and paths in any field of text of any method are kept or refused as what they are: a text."""
    before, found, tried = _tables(empty_database), [], set()
    for method in METHODS.values():
        for path, request in spoilt(method):
            if path in ALIKE and path in tried:
                continue
            tried.add(path)
            code, said = await told(channel, method, request, f"Bearer {DEVELOPMENT_TOKEN}")
            found += [(method.name, path, code, said)] if code not in WHOLE else []
    assert ([], before) == (found, _tables(empty_database))


def _tables(database: str) -> list[Any]:
    with psycopg.connect(database) as connection:
        return connection.execute(_TABLES).fetchall()


BOMBS = {
    "a million names": (catalog_pb.RetryItemsRequest.DESCRIPTOR, b"\x22\x00" * 1_000_000),
    "a million products": (catalog_pb.UpsertProductsRequest.DESCRIPTOR, b"\x22\x00" * 1_000_000),
    "groups in groups": (catalog_pb.RetryItemsRequest.DESCRIPTOR, b"\x0b" * 1_000_000),
    "a field that says it is longer than all": (catalog_pb.RetryItemsRequest.DESCRIPTOR, b"\x0a\xff\xff\xff\xff\x07"),
    "a number without an end": (catalog_pb.UpsertProductsRequest.DESCRIPTOR, b"\x80" * 1_000_000),
    "variants of one product": (
        catalog_pb.UpsertProductsRequest.DESCRIPTOR,
        b"\x22\x81\x89\x7a" + b"\xca\x01\x00" * 666_667,
    ),
    "entries in entries": (feed_pb.PutNavigationRequest.DESCRIPTOR, b"\x22\xff\xff\x7f" * 100_000),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_a_refusal(channel: grpc.aio.Channel, bomb: str) -> None:
    """What is small on the wire and huge, deep or endless in memory is refused as any wrong request, and takes no memory to speak of."""
    request, body = BOMBS[bomb]
    [method] = [one for one in METHODS.values() if one.input_type is request]
    before = _most_bytes()
    call: Any = channel.unary_unary(f"/{method.containing_service.full_name}/{method.name}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(pb.GetStatusRequest(store_id=STORE).SerializeToString() + body, timeout=9)
    assert (grpc.StatusCode.INVALID_ARGUMENT, True) == (caught.value.code(), _most_bytes() - before < GROWTH_BYTES)


def _most_bytes() -> int:
    """The most memory that this process ever had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
