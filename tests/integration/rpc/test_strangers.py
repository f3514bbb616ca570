"""Every RPC × every id of ours × every role: who asks for what belongs to another store learns nothing, not even that it exists."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToJson, ParseDict
from google.protobuf.message_factory import GetMessageClass

from connector.rpc.callers import POLICY, SERVICES, Role
from connector.runtime import Runtime
from connector.server import build_server
from connector.settings import Settings
from connector.vault import Secret
from simulator import seeds
from stormcom.facebook.v1 import catalog_service_pb2 as catalog_pb
from stormcom.facebook.v1 import catalog_service_pb2_grpc as catalog_grpc
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc
from stormcom.facebook.v1 import inventory_service_pb2 as inventory_pb
from stormcom.facebook.v1 import inventory_service_pb2_grpc as inventory_grpc
from tests.integration.catalog.shop import product
from tests.integration.conftest import APP_ID, STORE, connect
from tests.integration.rpc.examples import EXAMPLES, MALFORMED, MISSING
from tests.integration.rpc.papers import Issuer

METHODS = {method.name: method for service in SERVICES for method in service.methods}
STRANGER = "store_2"
THEIRS, NOBODYS = "70000000000000001", "70000000000000009"  # product, item, category and person at once
# Of ids that are numbers: theirs, one that nobody has, one that nobody can have, all of one length.
NUMBERS = "7000000000000000001", "7000000000000000009", "not-a-number-at-all"

# Ids that we give out. Whoever names one of another store is told that there is none.
OURS = {
    "delivery_id",
    "delivery_ids",
    "draft_order_id",
    "message_id",
    "reply_to_message_id",
    "up_to_message_id",
    "around_message_id",
    "upload_id",
    "hold_ids",
    "command_id",
    "connection_id",
    "conversation_id",
    "deletion_id",
    "event_ids",
    "hold_id",
    "operation_id",
    "order_id",
    "order_ids",
    "signal_id",
    "signal_ids",
    "snapshot_id",
}
# Methods that answer an unknown one otherwise: with nothing, or with what they look for first.
OTHERWISE: Mapping[str, grpc.StatusCode | None] = {
    "AckEvents.event_ids": None,
    "NackEvents.event_ids": None,
    "RedriveDeadLetters.event_ids": None,
    # Written into the link as the caller says.
    "BuildCheckoutLink.conversation_id": grpc.StatusCode.FAILED_PRECONDITION,
    "BuildCheckoutLink.draft_order_id": grpc.StatusCode.FAILED_PRECONDITION,
    "ListOperations.connection_id": None,
    # The conversation is looked for first.
    "SendMessage.reply_to_message_id": grpc.StatusCode.INVALID_ARGUMENT,
    "MarkRead.up_to_message_id": grpc.StatusCode.INVALID_ARGUMENT,
    "ListMessages.around_message_id": grpc.StatusCode.INVALID_ARGUMENT,
    "CompleteInstall.connection_id": grpc.StatusCode.FAILED_PRECONDITION,
}
# What a store itself named stands in its own audit, whoever has it: which entries a store sees is proven with the audit.
TOLD_AS_NAMED = {"ListAuditEntries"}
# Names that StormCom or Meta gave: the other store's mean nothing here.
NAMED = {
    "agent_id",
    "created_local_order_id",
    "external_order_id",
    "local_order_id",
    "merchant_return_id",
    "product_id",
    "product_ids",
    "return_id",
    "shipment_id",
    "retailer_id",
    "retailer_ids",
    "variant_id",
    "category_ids",
    "review_ids",
    "meta_user_id",
    "payout_reference_id",
}


def test_every_id_is_of_a_known_kind() -> None:
    """A request's field that names something by an id is tried below; a new kind of id must be given a place."""
    foreign = {"store_id", "request_id", "external_order_id"}  # the caller's own
    metas = {
        "business_id",
        "page_id",
        "catalog_id",
        "integration_id",
        "pixel_id",
    }  # what the merchant granted, asked of Meta
    found = {field.name for method in METHODS.values() for field in _fields(method.input_type)}
    ids = {name for name in found if re.fullmatch(r"\w+_ids?", name)}
    top = {field.name for method in METHODS.values() for field in method.input_type.fields}
    assert set() == (ids & top) - foreign - metas - OURS - NAMED


