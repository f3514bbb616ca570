"""Every check, broken at Meta one by one, over real gRPC: the right cause, owner, and button."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from simulator.standing import CommerceMerchantSettings, ExternalEventSource, OwnedDomain
from simulator.state import Business, Page, ProductCatalog, User
from simulator.world import World
from stormcom.facebook.v1.check_pb2 import Check
from stormcom.facebook.v1.diagnostic_pb2 import Explanation
from tests.integration.conftest import APP_ID
from tests.integration.doctor.patient import BUSINESS_ID, BUYER_ID, CATALOG_ID, PAGE_ID, USER_ID, Patient, shown

OTHER_APP_ID = "999"


async def test_a_healthy_connection_is_told_so(patient: Patient) -> None:
    """With everything in place every check is OK, each told once."""
    found = await patient.run()
    assert {"OK"} == {shown(check)[0] for check in found.values()}
    kinds = Check.Kind.keys()
    assert len(kinds) - 1 == len(found)


@dataclass(frozen=True, slots=True)
class Breakage:
    """Something taken away at Meta, and what the doctor says of it."""

    kind: str
    shown: tuple[str, str]
    owner: str
    fix: tuple[str, bool]
    act: Callable[[World], object]


def _user(world: World) -> User:
    return world.require(User, USER_ID, name="user")


def _page(world: World) -> Page:
    return world.require(Page, PAGE_ID, name="page")


def _kill_tokens(world: World) -> None:
    for token in world.tokens.values():
        token.death = 460


def _expire_domain(world: World) -> None:
    world.all(OwnedDomain)[0].status = "not_verified"


def _change_hook(world: World, **values: object) -> None:
    for name, value in values.items():
        setattr(world.apps[APP_ID].subscriptions["page"], name, value)


def _change_shop(world: World, **values: object) -> None:
    for name, value in values.items():
        setattr(world.all(CommerceMerchantSettings)[0], name, value)


def _hand_catalog_over(world: World) -> None:
    other = world.add(Business("20000000000000002", "Another business"))
    world.require(ProductCatalog, CATALOG_ID, name="catalog").business_id = other.id


CONNECT, NONE = ("Connect", True), ("", False)
BROKEN = [
    Breakage("TOKEN", ("FAILED", "TOKEN_DEAD"), "MERCHANT", CONNECT, _kill_tokens),
    Breakage(
        "SCOPES", ("FAILED", "SCOPES_LACKING"), "MERCHANT", CONNECT,
        lambda world: _user(world).grants[APP_ID].update(pages_messaging="declined"),
    ),
    Breakage(
        "PAGE_TASKS", ("FAILED", "TASKS_LACKING"), "MERCHANT", ("Connect", False),
        lambda world: _user(world).page_tasks.update({PAGE_ID: ["ANALYZE"]}),
    ),
    Breakage(
        "PAGE_TASKS", ("FAILED", "PAGE_LOST"), "MERCHANT", ("Connect", False),
        lambda world: _user(world).page_tasks.pop(PAGE_ID),
    ),
    Breakage(
        "PAGE_SUBSCRIPTION", ("FAILED", "PAGE_UNSUBSCRIBED"), "META", NONE,
        lambda world: _page(world).fields_by_app.pop(APP_ID),
    ),
    Breakage(
        "PAGE_SUBSCRIPTION", ("FAILED", "PAGE_FIELDS_LACKING"), "META", NONE,
        lambda world: _page(world).fields_by_app[APP_ID].remove("messages"),
    ),
    Breakage(
        "APP_SUBSCRIPTION", ("FAILED", "APP_UNSUBSCRIBED"), "STORMCOM", NONE,
        lambda world: world.apps[APP_ID].subscriptions.pop("page"),
    ),
    Breakage(
        "APP_SUBSCRIPTION", ("FAILED", "APP_CALLBACK_FOREIGN"), "STORMCOM", NONE,
        lambda world: _change_hook(world, callback_url="https://else.example/hook"),
    ),
    Breakage(
        "APP_SUBSCRIPTION", ("FAILED", "APP_SUBSCRIPTION_INACTIVE"), "STORMCOM", NONE,
        lambda world: _change_hook(world, active=False),
    ),
    Breakage(
        "APP_SUBSCRIPTION", ("FAILED", "APP_FIELDS_LACKING"), "STORMCOM", NONE,
        lambda world: _change_hook(world, fields=["messages"]),
    ),
    Breakage(
        "THREAD_OWNER", ("FAILED", "THREAD_FOREIGN"), "MERCHANT", NONE,
        lambda world: _page(world).owner_app_by_psid.update({BUYER_ID: OTHER_APP_ID}),
    ),
    Breakage(
        "THREAD_OWNER", ("WARNING", "THREAD_IN_INBOX"), "MERCHANT", NONE,
        lambda world: _page(world).owner_app_by_psid.update({BUYER_ID: "263902037430900"}),
    ),
    Breakage(
        "BUSINESS_VERIFICATION", ("FAILED", "BUSINESS_REFUSED"), "MERCHANT", NONE,
        lambda world: setattr(world.require(Business, BUSINESS_ID, name="business"), "verification_status", "rejected"),
    ),
    Breakage("DOMAIN", ("FAILED", "DOMAIN_NOT_VERIFIED"), "MERCHANT", NONE, _expire_domain),
    Breakage(
        "DOMAIN", ("FAILED", "DOMAIN_NOT_OWNED"), "MERCHANT", NONE,
        lambda world: world.forget(world.all(OwnedDomain)[0]),
    ),
    Breakage(
        "COMMERCE", ("FAILED", "COMMERCE_DISABLED"), "MERCHANT", NONE,
        lambda world: _change_shop(world, merchant_status="EXTERNALLY_DISABLED"),
    ),
    Breakage(
        "COMMERCE", ("FAILED", "COMMERCE_REJECTED"), "MERCHANT", NONE,
        lambda world: _change_shop(world, review_status="REJECTED"),
    ),
    Breakage(
        "COMMERCE", ("SKIPPED", "COMMERCE_NONE"), "MERCHANT", NONE,
        lambda world: world.forget(world.all(CommerceMerchantSettings)[0]),
    ),
    Breakage("CATALOG", ("FAILED", "CATALOG_FOREIGN"), "MERCHANT", NONE, _hand_catalog_over),
    Breakage(
        "CATALOG", ("FAILED", "CATALOG_UNSUITABLE"), "MERCHANT", NONE,
        lambda world: setattr(world.require(ProductCatalog, CATALOG_ID, name="catalog"), "vertical", "hotels"),
    ),
    Breakage(
        "CATALOG", ("FAILED", "CATALOG_GONE"), "MERCHANT", ("Connect", False),
        lambda world: world.require(Business, BUSINESS_ID, name="business").catalogs.remove(CATALOG_ID),
    ),
    Breakage(
        "PIXEL", ("WARNING", "PIXEL_NOT_LINKED"), "MERCHANT", NONE,
        lambda world: world.forget(world.all(ExternalEventSource)[0]),
    ),
    Breakage(
        "ORDER_APP", ("FAILED", "ORDER_APP_FOREIGN"), "MERCHANT", NONE,
        lambda world: _change_shop(world, order_app_ids=[OTHER_APP_ID]),
    ),
    Breakage(
        "ORDER_APP", ("WARNING", "ORDER_APP_NONE"), "STORMCOM", NONE, lambda world: _change_shop(world, order_app_ids=[])
    ),
]  # fmt: skip
ROUNDS = [
    ["TOKEN_DEAD"],
    ["PAGE_LOST"],
    ["SCOPES_LACKING", "TASKS_LACKING", "PAGE_FIELDS_LACKING", "APP_SUBSCRIPTION_INACTIVE"],
    [
        "PAGE_UNSUBSCRIBED", "APP_UNSUBSCRIBED", "THREAD_FOREIGN", "BUSINESS_REFUSED", "DOMAIN_NOT_OWNED",
        "COMMERCE_DISABLED", "CATALOG_FOREIGN", "PIXEL_NOT_LINKED", "ORDER_APP_FOREIGN",
    ],
    ["APP_CALLBACK_FOREIGN", "DOMAIN_NOT_VERIFIED", "COMMERCE_REJECTED", "CATALOG_UNSUITABLE", "ORDER_APP_NONE"],
    ["APP_FIELDS_LACKING", "THREAD_IN_INBOX", "COMMERCE_NONE", "CATALOG_GONE"],
]  # fmt: skip
"""What can be broken at the same time without one hiding the other."""


@pytest.mark.parametrize("causes", ROUNDS, ids=[causes[0] for causes in ROUNDS])
async def test_what_is_broken_is_named(patient: Patient, causes: Sequence[str]) -> None:
    """Whatever is taken away at Meta, its check says so, whose it is to mend, and which call mends it."""
    broken = [one for one in BROKEN if one.shown[1] in causes]
    for one in broken:
        one.act(patient.world)
    found = await patient.run(*(one.kind for one in broken))
    assert {one.kind: (one.shown, f"OWNER_{one.owner}", one.fix) for one in broken} == {
        kind: (shown(check), Explanation.Owner.Name(check.owner), (check.fix_rpc, check.fix_suffices))
        for kind, check in found.items()
    }


def test_everything_is_broken_once() -> None:
    """No breakage is left out of the rounds."""
    assert sorted(one.shown[1] for one in BROKEN) == sorted(cause for causes in ROUNDS for cause in causes)


@pytest.mark.parametrize(
    ("before", "told"),
    [(150, ("OK", "DOMAIN_VERIFIED")), (1000, ("UNKNOWN", "LIST_TOO_LONG"))],
    ids=["on the second page", "beyond what is read"],
)
async def test_what_stands_further_on_is_not_missing(patient: Patient, before: int, told: tuple[str, str]) -> None:
    """A list of Meta's is read on; what may stand beyond what we read is unknown, not missing."""
    world = patient.world
    (owned,) = world.all(OwnedDomain)
    world.forget(owned)
    for number in range(before):
        world.add(OwnedDomain(world.new_id(), BUSINESS_ID, f"other-{number}.example"))
    world.add(OwnedDomain(world.new_id(), BUSINESS_ID, owned.domain_name))
    assert told == await patient.see("DOMAIN")


