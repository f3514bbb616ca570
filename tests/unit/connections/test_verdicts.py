"""What keeps a capability from working: each fact alone, and each of Meta's codes."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.connections.graph import probe
from connector.connections.model import CONCERNED, Block, CapabilityKind, Cause, Connection, Probe, Reach
from connector.connections.model.capabilities import CapabilityState
from connector.connections.model.needs import BASIC, FURTHER, NEEDS, scopes_for
from connector.connections.model.verdicts import Consequence, consequence, lift, past_hope, probes_due, weigh
from connector.errors import ConnectorError, MetaRefused
from connector.graph.call import Call
from connector.graph.decipher import Answer, decipher
from connector.graph.faults import FAULTS, Fault
from connector.settings import AppProfile
from connector.values import OPTIONAL, Environment
from connector.vault import Secret
from simulator.limits import THROTTLE_CODES
from tests.unit.connections.test_model import ATTACHED, BARE, NOW

APP = AppProfile(Environment.TEST, "1", (Secret("s"),), Secret("v"), "v26.0", frozenset(OPTIONAL))
BEFORE_ORDERS_END = datetime(2026, 7, 1, tzinfo=UTC)
EVERYTHING = replace(
    BARE,
    **ATTACHED,
    catalog_go_time=NOW,
    granted_scopes=tuple({**BASIC, **FURTHER}),
    page_tasks=("MESSAGING", "CREATE_CONTENT"),
)
CATALOG, MESSAGES, ORDERS = CapabilityKind.CATALOG_SYNC, CapabilityKind.MESSAGING, CapabilityKind.ORDER_MANAGEMENT


def standing(connection: Connection, *, app: AppProfile = APP, at: datetime = BEFORE_ORDERS_END) -> dict[str, Any]:
    """Tell which capabilities do not work, and in which state and for which reason."""
    weighed = replace(connection, blocks=weigh(connection, app, at=at))
    return {
        one.kind.value: (one.state.value, one.reason)
        for one in weighed.capabilities()
        if one.state is not CapabilityState.ACTIVE
    }


def test_with_everything_granted_everything_works() -> None:
    """A merchant who granted everything to an app that asks for everything can do everything."""
    assert {} == standing(EVERYTHING)


@pytest.mark.parametrize("scope", sorted({scope for need in NEEDS.values() for scope in need.scopes}))
def test_a_scope_that_is_gone_takes_away_what_needs_it_and_nothing_else(scope: str) -> None:
    """Each permission that is missing stops exactly the capabilities that the table says need it."""
    without = replace(EVERYTHING, granted_scopes=tuple(one for one in EVERYTHING.granted_scopes if one != scope))
    needing = {kind.value for kind, need in NEEDS.items() if scope in need.scopes}
    assert dict.fromkeys(needing, ("NOT_GRANTED", "SCOPES_MISSING")) == standing(without)
    assert all((scope,) == block.missing for block in weigh(without, APP, at=BEFORE_ORDERS_END).values())


@pytest.mark.parametrize("task", ["MESSAGING", "CREATE_CONTENT"])
def test_a_page_task_that_is_gone_takes_away_what_needs_it_and_nothing_else(task: str) -> None:
    """Each task on the Page that is missing stops exactly the capabilities that the table says need it."""
    without = replace(EVERYTHING, page_tasks=tuple(one for one in EVERYTHING.page_tasks if one != task))
    needing = {kind.value for kind, need in NEEDS.items() if task in need.tasks}
    assert dict.fromkeys(needing, ("NOT_GRANTED", "PAGE_TASK_MISSING")) == standing(without)


@pytest.mark.parametrize(
    ("targets", "stopped"),
    [
        ({"pages_messaging": ("2",)}, {"MESSAGING"}),
        ({"pages_messaging": ("2", "1")}, set()),
        ({"pages_messaging": ()}, set()),
        ({"catalog_management": ("6",)}, {"CATALOG_SYNC", "INVENTORY", "PROMOTIONS"}),
        ({"catalog_management": ("5",)}, set()),
        ({"catalog_management": ("77",)}, set()),
        ({"ads_read": ("9",)}, set()),
    ],
)
def test_a_scope_for_other_assets_is_a_scope_missing(targets: dict[str, tuple[str, ...]], stopped: set[str]) -> None:
    """A permission granted for single assets counts only if ours is among them, by itself or by its business."""
    granular = replace(EVERYTHING, business_id="77", reach=Reach.of(targets))
    assert dict.fromkeys(stopped, ("NOT_GRANTED", "SCOPES_MISSING")) == standing(granular)


@pytest.mark.parametrize("kind", OPTIONAL)
def test_what_the_app_does_not_ask_for_is_not_offered(kind: CapabilityKind) -> None:
    """An optional capability that operators have not set is unavailable, and the others are as they were."""
    without = replace(APP, capabilities=APP.capabilities - {kind})
    assert {kind.value: ("UNAVAILABLE", "CAPABILITY_NOT_ENABLED")} == standing(EVERYTHING, app=without)


@pytest.mark.parametrize(
    ("probe", "at", "state"),
    [
        (None, BEFORE_ORDERS_END, None),
        (None, NOW, "RETIRED_BY_META"),
        (False, BEFORE_ORDERS_END, "RETIRED_BY_META"),
        (False, NOW, "RETIRED_BY_META"),
        (True, BEFORE_ORDERS_END, None),
        (True, NOW, None),
    ],
)
def test_a_probe_counts_more_than_a_date(probe: bool | None, at: datetime, state: str | None) -> None:  # noqa: FBT001 – a column
    """What Meta ended is retired by its date until somebody tried: then what was found out counts, either way."""
    probes = {} if probe is None else {ORDERS: Probe(probe, at)}
    told = standing(replace(EVERYTHING, probes=probes), at=at)
    assert ({ORDERS.value: (state, "CAPABILITY_RETIRED_BY_META")} if state else {}) == told


@pytest.mark.parametrize(
    ("probe", "at", "hopeless"),
    [
        (None, BEFORE_ORDERS_END, False),
        (Probe(True, BEFORE_ORDERS_END), BEFORE_ORDERS_END, False),
        (None, NOW, True),
        (Probe(False, NOW), NOW, True),
        (Probe(True, BEFORE_ORDERS_END), NOW, True),
        (Probe(True, NOW - timedelta(days=29)), NOW, False),
        (Probe(True, NOW - timedelta(days=31)), NOW, True),
    ],
)
def test_a_try_vouches_for_a_month(probe: Probe | None, at: datetime, hopeless: bool) -> None:  # noqa: FBT001 – a column
    """Past Meta's date, work that cannot be tried waits on for 30 days since orders last answered; without a date, for ever."""
    waiting = replace(EVERYTHING, probes={ORDERS: probe} if probe else {})
    assert hopeless is past_hope(waiting, ORDERS, APP, at=at)
    assert not past_hope(waiting, CATALOG, APP, at=at)