@pytest.fixture
async def things(
    channel: grpc.aio.Channel, world: Any, turn: Any, connected: str, empty_database: str
) -> dict[str, str]:
    """What a store has, one of each kind; the stranger's store is connected too."""
    further = (
        [{"id": "30000000000000002", "name": "Second shop"}],
        [{"id": "50000000000000002", "name": "Second catalog"}],
    )
    pages, catalogs = ([*seeds.DEFAULT[kind], *more] for kind, more in zip(("pages", "catalogs"), further, strict=True))
    seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID, "pages": pages, "catalogs": catalogs})
    await connect(channel, world, turn, store_id=STRANGER, seeded=1)
    catalog, inventory = catalog_grpc.FacebookCatalogStub(channel), inventory_grpc.FacebookInventoryStub(channel)
    await catalog.UpsertProducts(catalog_pb.UpsertProductsRequest(store_id=STORE, products=[product(THEIRS)]))
    snapshot = await catalog.BeginSnapshot(catalog_pb.BeginSnapshotRequest(store_id=STORE))
    begun = await connector_grpc.FacebookConnectorStub(channel).SyncCatalog(pb.SyncCatalogRequest(store_id=STORE))
    held = {"store_id": STORE, "lines": [{"product_id": THEIRS, "quantity": 1}], "duration": "600s"}
    hold = await inventory.ReserveStock(ParseDict(held, inventory_pb.ReserveStockRequest()))
    with psycopg.connect(empty_database, autocommit=True) as connection:
        conversation = connection.execute(
            "INSERT INTO conversations (id, store_id, connection_id, psid) VALUES (gen_random_uuid(), %s, %s, %s) RETURNING id::text",
            (STORE, connected, THEIRS),
        ).fetchone()
        message = connection.execute(
            "INSERT INTO messages (id, store_id, connection_id, conversation_id, origin, state, text, send_time) SELECT gen_random_uuid(),"
            " store_id, connection_id, id, 'ELSEWHERE', 'UNKNOWN', '', now() FROM conversations RETURNING id::text"
        ).fetchone()
        upload = connection.execute(
            "INSERT INTO uploads (id, store_id, connection_id, sha256, file_name, content_type, size_bytes, create_time, expire_time)"
            " VALUES (gen_random_uuid(), %s, %s, '', 'a.csv', 'text/csv', 3, now(), now() + interval '1 hour') RETURNING id::text",
            (STORE, connected),
        ).fetchone()
        draft = connection.execute(
            "INSERT INTO draft_orders (id, store_id, connection_id, conversation_id, channel, cart_key, state, lines, sent_lines, send_time,"
            " expire_time, create_time) SELECT gen_random_uuid(), store_id, connection_id, id, 'MESSENGER', 'm', 'REQUESTED', '[]', '[]',"
            " now(), now() + interval '1 day', now() FROM conversations RETURNING id::text"
        ).fetchone()
        order = connection.execute(
            "INSERT INTO orders (id, store_id, connection_id, external_order_id, local_order_id, state, import_state, currency_code, order_time,"
            " update_time, create_time) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'IN_PROGRESS', 'ACKNOWLEDGED', 'USD', now(), now(), now())"
            " RETURNING id::text",
            (STORE, connected, THEIRS, THEIRS),
        ).fetchone()
        command = connection.execute(
            "INSERT INTO order_commands (id, store_id, connection_id, order_id, external_order_id, request_id, digest, kind, state, body, lines,"
            " currency_code, shipping, deduction, everything, shipment_id, tracking_number, return_id, create_time) SELECT gen_random_uuid(),"
            " store_id, connection_id, id, external_order_id, 'r', '', 'CANCEL', 'WAITING', '{}', '[]', 'USD', 0, 0, false, '', '', '', now()"
            " FROM orders RETURNING id::text"
        ).fetchone()
        delivery = connection.execute(
            "WITH kept AS (INSERT INTO deliveries (id, environment, body, digest, signature, receive_time, state) VALUES"
            " (%s, 'TEST', '{}', '', '', now(), 'DONE') RETURNING id, receive_time) INSERT INTO delivery_pages SELECT id, '1', %s, %s,"
            " receive_time, '{}' FROM kept RETURNING delivery_id::text",
            (NUMBERS[0], STORE, connected),
        ).fetchone()
        signal = connection.execute(
            "INSERT INTO signals (id, store_id, connection_id, environment, page_id, kind, state, reason, raw, digest, receive_time) VALUES"
            " (%s, %s, %s, 'TEST', '1', 'k', 'QUARANTINED', 'r', '{}', '', now()) RETURNING id::text",
            (NUMBERS[0], STORE, connected),
        ).fetchone()
        event = connection.execute("SELECT id::text FROM events LIMIT 1").fetchone()
    assert draft
    assert conversation
    assert message
    assert upload
    assert order
    assert command
    assert delivery
    assert signal
    assert event
    return {
        "connection_id": connected,
        "snapshot_id": snapshot.snapshot_id,
        "operation_id": begun.operation.operation_id,
        "hold_id": hold.hold.hold_id,
        "hold_ids": hold.hold.hold_id,
        "draft_order_id": draft[0],
        "conversation_id": conversation[0],
        "message_id": message[0],
        "reply_to_message_id": message[0],
        "up_to_message_id": message[0],
        "around_message_id": message[0],
        "upload_id": upload[0],
        "deletion_id": connected,
        "event_ids": event[0],
        "order_id": order[0],
        "order_ids": order[0],
        "command_id": command[0],
        "delivery_id": delivery[0],
        "delivery_ids": delivery[0],
        "signal_id": signal[0],
        "signal_ids": signal[0],
    }


