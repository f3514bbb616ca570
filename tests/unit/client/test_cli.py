"""`fbconnector` as it is typed: what it sends, what it prints, how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.catalog_service_pb2 import (
    BeginSnapshotResponse,
    CommitSnapshotResponse,
    ConfirmChangeRequest,
    ConfirmChangeResponse,
    CreateCatalogRequest,
    CreateCatalogResponse,
    ListItemsResponse,
    ProductResult,
    PutSnapshotProductsResponse,
    RetryItemsResponse,
    UpsertProductsResponse,
)
from stormcom.facebook.v1.connection_pb2 import Capability, Connection, Page
from stormcom.facebook.v1.connector_service_pb2 import (
    Choice,
    ConnectRequest,
    ConnectResponse,
    ConsentLoss,
    DisconnectResponse,
    GetStatusResponse,
    ListConversationsResponse,
    ListMessagesResponse,
    OpenDialog,
    SendMessageRequest,
    SendMessageResponse,
    SyncCatalogRequest,
    SyncCatalogResponse,
    UpdateInventoryRequest,
    UpdateInventoryResponse,
    WatchStatusResponse,
)
from stormcom.facebook.v1.conversation_pb2 import Conversation, Message, Sender
from stormcom.facebook.v1.error_reason_pb2 import ErrorReason
from stormcom.facebook.v1.event_pb2 import Event, ItemsSettled, MessageReceived, OperationChanged
from stormcom.facebook.v1.event_service_pb2 import AckEventsResponse, PullEventsResponse, SubscribeResponse
from stormcom.facebook.v1.inventory_pb2 import InventoryResult
from stormcom.facebook.v1.item_pb2 import Item, ItemFault
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import (
    CancelOperationResponse,
    ListOperationsResponse,
    WatchOperationResponse,
)
from stormcom.facebook.v1.status_pb2 import ConnectionStatus, ItemCounts, Problem, Throttle

Connector = Any
Run = Callable[..., Any]


@pytest.fixture
def run(connector: Connector) -> Run:
    """Return `fbconnector` for the scripted connector: people's output unless `--json` is given."""

    def typed(*words: str) -> Result:
        form = () if "--json" in words else ("--no-json",)
        options = ("--address", connector.address, "--token", "t", "--store", "s", *form)
        return CliRunner().invoke(app, [*options, *words])

    return typed


def test_status_is_told_to_people(connector: Connector, run: Run) -> None:
    """The connection, its counts and its backlog, in a few lines."""
    connection = Connection(connection_id="c1", state=Connection.STATE_CONNECTED, page=Page(page_id="9", name="Nodi"))
    status = ConnectionStatus(connection=connection, items=ItemCounts(confirmed=3, rejected=1))
    connector.on("GetStatus", GetStatusResponse(status=status))
    result = run("status")
    assert 0 == result.exit_code
    assert "Connection c1 is CONNECTED, Page Nodi (9)." in result.stdout
    assert "3 confirmed, 0 sent, 0 pending, 1 rejected" in result.stdout


def test_programs_get_json_lines(connector: Connector, run: Run) -> None:
    """With --json every message is one line of proto3 JSON."""
    items = [Item(retailer_id="a", state=Item.STATE_CONFIRMED, title="পাঞ্জাবি"), Item(retailer_id="b")]
    connector.on("ListItems", ListItemsResponse(items=items))
    lines = [json.loads(line) for line in run("--json", "items").stdout.splitlines()]
    assert [{"retailerId": "a", "state": "STATE_CONFIRMED", "title": "পাঞ্জাবি"}, {"retailerId": "b"}] == lines


def test_a_failure_is_one_line(connector: Connector, run: Run) -> None:
    """A failed call ends with 1 and its reason on standard error."""
    result = run("sync")
    assert (1, "") == (result.exit_code, result.stdout)
    assert "SyncCatalog: UNIMPLEMENTED: no answer for SyncCatalog" in result.stderr