def test_a_block_that_stays_keeps_its_time() -> None:
    """Weighing again, later, changes nothing: also not since when something is missing."""
    without = replace(EVERYTHING, granted_scopes=("pages_messaging",))
    first = weigh(without, APP, at=BEFORE_ORDERS_END)
    again = weigh(replace(without, blocks=first), APP, at=BEFORE_ORDERS_END + timedelta(days=1))
    assert first == again
    assert first


def test_a_refusals_block_stays_until_a_call_works() -> None:
    """Weighing alone does not heal what Meta refused; a call that works does, and only that capability."""
    refused = {kind: Block("META_PERMISSION_MISSING", NOW) for kind in (CATALOG, MESSAGES)}
    blocked = replace(EVERYTHING, blocks=refused)
    assert refused == weigh(blocked, APP, at=BEFORE_ORDERS_END)
    assert {MESSAGES: refused[MESSAGES]} == lift(blocked, CATALOG)


def test_a_missing_scope_explains_a_refusal() -> None:
    """Once an inspection shows what is missing, the block says so, and heals when it is granted again."""
    refused = {MESSAGES: Block("META_PERMISSION_MISSING", NOW)}
    without = tuple(one for one in EVERYTHING.granted_scopes if one != "pages_messaging")
    explained = weigh(replace(EVERYTHING, blocks=refused, granted_scopes=without), APP, at=BEFORE_ORDERS_END)
    assert ("SCOPES_MISSING", Cause.STANDING) == (explained[MESSAGES].reason, explained[MESSAGES].cause)
    assert {} == weigh(replace(EVERYTHING, blocks=explained), APP, at=BEFORE_ORDERS_END)