@pytest.fixture
async def door(runtime: Runtime, settings: Settings, tmp_path: Path, issuer: Issuer) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server that knows the issuer's key, without the development token."""
    strict = replace(settings, development_token=Secret(""), caller_jwks=issuer.text())
    server, _ = build_server(runtime, strict)
    server.add_insecure_port(address := f"unix:{tmp_path}/strict.sock")
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield channel
    await server.stop(0)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


async def told(channel: grpc.aio.Channel, method: Any, request: Any, token: str) -> tuple[Any, bytes]:
    """All that comes back: the code, and the bytes of the error or of the (first) answer."""
    path, metadata = f"/{method.containing_service.full_name}/{method.name}", (("authorization", token),)
    codec = {"request_serializer": type(request).SerializeToString, "response_deserializer": bytes}
    answer: Any
    try:
        if method.server_streaming:
            answer = await channel.unary_stream(path, **codec)(request, metadata=metadata, timeout=9).read()
        else:
            answer = await channel.unary_unary(path, **codec)(request, metadata=metadata, timeout=9)
    except grpc.aio.AioRpcError as error:
        trailers = sorted((key, value) for key, value in error.trailing_metadata() or ())
        return error.code(), repr((error.details(), trailers)).encode()
    return None, answer


def requests(method: Any, field: str, *named: str) -> Iterator[Any]:
    """The example of a method once for each id."""
    for name in named:
        example = {**EXAMPLES.get(f"{method.name}.{field}", EXAMPLES.get(method.name, {})), "store_id": STRANGER}
        repeated = method.input_type.fields_by_name[field].is_repeated
        yield ParseDict({**example, field: [name] if repeated else name}, GetMessageClass(method.input_type)())


