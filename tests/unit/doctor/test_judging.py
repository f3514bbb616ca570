"""Every answer of Meta's has one judgement."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.connections.graph import Inspection, read_app_subscription
from connector.connections.model import ESSENTIAL, AppSubscription, wanted_objects
from connector.connections.model.needs import BASIC
from connector.doctor import graph
from connector.doctor.model import judging
from connector.doctor.model.causes import CAUSES
from connector.doctor.model.checks import CHECKS
from connector.doctor.model.values import (
    Arrival,
    CatalogFacts,
    CommerceAccount,
    Finding,
    Journey,
    Kind,
    OwnedDomain,
    State,
)
from connector.errors import ConnectorError, FailedPrecondition, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from tests.unit.doctor.subjects import NOW, SUBJECT

ALIVE = Inspection("610", True, "9", frozenset(BASIC), NOW + timedelta(days=50), NOW + timedelta(days=80))
HOOK = AppSubscription("page", SUBJECT.callback_url, True, frozenset(ESSENTIAL))
OTHER_HOOKS = [
    replace(HOOK, object=name, fields=frozenset(wanted_objects(())[name])) for name in ("user", "permissions")
]
MINE, THEIRS = OwnedDomain("shop.example", verified=True), OwnedDomain("other.example", verified=True)
SHOP = CommerceAccount("8", "ENABLED", "SETUP", "APPROVED")

JUDGED: Sequence[tuple[Kind, Any, str]] = [
    (Kind.TOKEN, ALIVE, "TOKEN_ALIVE"),
    (Kind.TOKEN, replace(ALIVE, expire_time=None, data_access_expire_time=None), "TOKEN_ALIVE"),
    (Kind.TOKEN, replace(ALIVE, expire_time=NOW + timedelta(days=6)), "TOKEN_ENDS_SOON"),
    (Kind.TOKEN, replace(ALIVE, valid=False), "TOKEN_DEAD"),
    (Kind.TOKEN, replace(ALIVE, app_id="611"), "TOKEN_FOREIGN"),
    (Kind.TOKEN, replace(ALIVE, data_access_expire_time=NOW), "DATA_ACCESS_ENDED"),
    (Kind.SCOPES, ALIVE, "SCOPES_COMPLETE"),
    (Kind.SCOPES, replace(ALIVE, scopes=ALIVE.scopes - {"pages_messaging"}), "SCOPES_LACKING"),
    (Kind.SCOPES, replace(ALIVE, valid=False), "TOKEN_NEEDED"),
    (Kind.PAGE_TASKS, ("CREATE_CONTENT", "MESSAGING", "MODERATE"), "TASKS_COMPLETE"),
    (Kind.PAGE_TASKS, ("ANALYZE", "MESSAGING"), "TASKS_LACKING"),
    (Kind.PAGE_TASKS, None, "PAGE_LOST"),
    (Kind.PAGE_SUBSCRIPTION, ESSENTIAL, "PAGE_SUBSCRIBED"),
    (Kind.PAGE_SUBSCRIPTION, ESSENTIAL[1:], "PAGE_FIELDS_LACKING"),
    (Kind.PAGE_SUBSCRIPTION, (), "PAGE_UNSUBSCRIBED"),
    (Kind.APP_SUBSCRIPTION, [HOOK, *OTHER_HOOKS], "APP_SUBSCRIBED"),
    (Kind.APP_SUBSCRIPTION, [HOOK, OTHER_HOOKS[0]], "APP_OBJECTS_LACKING"),
    (Kind.APP_SUBSCRIPTION, [replace(HOOK, object="user")], "APP_UNSUBSCRIBED"),
    (Kind.APP_SUBSCRIPTION, [replace(HOOK, callback_url="https://else.example")], "APP_CALLBACK_FOREIGN"),
    (Kind.APP_SUBSCRIPTION, [replace(HOOK, active=False)], "APP_SUBSCRIPTION_INACTIVE"),
    (Kind.APP_SUBSCRIPTION, [replace(HOOK, fields=HOOK.fields - {"messages"})], "APP_FIELDS_LACKING"),
    (
        Kind.APP_SUBSCRIPTION,
        [replace(one, callback_url="", fields=frozenset()) for one in (HOOK, *OTHER_HOOKS)],
        "APP_SUBSCRIBED",
    ),
    *((Kind.WEBHOOK, Journey(arrival, {}), judging._ARRIVALS[arrival]) for arrival in Arrival),
    (Kind.THREAD_OWNER, "", "THREAD_OURS"),
    (Kind.THREAD_OWNER, "610", "THREAD_OURS"),
    (Kind.THREAD_OWNER, judging.PAGE_INBOX_APP_ID, "THREAD_IN_INBOX"),
    (Kind.THREAD_OWNER, "999", "THREAD_FOREIGN"),
    (Kind.BUSINESS_VERIFICATION, "verified", "BUSINESS_VERIFIED"),
    (Kind.BUSINESS_VERIFICATION, "not_verified", "BUSINESS_NOT_VERIFIED"),
    (Kind.BUSINESS_VERIFICATION, "pending", "BUSINESS_PENDING"),
    (Kind.BUSINESS_VERIFICATION, "rejected", "BUSINESS_REFUSED"),
    (Kind.BUSINESS_VERIFICATION, "", "NOT_OFFERED"),
    (Kind.BUSINESS_VERIFICATION, "word_of_tomorrow", "NOT_OFFERED"),
    (Kind.DOMAIN, [THEIRS, MINE], "DOMAIN_VERIFIED"),
    (Kind.DOMAIN, [replace(MINE, verified=False)], "DOMAIN_NOT_VERIFIED"),
    (Kind.DOMAIN, [THEIRS], "DOMAIN_NOT_OWNED"),
    (Kind.DOMAIN, [OwnedDomain("op.example", verified=True)], "DOMAIN_NOT_OWNED"),
    (Kind.COMMERCE, SHOP, "COMMERCE_ELIGIBLE"),
    (Kind.COMMERCE, CommerceAccount("8"), "COMMERCE_ELIGIBLE"),
    (Kind.COMMERCE, None, "COMMERCE_NONE"),
    (Kind.COMMERCE, replace(SHOP, merchant_status="EXTERNALLY_DISABLED"), "COMMERCE_DISABLED"),
    (Kind.COMMERCE, replace(SHOP, review_status="REJECTED"), "COMMERCE_REJECTED"),
    (Kind.COMMERCE, replace(SHOP, review_status="IN_REVIEW"), "COMMERCE_IN_REVIEW"),
    (Kind.COMMERCE, replace(SHOP, shop_setup="NOT_SETUP"), "COMMERCE_UNFINISHED"),
    (Kind.CATALOG, CatalogFacts("commerce", "20"), "CATALOG_OURS"),
    (Kind.CATALOG, CatalogFacts("commerce", ""), "CATALOG_OURS"),
    (Kind.CATALOG, CatalogFacts("commerce", "21"), "CATALOG_FOREIGN"),
    (Kind.CATALOG, CatalogFacts("commerce", "21", "20"), "CATALOG_OURS"),
    (Kind.CATALOG, CatalogFacts("commerce", "21", "22"), "CATALOG_FOREIGN"),
    (Kind.CATALOG, CatalogFacts("", "20"), "CATALOG_OURS"),
    (Kind.CATALOG, CatalogFacts("hotels", "20"), "CATALOG_UNSUITABLE"),
    (Kind.CATALOG, None, "CATALOG_GONE"),
    (Kind.PIXEL, ["APP", "PIXEL"], "PIXEL_LINKED"),
    (Kind.PIXEL, ["APP"], "PIXEL_NOT_LINKED"),
    (Kind.ORDER_APP, ["610"], "ORDER_APP_OURS"),
    (Kind.ORDER_APP, [], "ORDER_APP_NONE"),
    (Kind.ORDER_APP, ["611"], "ORDER_APP_FOREIGN"),
    (Kind.ORDER_APP, None, "COMMERCE_NONE"),
]


@pytest.mark.parametrize(("kind", "answer", "cause"), JUDGED)
def test_an_answer_has_one_judgement(kind: Kind, answer: Any, cause: str) -> None:
    """Each answer leads to its cause, a row of the same check or of any."""
    found = CHECKS[kind].judge(SUBJECT, answer, NOW)
    assert cause == found.cause
    assert kind is CAUSES[cause].kind or CAUSES[cause].kind is None


def test_every_cause_of_a_check_can_come_about() -> None:
    """No row of the table is a word without an answer that leads to it."""
    assert {name for name, cause in CAUSES.items() if cause.kind} - {"PAGE_SUBSCRIBING"} == {
        cause for _, _, cause in JUDGED if CAUSES[cause].kind
    }


@pytest.mark.parametrize(
    ("changed", "minutes", "cause"),
    [
        ("token_time", 4, "PAGE_SUBSCRIBING"),
        ("token_time", 5, "PAGE_UNSUBSCRIBED"),
        ("state_time", 4, "PAGE_SUBSCRIBING"),
        ("state_time", 5, "PAGE_UNSUBSCRIBED"),
    ],
)
def test_a_page_that_is_being_subscribed_has_lost_nothing(changed: str, minutes: int, cause: str) -> None:
    """Right after the link, or after it came back to work, a lacking subscription is not told as a loss."""
    connection = replace(SUBJECT.connection, **{changed: NOW - timedelta(minutes=minutes)})  # type: ignore[arg-type] # a table
    subject = replace(SUBJECT, connection=connection)
    assert cause == judging.page_subscription(subject, (), NOW).cause
    assert "PAGE_SUBSCRIBED" == judging.page_subscription(subject, ESSENTIAL, NOW).cause


def test_a_catalog_whose_business_is_not_known_is_nobody_elses() -> None:
    """A catalog that came without its business, as a system user's may, is not called foreign for it."""
    unknown = replace(SUBJECT, connection=replace(SUBJECT.connection, business_id=""))
    assert "CATALOG_OURS" == judging.catalog(unknown, CatalogFacts("commerce", "21"), NOW).cause