ASKING = [
    ("TOKEN", "debug_token"), ("SCOPES", "debug_token"), ("PAGE_TASKS", "me/accounts"),
    ("PAGE_SUBSCRIPTION", "subscribed_apps"), ("APP_SUBSCRIPTION", "subscriptions"), ("THREAD_OWNER", "thread_owner"),
    ("BUSINESS_VERIFICATION", f"{BUSINESS_ID}$"), ("DOMAIN", "owned_domains"),
    ("COMMERCE", "commerce_merchant_settings"), ("CATALOG", f"{CATALOG_ID}$"), ("PIXEL", "external_event_sources"),
    ("ORDER_APP", "order_management_apps"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"kind": "error", "code": 4, "status": 403, "minutes": 30}, "META_PAUSE"),
        ({"kind": "status", "status": 503}, "META_SILENT"),
    ],
    ids=["throttled", "away"],
)
async def test_what_meta_does_not_tell_is_unknown(patient: Patient, fault: dict[str, object], cause: str) -> None:
    """A throttled or failing Meta leaves every check that asks it UNKNOWN: never failed, never an alert."""
    for _, path in ASKING:
        patient.world.faults.order({"match": {"path": path}, "times": 10, "action": fault})
    found = await patient.run(*(kind for kind, _ in ASKING))
    assert {kind: ("UNKNOWN", cause) for kind, _ in ASKING} == {kind: shown(check) for kind, check in found.items()}
    assert [] == await patient.alerts()


