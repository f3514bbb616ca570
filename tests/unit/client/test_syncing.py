"""`fbconnector` before and around a sync: preview, settings, named products."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import grpc
import grpc_testing
import pytest
from typer.testing import CliRunner, Result

from client.call import Caller
from client.cli import app
from client.previews import read_preview
from stormcom.facebook.v1 import catalog_service_pb2
from stormcom.facebook.v1.catalog_service_pb2 import (
    PREVIEW_MODE_DELTA,
    PREVIEW_MODE_FULL,
    PREVIEW_MODE_ITEMS,
    PREVIEW_MODE_UNSPECIFIED,
    CatalogSettings,
    GetCatalogSettingsResponse,
    PreviewCounts,
    PreviewedItem,
    PreviewSyncRequest,
    PreviewSyncResponse,
    UpdateCatalogSettingsRequest,
    UpdateCatalogSettingsResponse,
)
from stormcom.facebook.v1.connector_service_pb2 import SyncCatalogRequest, SyncCatalogResponse
from stormcom.facebook.v1.operation_pb2 import Operation

Run = Callable[..., Result]
COUNTS = PreviewSyncResponse(counts=PreviewCounts(create_count=2, removal_count=60, needs_confirmation=True))
ITEMS = [PreviewedItem(retailer_id=f"sc_p{number}", change=PreviewedItem.CHANGE_CREATE) for number in range(3)]


@pytest.fixture
def run(connector: Any) -> Run:
    """Return `fbconnector` for the scripted connector."""

    def typed(*words: str) -> Result:
        form = () if "--json" in words else ("--no-json",)
        options = ("--address", connector.address, "--token", "t", "--store", "s", *form)
        return CliRunner().invoke(app, [*options, *words])

    return typed


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ((), PreviewSyncRequest(mode=PREVIEW_MODE_DELTA)),
        (("--full",), PreviewSyncRequest(mode=PREVIEW_MODE_FULL)),
        (("--items", "p1, p2"), PreviewSyncRequest(mode=PREVIEW_MODE_ITEMS, product_ids=["p1", "p2"])),
        (("--snapshot", "s1"), PreviewSyncRequest(mode=PREVIEW_MODE_UNSPECIFIED, snapshot_id="s1")),
    ],
)
def test_a_preview_is_asked_for(connector: Any, run: Run, words: tuple[str, ...], wish: PreviewSyncRequest) -> None:
    """What is previewed is what was typed; the counts come first, then the items."""
    connector.on("PreviewSync", lambda _: [COUNTS, PreviewSyncResponse(items=ITEMS)])
    told = run("preview", *words)
    [asked] = connector.asked_for(PreviewSyncRequest)
    wish.store_id = "s"
    assert wish == asked
    assert [] == [
        word for word in ("2 to create", "60 to remove", "wait for your word", "sc_p2") if word not in told.stdout
    ]


def test_a_preview_can_only_count(connector: Any, run: Run) -> None:
    """Counting alone asks for no items."""
    connector.on("PreviewSync", lambda _: [COUNTS])
    [line] = run("--json", "preview", "--counts").stdout.splitlines()
    assert ("60", True) == (json.loads(line)["removalCount"], connector.asked_for(PreviewSyncRequest)[0].counts_only)


@pytest.mark.parametrize("words", [("preview", "--full", "--items", "p1"), ("sync", "--full", "--items", "p1")])
def test_one_thing_at_a_time(run: Run, words: tuple[str, ...]) -> None:
    """Options that contradict each other are refused before anything is asked."""
    assert 2 == run(*words).exit_code


def test_a_broken_preview_tells_nothing_twice() -> None:
    """A stream that breaks is opened again, from its beginning; the items come once, in order."""
    catalog = catalog_service_pb2.DESCRIPTOR.services_by_name["FacebookCatalog"]
    channel = grpc_testing.channel([catalog], grpc_testing.strict_real_time())
    caller = Caller(channel=channel, token="secret", store_id="s", sleep=lambda _: None)
    heard: Queue[str] = Queue()

    def read() -> None:
        for item in read_preview(caller, PreviewSyncRequest())[1]:
            heard.put(item.retailer_id)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for items, fresh, code in ((ITEMS[:2], 2, grpc.StatusCode.UNAVAILABLE), (ITEMS, 1, grpc.StatusCode.OK)):
            _, _, rpc = channel.take_unary_stream(catalog.methods_by_name["PreviewSync"])
            rpc.send_initial_metadata(())
            for response in (COUNTS, PreviewSyncResponse(items=items)):
                rpc.send_response(response)
            assert [item.retailer_id for item in items[-fresh:]] == [heard.get(timeout=10) for _ in range(fresh)]
            rpc.terminate((), code, "")
        reading.result(10)
    assert heard.empty()


def test_settings_are_told(connector: Any, run: Run) -> None:
    """Every rule is on the screen, and when the catalog next syncs by itself."""
    answer = GetCatalogSettingsResponse(settings=CatalogSettings(guard_items=50, hide_unconfirmed=False))
    answer.next_full_sync_time.FromJsonString("2026-11-22T03:00:00Z")
    connector.on("GetCatalogSettings", answer)
    told = run("settings").stdout
    assert [] == [
        word for word in ("guard_items 50", "hide_unconfirmed False", "next_full_sync_time") if word not in told
    ]


def test_settings_are_changed(connector: Any, run: Run) -> None:
    """Only what is set travels."""
    connector.on("UpdateCatalogSettings", UpdateCatalogSettingsResponse())
    assert 0 == run("settings", "--set", "guard_items=100", "--set", "hide_unconfirmed=true").exit_code
    [asked] = connector.asked_for(UpdateCatalogSettingsRequest)
    assert CatalogSettings(guard_items=100, hide_unconfirmed=True) == asked.settings


@pytest.mark.parametrize("change", ["nonsense=1", "guard_items=many", "guard_items=99999999999", "hide_unconfirmed=1"])
def test_settings_that_cannot_be_are_refused(run: Run, change: str) -> None:
    """A wrong name or value ends with 2 before anything is asked."""
    assert 2 == run("settings", "--set", change).exit_code


def test_a_held_plan_says_how_it_goes_on(connector: Any, run: Run) -> None:
    """Whoever begins a sync that waits for a word is told the very words."""
    held = Operation(operation_id="op", state=Operation.STATE_NEEDS_CONFIRMATION, removal_count=60)
    connector.on("SyncCatalog", SyncCatalogResponse(operation=held))
    assert "operations --confirm op --removals 60" in run("sync").stdout


def test_named_products_are_synced(connector: Any, run: Run) -> None:
    """`sync --items` names the products."""
    connector.on("SyncCatalog", SyncCatalogResponse(send_count=2))
    run("sync", "--items", "p1,p2")
    [asked] = connector.asked_for(SyncCatalogRequest)
    assert (SyncCatalogRequest.MODE_ITEMS, ["p1", "p2"]) == (asked.mode, list(asked.product_ids))