def test_a_connection_never_inspected_is_given_the_benefit_of_the_doubt() -> None:
    """Without any known permission or task nothing is concluded from their absence, but optional capabilities stay shut."""
    unknown = replace(EVERYTHING, granted_scopes=(), page_tasks=())
    assert set(map(str, OPTIONAL)) == standing(unknown).keys()


MEANS = {
    "META_TOKEN_INVALID": Consequence.LOGIN,
    "META_PERMISSION_MISSING": Consequence.BLOCK,
    "META_POLICY_BLOCKED": Consequence.BLOCK,
    "META_APP_NOT_APPROVED": Consequence.BLOCK,
    "CAPABILITY_RETIRED_BY_META": Consequence.BLOCK,
}
BECOMES = {
    "META_PERMISSION_MISSING": "BLOCKED",
    "META_POLICY_BLOCKED": "BLOCKED",
    "META_APP_NOT_APPROVED": "UNAVAILABLE",
    "CAPABILITY_RETIRED_BY_META": "RETIRED_BY_META",
}
PASSING = {"META_THROTTLED", "META_UNAVAILABLE", "META_OUTCOME_UNKNOWN"}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda one: f"{one.code}-{one.subcode}")
def test_each_code_of_meta_has_its_consequence(fault: Fault) -> None:
    """Token codes end the connection, permission codes one capability, a doubtful one is looked into, others do nothing."""
    expected = Consequence.LOOK if fault.code == 230 else MEANS.get(fault.reason, Consequence.NONE)
    assert expected == consequence(fault.reason, fault.code, fault.subcode)


@pytest.mark.parametrize("kind", CapabilityKind)
@pytest.mark.parametrize(("reason", "state"), BECOMES.items())
def test_a_refusal_touches_one_capability(kind: CapabilityKind, reason: str, state: str) -> None:
    """Whatever Meta takes away of one capability leaves every other one as it was."""
    assert {kind.value: (state, reason)} == standing(replace(EVERYTHING, blocks={kind: Block(reason, NOW)}))


THROTTLES = sorted({code for code in THROTTLE_CODES.values() if code} | {4, 17, 32, 341, 613, 80014})


@given(
    status=st.sampled_from([400, 403, 429, 500, 502, 503]),
    code=st.sampled_from([1, 2, *THROTTLES]),
    subcode=st.integers(0, 3_000_000).filter(lambda one: one not in {99, 2018344}),
    words=st.text(max_size=40),
)
def test_throttling_never_looks_like_lost_permission(status: int, code: int, subcode: int, words: str) -> None:
    """Whatever else Meta writes into a throttle or a failure of its own, it takes nothing away."""
    assert Consequence.NONE == _consequence(status, {"code": code, "error_subcode": subcode, "message": words})


@given(
    status=st.integers(500, 599),
    code=st.sampled_from(sorted({code for code, _ in FAULTS})),
    subcode=st.sampled_from(sorted({subcode for _, subcode in FAULTS})),
)
def test_a_failing_meta_never_takes_anything_away(status: int, code: int, subcode: int) -> None:
    """An answer of 5xx, and one that calls itself transient, is no verdict, whatever code it carries."""
    assert Consequence.NONE == _consequence(status, {"code": code, "error_subcode": subcode})
    assert Consequence.NONE == _consequence(400, {"code": code, "error_subcode": subcode, "is_transient": True})


def _consequence(status: int, error: dict[str, Any]) -> Consequence:
    """Read an answer of Meta, and draw the consequence of what it means."""
    answer = Answer(status, {}, orjson.dumps({"error": error}))
    with pytest.raises(ConnectorError) as raised:
        decipher(Call("GET", "1", read=lambda found: found), answer, now=NOW)
    if not isinstance(raised.value, MetaRefused):
        assert raised.value.reason in PASSING
        return Consequence.NONE
    return consequence(raised.value.reason, raised.value.code, raised.value.subcode)