@pytest.mark.parametrize(
    "words",
    [("items", "--state", "SOLD"), ("connect", "--catalog", "1"), ("connect", "--choose", "9"), ("stock", "p", "-1")],
)
def test_wrong_options_end_with_2(run: Run, words: tuple[str, ...]) -> None:
    """What is typed wrongly is refused before anything is sent."""
    assert 2 == run(*words).exit_code


def test_the_store_is_required() -> None:
    """Without a store no call is made."""
    result = CliRunner().invoke(app, ["status"])
    assert 2 == result.exit_code
    assert "FBCONNECTOR_STORE" in result.stderr


def test_connect_waits_for_the_merchant(connector: Connector, run: Run) -> None:
    """The dialog's URL is printed, and the command ends when the merchant is back."""
    begun = Connection(connection_id="c1", state=Connection.STATE_AWAITING_LOGIN)
    back = Connection(connection_id="c1", state=Connection.STATE_AWAITING_CHOICE)
    connector.on(
        "Connect", ConnectResponse(connection=begun, open_dialog=OpenDialog(url="https://meta.example/dialog"))
    )
    connector.on(
        "WatchStatus",
        lambda _: [WatchStatusResponse(status=ConnectionStatus(connection=one)) for one in (begun, back)],
    )
    result = run("connect")
    assert 0 == result.exit_code
    assert "https://meta.example/dialog" in result.stdout
    assert "AWAITING_CHOICE" in result.stdout


def test_connect_complete_reads_the_callback(connector: Connector, run: Run) -> None:
    """The whole URL of one's own callback is enough, and the choice is shown."""
    choice = Choice(pages=[Page(page_id="9", name="Nodi")])
    connector.on("Connect", ConnectResponse(connection=Connection(connection_id="c1"), choice=choice))
    result = run("connect", "--complete", "https://me.example/cb?code=a%2Bb&state=xyz#_=_")
    complete = connector.asked_for(ConnectRequest)[0].complete
    assert ("a+b", "xyz") == (complete.code, complete.state)
    assert "Nodi" in result.stdout


def test_attach_reads_the_token_from_a_file(connector: Connector, run: Run, tmp_path: Path) -> None:
    """A token comes from a file, never as an argument that others see, and is not printed."""
    connector.on(
        "Connect", ConnectResponse(connection=Connection(connection_id="c1", state=Connection.STATE_CONNECTED))
    )
    (tmp_path / "token").write_text("EAAB\n")
    result = run("attach", str(tmp_path / "token"), "--page", "9", "--catalog", "5")
    step = connector.asked_for(ConnectRequest)[0].attach
    assert ("EAAB", "9", "5") == (step.access_token, step.page_id, step.catalog_id)
    assert (0, False) == (result.exit_code, "EAAB" in result.output)


def test_what_a_login_took_away_is_told(connector: Connector, run: Run) -> None:
    """Connections that lose by a login are named, other stores' without their ids."""
    losses = [
        ConsentLoss(connection_id="c2", page_name="Nodi", page_lost=True, catalog_lost=True),
        ConsentLoss(page_name="Elsewhere", page_lost=True),
    ]
    connector.on("Connect", ConnectResponse(connection=Connection(connection_id="c1"), losses=losses))
    told = run("connect", "--complete", "https://me.example/cb?code=a&state=b").output
    assert "Page and catalog from connection c2 (Nodi)" in told
    assert "Page from another store's connection (Elsewhere)" in told


def test_connect_choose_can_create_the_catalog(connector: Connector, run: Run) -> None:
    """Page chosen and catalog made in one command."""
    connector.on(
        "Connect", ConnectResponse(connection=Connection(connection_id="c1", state=Connection.STATE_CONNECTED))
    )
    connector.on("CreateCatalog", CreateCatalogResponse())
    assert (
        0 == run("--connection", "c1", "connect", "--choose", "9", "--new-catalog", "Shop", "--business", "2").exit_code
    )
    assert "9" == connector.asked_for(ConnectRequest)[0].choose.page_id
    created = connector.asked_for(CreateCatalogRequest)[0]
    assert ("c1", "2", "Shop") == (created.connection_id, created.business_id, created.name)