@pytest.mark.parametrize("kind", ["COMMERCE", "ORDER_APP"])
async def test_without_the_permission_to_look_nothing_is_asked(patient: Patient, kind: str) -> None:
    """A check whose permission was never granted is skipped without a call."""
    await patient.grant_only_the_usual()
    before = patient.world.records.call_count
    assert ("SKIPPED", "NOT_GRANTED") == await patient.see(kind)
    assert before == patient.world.records.call_count


@pytest.mark.parametrize("kind", ["DOMAIN", "PIXEL", "THREAD_OWNER"])
async def test_a_refused_look_is_no_failure(patient: Patient, kind: str) -> None:
    """When Meta refuses to tell for lack of a permission, the check is skipped."""
    path = dict(ASKING)[kind]
    patient.world.faults.order({"match": {"path": path}, "times": 9, "action": {"kind": "error", "code": 200}})
    assert ("SKIPPED", "NOT_GRANTED") == await patient.see(kind)


async def test_our_own_app_refused_is_stormcoms(patient: Patient) -> None:
    """A wrong app secret fails the checks that speak as the app, is StormCom's to mend, and costs no merchant a login."""
    patient.world.apps[APP_ID].secrets[:] = ["another"]
    check = (await patient.run("APP_SUBSCRIPTION"))["APP_SUBSCRIPTION"]
    assert ("FAILED", "APP_REFUSED") == shown(check)
    assert Explanation.OWNER_STORMCOM == check.owner
    assert "CONNECTED" == await patient.state()


async def test_a_dead_token_is_found_by_any_look(patient: Patient) -> None:
    """Whichever check meets the dead token, the connection needs a login from then on; the token's own check still tells why."""
    _kill_tokens(patient.world)
    assert ("UNKNOWN", "TOKEN_NEEDED") == await patient.see("PAGE_SUBSCRIPTION")
    await patient.turn()
    assert "NEEDS_LOGIN" == await patient.state()
    assert ("FAILED", "TOKEN_DEAD") == await patient.see("TOKEN")
