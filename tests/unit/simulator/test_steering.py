"""Faults, switches and seeds: orders are carried out, wrong ones refused by name."""

import json
from typing import Any

import pytest

from simulator import seeds
from simulator.batch_endpoint import find_path
from simulator.faults import Faults
from simulator.switches import Switches
from tests.unit.simulator.worlds import new_world


def test_a_fault_hits_only_its_calls_and_so_often() -> None:
    """Method and path select the calls; after `times` hits the fault is gone."""
    faults = Faults()
    faults.order({"match": {"method": "POST", "path": "items_batch$"}, "times": 2, "action": {"kind": "error"}})
    hits = [
        faults.take(method, path) is not None
        for method, path in [
            ("GET", "1/items_batch"), ("POST", "1/products"), ("POST", "1/items_batch"),
            ("POST", "2/items_batch"), ("POST", "3/items_batch"),
        ]
    ]  # fmt: skip
    assert [False, False, True, True, False] == hits
    assert [] == faults.listed()


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "action.kind"),
        ({"action": {"kind": "explode"}}, "explode"),
        ({"action": {"kind": "delay", "minutes": 1}}, "action.minutes"),
        ({"action": {"kind": "error", "code": "x"}}, "action.code"),
        ({"action": {"kind": "close"}, "times": 0}, "times"),
        ({"action": {"kind": "close"}, "match": {"path": "("}}, "match.path"),
        ({"action": {"kind": "close"}, "match": {"path": 5}}, "match.path"),
        ({"action": {"kind": "close"}, "match": {"method": "LOOK"}}, "match.method"),
        ({"action": {"kind": "close"}, "match": {"edge": "items_batch"}}, "match.edge"),
        ({"action": {"kind": "close"}, "match": "items_batch"}, "match"),
        ({"action": {"kind": "close"}, "count": 2}, "count"),
        ({"action": "close"}, "action"),
        ({"action": {"kind": ["close"]}}, "action.kind"),
        ({"action": {"kind": "error", "code": True}}, "action.code"),
    ],
)
def test_a_wrong_fault_is_refused_by_name(document: dict[str, Any], named: str) -> None:
    """The refusal names the member."""
    with pytest.raises(ValueError, match=named):
        Faults().order(document)


@pytest.mark.parametrize(
    ("code", "bucket"), [(80014, "catalog_batch"), (80006, "messenger"), (80009, "catalog_management")]
)
def test_ordered_throttling_tells_the_minutes(code: int, bucket: str) -> None:
    """An ordered throttle carries the header of its own bucket that says when to come back."""
    fault = Faults().order({"action": {"kind": "error", "code": code, "minutes": 7}})
    (use_case,) = json.loads(fault.error("1").headers["X-Business-Use-Case-Usage"])["1"]
    assert (bucket, 7) == (use_case["type"], use_case["estimated_time_to_regain_access"])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"speed": 1}, "switches.speed"),
        ({"batch_seconds": "1"}, "switches.batch_seconds"),
        ({"early_validation": 1}, "switches.early_validation"),
        ({"allowances": {"everything": 1}}, "switches.allowances"),
        ({"batch_seconds": 5, "speed": 1}, "switches.speed"),
        ({"dialog": "maybe"}, "switches.dialog"),
        ({"duplicate_share": 1.5}, "switches.duplicate_share"),
        ({"empty_handles": -1}, "switches.empty_handles"),
        ({"future_version_code": 3}, "switches.future_version_code"),
        ({"broken_image_pattern": "("}, "switches.broken_image_pattern"),
    ],
)
def test_a_wrong_switch_changes_nothing(values: dict[str, Any], named: str) -> None:
    """One wrong switch refuses the whole change, naming it."""
    switches = Switches()
    with pytest.raises(ValueError, match=named):
        switches.change(**values)
    assert Switches() == switches


def test_switches_of_tables_merge() -> None:
    """Changing one allowance keeps the others."""
    switches = Switches()
    switches.change(allowances={"catalog_batch": 7}, batch_seconds=3)
    assert (7, 20_000, 3.0) == (
        switches.allowances["catalog_batch"],
        switches.allowances["app"],
        switches.batch_seconds,
    )


def test_seeding_twice_changes_nothing() -> None:
    """The same document gives the same ids and the same tokens."""
    world = new_world()
    assert seeds.seed(world, seeds.DEFAULT) == seeds.seed(world, seeds.DEFAULT)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"shops": []}, "shops"),
        ({"pages": {}}, "pages"),
        ({"pages": [{"id": 5}]}, "id"),
        ({"pages": [{"id": "1", "business_id": "404"}]}, "business_id"),
        ({"app_id": "404"}, "app_id"),
        ({"catalogs": ["x"]}, "catalogs"),
        ({"catalogs": [{"shared_with": ["404"]}]}, "shared_with"),
        ({"pages": [{"tasks": "MANAGE"}]}, "tasks"),
        ({"scopes": [5]}, "scopes"),
    ],
)
def test_a_wrong_seed_is_refused_by_name(document: dict[str, Any], named: str) -> None:
    """The refusal names the member."""
    with pytest.raises(ValueError, match=named):
        seeds.seed(new_world(), document)


def test_a_reset_world_is_the_first_one_again() -> None:
    """After a reset ids, tokens and chance are those of the first day."""
    world = new_world(batch_seconds=9.0)
    before = (sorted(world.nodes), sorted(world.tokens), world.switches.batch_seconds)
    seeds.seed(world, {"pages": [{"name": "Another"}]})
    world.switches.change(batch_seconds=1.0)
    world.reset()
    assert before == (sorted(world.nodes), sorted(world.tokens), world.switches.batch_seconds)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.id", ["1"]),
        ("$.data[0].id", ["2"]),
        ("$.data.*.id", ["2", "3"]),
        ("$.data[*].id", ["2", "3"]),
        ("$.none", []),
    ],
)
def test_batch_references_follow_json_paths(path: str, expected: list[str]) -> None:
    """Names, numbers and stars are followed; what is not there is empty."""
    assert expected == find_path({"id": "1", "data": [{"id": "2"}, {"id": "3"}]}, path)