@pytest.mark.parametrize(
    ("blocks", "probes", "hours", "due"),
    [
        ({}, {}, 0, {ORDERS}),
        ({}, {ORDERS: 0}, 24 * 6, set()),
        ({}, {ORDERS: 0}, 24 * 7, {ORDERS}),
        ({MESSAGES: "META_PERMISSION_MISSING"}, {ORDERS: 0}, 5, set()),
        ({MESSAGES: "META_PERMISSION_MISSING"}, {ORDERS: 0}, 6, {MESSAGES}),
        ({MESSAGES: "META_PERMISSION_MISSING"}, {ORDERS: 0, MESSAGES: 3}, 6, set()),
        ({MESSAGES: "META_POLICY_BLOCKED"}, {ORDERS: 0}, 23, set()),
        ({MESSAGES: "META_POLICY_BLOCKED"}, {ORDERS: 0}, 24, {MESSAGES}),
    ],
)
def test_tries_come_in_time_and_not_more_often(
    blocks: dict[CapabilityKind, str], probes: dict[CapabilityKind, int], hours: int, due: set[CapabilityKind]
) -> None:
    """What Meta ends is tried weekly, what it refused every six hours, a policy's block after a day."""
    connection = replace(
        EVERYTHING,
        blocks={kind: Block(reason, NOW) for kind, reason in blocks.items()},
        probes={kind: Probe(alive=True, time=NOW + timedelta(hours=after)) for kind, after in probes.items()},
    )
    assert due == set(probes_due(connection, APP, at=NOW + timedelta(hours=hours)))


def test_without_a_catalog_there_is_nothing_to_try() -> None:
    """What works on the catalog is not asked for, hour after hour, while there is none."""
    bare = replace(EVERYTHING, catalog_id="", blocks={CATALOG: Block("META_PERMISSION_MISSING", NOW)})
    assert CATALOG not in probes_due(bare, APP, at=NOW + timedelta(days=1))


def test_whatever_a_refusal_can_block_can_be_tried() -> None:
    """A block that is waited for to heal has a call that heals it; conversions are tried by the task that sends them, on the pixel."""
    blockable = {*CONCERNED.values(), *(kind for kind, need in NEEDS.items() if need.asset)}
    blockable -= {CapabilityKind.CONVERSIONS}
    assert all(probe(kind, page_id="1", catalog_id="5") for kind in blockable)


@pytest.mark.parametrize("change", [{"granted_scopes": tuple(BASIC)}, {}])
def test_orders_are_tried_only_where_asked_for_and_granted(change: dict[str, Any]) -> None:
    """Nobody calls for what the merchant did not grant, or the app does not ask for."""
    app = APP if change else replace(APP, capabilities=frozenset())
    assert () == probes_due(replace(EVERYTHING, **change), app, at=NOW)


def test_merchants_are_asked_for_what_is_used() -> None:
    """The basic permissions are always asked for, those of an optional capability only with it, and each says why."""
    assert BASIC == scopes_for([]) == scopes_for(set(CapabilityKind) - set(OPTIONAL))
    assert {**BASIC, **FURTHER} == scopes_for(OPTIONAL)
    assert {"ads_read"} == scopes_for([CapabilityKind.INSIGHTS]).keys() - BASIC.keys()
    assert all(scope in {**BASIC, **FURTHER} for need in NEEDS.values() for scope in need.scopes)


def test_the_documents_table_is_the_one_in_force() -> None:
    """What docs/graph-version.md says each capability needs is what the code asks for."""
    lines = (Path(__file__).parents[3] / "docs/graph-version.md").read_text().splitlines()
    rows = [line.split("|")[1:4] for line in lines if line.startswith("| `")]
    written = {
        kind: (set(_WORD.findall(scopes)), set(_WORD.findall(tasks)))
        for kinds, scopes, tasks in rows
        for kind in _WORD.findall(kinds)
    }
    assert {kind.value: (set(need.scopes), set(need.tasks)) for kind, need in NEEDS.items()} == written
    assert {kind.value for kind in OPTIONAL} == {
        kind for kinds, *_ in rows if "optional" in kinds for kind in _WORD.findall(kinds)
    }


_WORD = re.compile(r"`([^`]+)`")
