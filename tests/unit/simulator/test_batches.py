"""items_batch: caps, order, overlaps, lag and verdicts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from simulator.batches import count_items, read_status, receive, visible_item, visible_items
from simulator.errors import GraphError
from simulator.products import update_item
from simulator.state import ProductCatalog
from simulator.world import World
from tests.unit.simulator.worlds import catalog_call, new_world, record


def _catalog(world: World) -> ProductCatalog:
    return world.all(ProductCatalog)[0]


def _push(world: World, records: Sequence[Any], *, size_bytes: int = 0, **params: Any) -> Any:
    call = catalog_call(world, "POST", "items_batch", item_type="PRODUCT_ITEM", requests=list(records), **params)
    return receive(call if not size_bytes else type(call)(**{**_members(call), "size_bytes": size_bytes}))


def _members(call: Any) -> dict[str, Any]:
    return {name: getattr(call, name) for name in type(call).__slots__}


def _status(world: World, handle: str, **params: Any) -> Any:
    return read_status(catalog_call(world, edge="check_batch_request_status", handle=handle, **params))["data"][0]


def _shown(world: World) -> dict[str, Any]:
    return {item.retailer_id: orjson.loads(item.data) for item in visible_items(world, _catalog(world))}


def test_too_many_records_are_code_100() -> None:
    """5,001 records are refused as a whole and nothing is taken in."""
    world = new_world()
    with pytest.raises(GraphError) as caught:
        _push(world, [record(str(number)) for number in range(5_001)])
    assert (100, {}) == (caught.value.code, _catalog(world).batches)


def test_too_many_bytes_are_code_1() -> None:
    """More than 28 MB asks to reduce the amount of data."""
    with pytest.raises(GraphError, match="reduce the amount of data") as caught:
        _push(new_world(), [record("A")], size_bytes=28_000_001)
    assert 1 == caught.value.code


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("no object", "object"),
        ({"method": "UPDATE"}, "object"),
        ({"method": "PATCH", "data": {"id": "A"}}, "PATCH"),
        ({"method": "UPDATE", "data": {"title": "A"}}, "id"),
        ({"method": "UPDATE", "data": {"id": 5}}, "id"),
        ({"method": "UPDATE", "data": {"id": "A" * 101}}, "100"),
    ],
)
def test_a_batch_of_impossible_records_has_no_handle(entry: Any, said: str) -> None:
    """Nothing ingested means no handle, and validation_status says why."""
    answer = _push(new_world(), [entry])
    assert [] == answer["handles"]
    assert said in answer["validation_status"][0]["errors"][0]["message"]


def test_good_records_of_a_half_bad_batch_are_taken() -> None:
    """Impossible records are dropped at once, the others processed."""
    world = new_world()
    answer = _push(world, [record("A"), {"method": "UPDATE", "data": {}}])
    world.clock.advance(5)
    assert ("finished", {"A"}) == (_status(world, answer["handles"][0])["status"], set(_shown(world)))


def test_deleting_what_is_absent_is_a_warning() -> None:
    """The batch finishes without errors and says that there was nothing to delete."""
    world = new_world()
    handle = _push(world, [record("A"), {"method": "DELETE", "data": {"id": "B"}}])["handles"][0]
    world.clock.advance(5)
    status = _status(world, handle)
    assert (0, [(2, "B")]) == (status["errors_total_count"], [(one["line"], one["id"]) for one in status["warnings"]])


def test_the_empty_handles_switch_ingests_nothing() -> None:
    """So many next calls answer an empty list of handles, then all is normal."""
    world = new_world(empty_handles=1)
    assert [] == _push(world, [record("A")])["handles"]
    assert 1 == len(_push(world, [record("A")])["handles"])


@pytest.mark.parametrize(
    ("switch", "end", "done"), [("failing_batches", "error", 2), ("canceled_batches", "canceled", 0)]
)
def test_a_batch_can_end_badly(switch: str, end: str, done: int) -> None:
    """By switch one batch ends in `error` half done or in `canceled` not done; what it left undone is free again."""
    world = new_world(**{switch: 1})
    handle = _push(world, [record(name) for name in "ABCD"])["handles"][0]
    world.clock.advance(5)
    assert (end, done) == (_status(world, handle)["status"], len(_shown(world)))
    handle = _push(world, [record(name) for name in "ABCD"])["handles"][0]
    world.clock.advance(5)
    assert ("finished", 4, []) == (_status(world, handle)["status"], len(_shown(world)), world.records.overlaps)


def test_handles_are_forgotten_by_switch() -> None:
    """With a lifetime set, an old handle is unknown."""
    world = new_world(handle_seconds=3_600.0)
    handle = _push(world, [record("A")])["handles"][0]
    world.clock.advance(60)
    assert "finished" == _status(world, handle)["status"]
    world.clock.advance(3_600)
    with pytest.raises(GraphError, match="handle"):
        _status(world, handle)


def test_updates_merge_and_empty_values_clear() -> None:
    """An update changes only its own fields; an empty optional field is removed."""
    world = new_world()
    _push(world, [record("A", sale_price="5.00 USD", color="red")])
    world.clock.advance(5)
    _push(world, [{"method": "UPDATE", "data": {"id": "A", "sale_price": "", "title": "Lantern"}}])
    world.clock.advance(5)
    shown = _shown(world)["A"]
    assert ("Lantern", "red", None) == (shown["title"], shown["color"], shown.get("sale_price"))


def test_create_replaces_and_delete_removes() -> None:
    """CREATE leaves only its own fields; DELETE makes the item unreachable by id too."""
    world = new_world()
    _push(world, [record("A", color="red"), record("B")])
    world.clock.advance(5)
    item_id = {item.retailer_id: item.id for item in visible_items(world, _catalog(world))}["B"]
    _push(world, [record("A", method="CREATE"), {"method": "DELETE", "data": {"id": "B"}}])
    world.clock.advance(5)
    shown = _shown(world)
    assert (["A"], None, None) == (list(shown), shown["A"].get("color"), world.nodes.get(item_id))


def test_reads_lag_behind_the_verdict() -> None:
    """With a read lag a finished change is not yet seen, and then it is."""
    world = new_world(read_lag_seconds=60.0, batch_jitter=0.0)
    handle = _push(world, [record("A")])["handles"][0]
    world.clock.advance(2)
    assert ("finished", {}) == (_status(world, handle)["status"], _shown(world))
    world.clock.advance(60)
    assert {"A"} == set(_shown(world))


def test_a_later_change_lags_behind_the_one_before() -> None:
    """Reads show the last value that had become visible, never an older one, and the count agrees."""
    world = new_world(read_lag_seconds=60.0, batch_jitter=0.0)
    for title in ("first", "second"):
        _push(world, [record("A", title=title)])
        world.clock.advance(2)
        assert len(visible_items(world, _catalog(world))) == count_items(world, _catalog(world))
        # Nobody lists in between, so nothing tidies up.
        world.clock.advance(3_600 if title == "first" else 0)
    item = visible_item(world, _catalog(world), "A")
    assert item is not None
    assert "first" == orjson.loads(item.data)["title"]


def test_overlapping_writes_are_recorded() -> None:
    """Two unfinished batches with one item leave an overlap; one after the other leaves none."""
    world = new_world()
    _push(world, [record("A"), record("B")])
    world.clock.advance(5)
    first = _push(world, [record("A")])["handles"][0]
    second = _push(world, [record("A")])["handles"][0]
    assert [("A", (first, second))] == [(one.retailer_id, one.handles) for one in world.records.overlaps]


def test_writing_an_item_while_its_batch_runs_is_an_overlap_too() -> None:
    """A change by the products edge meets an unfinished batch; after the batch it meets nothing."""
    world = new_world()
    _push(world, [record("A")])
    world.clock.advance(5)
    item = visible_item(world, _catalog(world), "A")
    assert item is not None
    change = replace(catalog_call(world, "POST", name="Lantern"), node=item, path=item.id)
    handle = _push(world, [record("A")])["handles"][0]
    update_item(change)
    world.clock.advance(5)
    update_item(change)
    assert [(handle, item.id)] == [one.handles for one in world.records.overlaps]


def test_overlapping_batches_finish_in_any_order() -> None:
    """Over many tries the later batch sometimes wins and sometimes loses."""
    world = new_world()
    winners = set()
    for number in range(40):
        retailer_id = f"R{number}"
        _push(world, [record(retailer_id, title="first")])
        _push(world, [record(retailer_id, title="second")])
        world.clock.advance(5)
        winners.add(_shown(world)[retailer_id]["title"])
    assert {"first", "second"} == winners


def test_an_item_twice_in_one_batch_is_an_overlap_too() -> None:
    """Meta promises no order within a batch either."""
    world = new_world()
    _push(world, [record("A"), record("A")])
    assert ["A"] == [one.retailer_id for one in world.records.overlaps]


def test_ids_of_invalid_requests_come_only_when_asked_for() -> None:
    """The ids are listed only with load_ids_of_invalid_requests, each once."""
    world = new_world()
    handle = _push(world, [record("A", price="x", link="y")])["handles"][0]
    world.clock.advance(5)
    assert [] == _status(world, handle)["ids_of_invalid_requests"]
    asked = _status(world, handle, load_ids_of_invalid_requests="true")
    assert (["A"], 2) == (asked["ids_of_invalid_requests"], asked["errors_total_count"])


def test_an_unknown_handle_is_refused() -> None:
    """A handle of nobody's is code 100 and named."""
    with pytest.raises(GraphError, match="handle"):
        _status(new_world(), "Acx")


def test_early_validation_reports_in_the_answer() -> None:
    """With the switch on, wrong values are already in validation_status and not ingested."""
    answer = _push(new_world(early_validation=True), [record("A", price="x")])
    assert ([], 1) == (answer["handles"], len(answer["validation_status"][0]["errors"]))