def test_import_tells_what_was_not_taken(connector: Connector, run: Run, files: Path) -> None:
    """Unreadable rows and refused products are named, and the command ends with 1."""
    fault = ItemFault(reason="FIELD_REQUIRED", field="brand", message="brand: is required")
    refused = ProductResult(product_id="mug", outcome=ProductResult.OUTCOME_REJECTED, faults=[fault])
    connector.on("UpsertProducts", UpsertProductsResponse(results=[refused]))
    result = run("import", str(files / "rss.xml"))
    assert 1 == result.exit_code
    assert "item 2: price: 'cheap' is no price" in result.stderr
    assert "mug: REJECTED: FIELD_REQUIRED: brand: is required" in result.stdout
    assert "1 products (0 items): 1 rejected, 1 not readable" in result.stdout


def test_import_of_an_unknown_file_says_what_to_do(run: Run, files: Path) -> None:
    """A file that nobody understands is one line, not a traceback."""
    result = run("import", str(files / "columns.csv"))
    assert 1 == result.exit_code
    assert "--map product_id=<column>" in result.stderr


@pytest.mark.parametrize(
    ("state", "code"),
    [(Operation.STATE_SUCCEEDED, 0), (Operation.STATE_PARTIALLY_SUCCEEDED, 1), (Operation.STATE_FAILED, 1)],
)
def test_sync_watched_to_its_end(connector: Connector, run: Run, state: Operation.State.ValueType, code: int) -> None:
    """The command ends with the operation, and with 0 only if all of it succeeded."""
    running = Operation(operation_id="op", state=Operation.STATE_RUNNING, total_count=2)
    ended = Operation(operation_id="op", state=state, total_count=2, confirmed_count=1, rejected_count=1)
    connector.on("SyncCatalog", SyncCatalogResponse(operation=running, send_count=2))
    connector.on("WatchOperation", lambda _: [WatchOperationResponse(operation=one) for one in (running, ended)])
    result = run("sync", "--full", "--watch")
    assert code == result.exit_code
    assert "1 confirmed, 1 rejected of 2" in result.stdout
    assert SyncCatalogRequest.MODE_FULL == connector.asked_for(SyncCatalogRequest)[0].mode


def test_removals_are_confirmed_by_their_number(connector: Connector, run: Run) -> None:
    """Whoever lets a plan go on says how many items may leave."""
    connector.on("ConfirmChange", ConfirmChangeResponse(operation=Operation(operation_id="op", removal_count=60)))
    result = run("operations", "--confirm", "op", "--removals", "60")
    assert (0, 60) == (result.exit_code, connector.asked_for(ConfirmChangeRequest)[0].removal_count)
    assert "60 to remove" in result.stdout


@pytest.mark.parametrize(
    ("outcome", "code"), [(InventoryResult.OUTCOME_ACCEPTED, 0), (InventoryResult.OUTCOME_STALE, 1)]
)
def test_stock(connector: Connector, run: Run, outcome: InventoryResult.Outcome.ValueType, code: int) -> None:
    """One line goes out, newer than any before; a stale one is no success."""
    connector.on("UpdateInventory", UpdateInventoryResponse(results=[InventoryResult(outcome=outcome)]))
    assert code == run("stock", "shirt", "5", "--variant", "S").exit_code
    line = connector.asked_for(UpdateInventoryRequest)[0].lines[0]
    assert ("shirt", "S", 5, True) == (line.product_id, line.variant_id, line.quantity, line.track_inventory)
    assert line.source_version > 1_700_000_000_000