def test_a_subdomain_is_within_its_domain() -> None:
    """A host below an owned domain is owned; one that only ends alike is not."""
    subject = replace(SUBJECT, hosts=("www.shop.example", "myshop.example"))
    assert Finding("DOMAIN_NOT_OWNED", {"hosts": "myshop.example"}) == judging.domain(subject, [MINE], NOW)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Throttled("app", NOW, "wait"), "META_PAUSE"),
        (Throttled("app", NOW, "it fails too often", reason="META_UNAVAILABLE"), "META_SILENT"),
        (Unavailable("VAULT_UNAVAILABLE", "the key service is away"), "KEY_AWAY"),
        (Unavailable("DEADLINE_TOO_SHORT", "the caller has no time left"), "OUT_OF_TIME"),
        (Unavailable("META_UNAVAILABLE", "gone"), "META_SILENT"),
        (OutcomeUnknown("META_OUTCOME_UNKNOWN", "lost"), "META_SILENT"),
        (FailedPrecondition("META_TOKEN_INVALID", "none"), "TOKEN_NEEDED"),
        (FailedPrecondition("STORE_NOT_CONNECTED", "gone meanwhile"), "NOT_CONNECTED"),
        (MetaRefused("META_TOKEN_INVALID", "dead", code=190), "TOKEN_NEEDED"),
        (MetaRefused("META_PERMISSION_MISSING", "no", code=200), "NOT_GRANTED"),
        (MetaRefused("CAPABILITY_RETIRED_BY_META", "gone", code=12), "NOT_OFFERED"),
        (MetaRefused("META_REJECTED", "no such field", code=100), "NOT_OFFERED"),
        (MetaRefused("META_APP_NOT_APPROVED", "no", code=3), "NOT_APPROVED"),
        (MetaRefused("GRAPH_VERSION_RETIRED", "old", code=2635), "VERSION_ENDED"),
        (MetaRefused("META_POLICY_BLOCKED", "no", code=368), "META_BLOCKS"),
        (MetaRefused("META_REJECTED", "what", code=1234), "META_UNCLEAR"),
    ],
)
def test_what_is_not_answered_is_no_failure(error: ConnectorError, cause: str) -> None:
    """Whatever keeps Meta from answering, the check does not fail of it."""
    assert cause == judging.trouble(error).cause
    assert CAUSES[cause].state in {State.UNKNOWN, State.SKIPPED}


def test_answers_are_read_with_what_they_leave_out() -> None:
    """An owner, a shop's setup or a list of fields that Meta does not tell is empty, not an error."""
    assert AppSubscription("page", "", True, frozenset()) == read_app_subscription({"object": "page"})
    assert "" == graph.thread_owner("30", "70").read({"data": []})
    assert CatalogFacts("commerce", "", "20") == graph.catalog("50", "app").read(
        {"vertical": "commerce", "business": {"id": "20"}}
    )
    assert CommerceAccount("8") == graph.commerce_account("30").read({"data": [{"id": "8"}]})
    assert graph.commerce_account("30").read({"data": []}) is None