async def test_what_is_foreign_looks_missing(
    door: grpc.aio.Channel, runtime: Runtime, issuer: Issuer, things: dict[str, str]
) -> None:
    """Another store's id, one that nobody has and one that nobody can have get the same answer, to the byte, from every method."""
    differences, tried = {}, set()
    for method in METHODS.values():
        fields = set() if method.name in TOLD_AS_NAMED else {*method.input_type.fields_by_name}
        for field in sorted(OURS & fields):
            roles = [role.name.lower() for role in Role if role >= POLICY[method.name]]
            tokens = [issuer.token(now=datetime.now(UTC), role=role, stores=(STRANGER,)) for role in roles]
            names = NUMBERS if things[field] in NUMBERS else (things[field], MISSING, MALFORMED)
            asked = list(requests(method, field, *names))
            answers = [await told(door, method, one, token) for token in tokens for one in asked]
            named = zip(answers, names * len(roles), strict=True)
            same = {said.replace(name.encode(), b"id") for (_, said), name in named}
            expected = OTHERWISE.get(f"{method.name}.{field}", grpc.StatusCode.NOT_FOUND)
            tried.add(field)
            if len(same) > 1 or {expected} != {code for code, _ in answers}:
                differences[f"{method.name}.{field}"] = [(code, said[:300]) for code, said in answers]
    assert {} == differences, "if a method was not understood: add an example of it"
    assert tried == OURS


async def test_what_others_named_means_nothing_here(
    door: grpc.aio.Channel, runtime: Runtime, issuer: Issuer, things: dict[str, str]
) -> None:
    """A product, item, category or person that only another store has is answered like a name that nobody gave."""
    differences = {}
    for method in METHODS.values():
        for field in sorted(NAMED & {*method.input_type.fields_by_name}):
            token = issuer.token(now=datetime.now(UTC), role=POLICY[method.name].name.lower(), stores=(STRANGER,))
            answers = [await told(door, method, one, token) for one in requests(method, field, THEIRS, NOBODYS)]
            shapes = [_shape(method, *one) for one in answers]
            same = {shape.replace(name.encode(), b"id") for shape, name in zip(shapes, (THEIRS, NOBODYS), strict=True)}
            if len(same) > 1 or grpc.StatusCode.INVALID_ARGUMENT in {code for code, _ in answers}:
                differences[f"{method.name}.{field}"] = [(code, said[:300]) for code, said in answers]
    assert {} == differences, "if a method was not understood: add an example of it"


async def test_no_role_below_a_methods_own_gets_anywhere(
    door: grpc.aio.Channel, runtime: Runtime, issuer: Issuer, things: dict[str, str]
) -> None:
    """Every lesser role, and every role for another store, is refused in one and the same way by every method."""
    answers = set()
    for method in METHODS.values():
        for role in Role:
            stores = (STRANGER,) if role >= POLICY[method.name] else (STORE, STRANGER)
            for store in stores:
                request = GetMessageClass(method.input_type)(store_id=STORE)
                ids = {*things} & {field.name for field in method.input_type.fields if not field.is_repeated}
                for field in ids:
                    setattr(request, field, things[field])
                token = issuer.token(now=datetime.now(UTC), role=role.name.lower(), stores=(store,))
                answers.add(await told(door, method, request, token))
    assert [grpc.StatusCode.PERMISSION_DENIED] == [code for code, _ in answers]


def _shape(method: Any, code: Any, said: bytes) -> bytes:
    """What was said, without the moment and without the new ids that an answer may tell."""
    if code is not None:
        return said
    answer = GetMessageClass(method.output_type).FromString(said)
    return re.sub(r"[0-9a-f]{8}-[-0-9a-f]{27}|\d{4}-\d\d-\d\dT[0-9:.]+Z", "new", MessageToJson(answer)).encode()


def _fields(message: Descriptor, depth: int = 4) -> Iterator[FieldDescriptor]:
    for field in message.fields:
        yield field
        if field.message_type is not None and depth:
            yield from _fields(field.message_type, depth - 1)