@pytest.mark.parametrize(
    ("state", "code"), [(Message.STATE_SENT, 0), (Message.STATE_PENDING, 0), (Message.STATE_FAILED, 1)]
)
def test_send(connector: Connector, run: Run, state: Message.State.ValueType, code: int) -> None:
    """A message carries an id of the wish; only one that will never go out is a failure."""
    connector.on("SendMessage", SendMessageResponse(message=Message(message_id="m", state=state)))
    assert code == run("send", "conv", "Hello!", "--request-id", "wish").exit_code
    request = connector.asked_for(SendMessageRequest)[0]
    assert ("conv", "Hello!", "wish", 20) == (
        request.conversation_id,
        request.text,
        request.request_id,
        request.wait.seconds,
    )


def test_events_are_followed_as_json(connector: Connector, run: Run) -> None:
    """`events tail` is a stream of lines that other programs can read."""
    connector.on("Subscribe", lambda _: [SubscribeResponse(event=Event(event_id=name, position=name)) for name in "ab"])
    lines = run("--json", "events", "tail").stdout.splitlines()
    assert ["a", "b"] == [json.loads(line)["eventId"] for line in lines]


def test_acknowledging_the_unknown_is_no_success(connector: Connector, run: Run) -> None:
    """A mistyped id does not pass silently."""
    connector.on("AckEvents", AckEventsResponse(acknowledged_count=1, unknown_count=1))
    assert 1 == run("events", "ack", "e1", "e2").exit_code


LISTINGS = {
    ("conversations",): (
        "ListConversations",
        ListConversationsResponse(conversations=[Conversation(conversation_id="conv", snippet="[bold]Hi")]),
        ["conv", "[bold]Hi"],
    ),
    ("messages", "conv"): (
        "ListMessages",
        ListMessagesResponse(
            messages=[Message(text="Hello", origin=Message.ORIGIN_PERSON), Message(unsupported_kind="poll")]
        ),
        ["PERSON", "Hello", "poll"],
    ),
    ("operations",): (
        "ListOperations",
        ListOperationsResponse(operations=[Operation(operation_id="op", kind=Operation.KIND_SYNC_CATALOG)]),
        ["op", "SYNC_CATALOG"],
    ),
    ("operations", "--cancel", "op"): (
        "CancelOperation",
        CancelOperationResponse(operation=Operation(operation_id="op", state=Operation.STATE_CANCELLED)),
        ["op CANCELLED"],
    ),
    ("events", "pull"): (
        "PullEvents",
        PullEventsResponse(events=[Event(event_id="e1", ordering_key="catalog:1", items_settled=ItemsSettled())]),
        ["e1", "items_settled", "catalog:1"],
    ),
    ("items", "--state", "rejected"): ("ListItems", ListItemsResponse(), ["Nothing."]),
    ("retry", "a", "b"): (
        "RetryItems",
        RetryItemsResponse(operation=Operation(operation_id="op"), skipped_count=1),
        ["1 left out", "op"],
    ),
    ("disconnect",): (
        "Disconnect",
        DisconnectResponse(connection=Connection(connection_id="c1", state=Connection.STATE_DISCONNECTED)),
        ["c1 is DISCONNECTED"],
    ),
    ("sync", "--dry-run"): (
        "SyncCatalog",
        SyncCatalogResponse(send_count=4, rejected_count=1),
        ["4 to send", "1 refused"],
    ),
}


@pytest.mark.parametrize("words", LISTINGS)
def test_every_command_tells_what_came(connector: Connector, run: Run, words: tuple[str, ...]) -> None:
    """What the connector answers is on the screen, letter by letter, and all of it as JSON for programs."""
    method, answer, shown = LISTINGS[words]
    connector.on(method, answer)
    told = run(*words)
    assert 0 == told.exit_code
    assert [] == [word for word in shown if word not in told.stdout]
    for line in run("--json", *words).stdout.splitlines():
        assert isinstance(json.loads(line), dict)


def test_status_is_watched(connector: Connector, run: Run) -> None:
    """Each change is told, with pauses and the last problem."""
    problem = Problem(reason="META_UNAVAILABLE", message="Meta did not answer.")
    throttle = Throttle(bucket="catalog_batch")
    first = ConnectionStatus(connection=Connection(connection_id="c1"), throttles=[throttle], last_problem=problem)
    capability = Capability(kind=Capability.KIND_MESSAGING, state=Capability.STATE_BLOCKED, reason="META_TOKEN_INVALID")
    second = ConnectionStatus(connection=Connection(connection_id="c1", capabilities=[capability]))
    connector.on("WatchStatus", lambda _: [WatchStatusResponse(status=status) for status in (first, second)])
    told = run("status", "--watch").stdout
    assert "pause     catalog_batch" in told
    assert "META_UNAVAILABLE: Meta did not answer." in told
    assert "messaging BLOCKED: META_TOKEN_INVALID" in told


def test_events_are_told_to_people(connector: Connector, run: Run) -> None:
    """A line per event: when, which, what."""
    received = MessageReceived(message=Message(text="Is it there?"))
    operation = OperationChanged(operation=Operation(operation_id="op"))
    events = [
        Event(event_id="e1", message_received=received),
        Event(event_id="e2", operation_changed=operation),
        Event(event_id="e3"),
    ]
    connector.on("Subscribe", lambda _: [SubscribeResponse(event=event) for event in events])
    lines = run("events", "tail").stdout.splitlines()
    assert ["e1 message_received Is it there?", "e2 operation_changed op", "e3 unknown"] == [
        line.split(" ", 1)[1].strip() for line in lines
    ]


def test_a_login_that_was_denied_is_no_success(connector: Connector, run: Run) -> None:
    """When the merchant says no, the command says so and ends with 1."""
    connector.on("Connect", ConnectResponse(connection=Connection(connection_id="c1"), open_dialog=OpenDialog(url="u")))
    denied = Connection(connection_id="c1", state=Connection.STATE_DISCONNECTED, reason="LOGIN_DENIED")
    connector.on("WatchStatus", lambda _: [WatchStatusResponse(status=ConnectionStatus(connection=denied))])
    result = run("connect")
    assert 1 == result.exit_code
    assert "LOGIN_DENIED" in result.stdout


def test_a_snapshot_is_imported_and_watched(connector: Connector, run: Run, files: Path) -> None:
    """`import --snapshot --watch` puts, commits and waits for the end."""
    operation = Operation(operation_id="op", state=Operation.STATE_SUCCEEDED)
    connector.on("BeginSnapshot", BeginSnapshotResponse(snapshot_id="snap"))
    accepted = ProductResult(outcome=ProductResult.OUTCOME_ACCEPTED)
    connector.on("PutSnapshotProducts", PutSnapshotProductsResponse(results=[accepted]))
    connector.on("CommitSnapshot", CommitSnapshotResponse(operation=operation))
    connector.on("WatchOperation", lambda _: [WatchOperationResponse(operation=operation)])
    result = run("import", str(files / "atom.xml"), "--snapshot", "--watch")
    assert 0 == result.exit_code
    assert "op SUCCEEDED" in result.stdout


def test_a_text_can_come_from_another_program(connector: Connector) -> None:
    """`send … -` reads the text from standard input."""
    connector.on("SendMessage", SendMessageResponse(message=Message(message_id="m", state=Message.STATE_SENT)))
    options = ["--address", connector.address, "--store", "s", "send", "conv", "-", "--human", "--no-wait"]
    assert 0 == CliRunner().invoke(app, options, input="Hello!").exit_code
    request = connector.asked_for(SendMessageRequest)[0]
    assert ("Hello!", Sender.SENDER_HUMAN, False) == (request.text, request.sender, request.HasField("wait"))


def test_every_reason_is_explained(run: Run) -> None:
    """`explain` has the contract's own words for every reason."""
    shown = run("explain").stdout
    missing = [name for name in ErrorReason.keys()[1:] if f"{name.removeprefix('ERROR_REASON_')} " not in shown]
    assert [] == missing
    assert "The merchant connects again" in run("explain", "meta_token_invalid").stdout
