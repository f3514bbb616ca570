"""What a connection may do follows from what it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from connector.connections.model import (
    CONCERNED,
    FIXES,
    Block,
    Business,
    CapabilityKind,
    Catalog,
    Connection,
    Offer,
    Page,
    Reach,
    State,
)
from connector.db.outbox import Task
from connector.values import ConnectionId, Environment
from stormcom.facebook.v1 import connection_pb2, error_reason_pb2

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BARE = Connection(
    id=ConnectionId(UUID(int=1)),
    store_id="store_1",
    environment=Environment.TEST,
    state=State.CONNECTED,
    reason="",
    state_time=NOW,
    successor_id=None,
    page_id="1",
    page_name="Page",
    page_tasks=("MESSAGING",),
    instagram_id="",
    instagram_username="",
    business_id="",
    catalog_id="",
    catalog_name="",
    catalog_product_count=0,
    catalog_attach_time=None,
    catalog_go_time=None,
    user_id="9",
    user_token=b"u",
    page_token=b"p",
    token_kind="USER",
    granted_scopes=(),
    reach=Reach(),
    token_expire_time=None,
    data_access_expire_time=None,
    token_time=None,
    blocks={},
    subscribed_fields=(),
    subscription_check_time=None,
    create_time=NOW,
    update_time=NOW,
)
ATTACHED: dict[str, Any] = {"catalog_id": "5", "catalog_attach_time": LATER}
BLOCK = Block("META_PERMISSION_MISSING", LATER)


@pytest.mark.parametrize(
    ("change", "catalog", "messaging"),
    [
        ({}, ("BLOCKED", "CATALOG_NOT_ATTACHED"), ("ACTIVE", "")),
        (ATTACHED, ("AWAITING_GO", ""), ("ACTIVE", "")),
        (ATTACHED | {"catalog_go_time": LATER}, ("ACTIVE", ""), ("ACTIVE", "")),
        (
            {"state": State.NEEDS_LOGIN, "reason": "META_TOKEN_INVALID"},
            ("BLOCKED", "META_TOKEN_INVALID"),
            ("BLOCKED", "META_TOKEN_INVALID"),
        ),
        (
            {"state": State.DISCONNECTED, "reason": "LOGIN_DENIED"},
            ("BLOCKED", "STORE_NOT_CONNECTED"),
            ("BLOCKED", "STORE_NOT_CONNECTED"),
        ),
        (
            ATTACHED | {"blocks": {CapabilityKind.MESSAGING: BLOCK}},
            ("AWAITING_GO", ""),
            ("BLOCKED", "META_PERMISSION_MISSING"),
        ),
        (
            ATTACHED | {"catalog_go_time": LATER, "blocks": {CapabilityKind.CATALOG_SYNC: BLOCK}},
            ("BLOCKED", "META_PERMISSION_MISSING"),
            ("ACTIVE", ""),
        ),
    ],
)
def test_capabilities_follow_from_the_connection(
    change: dict[str, Any], catalog: tuple[str, str], messaging: tuple[str, str]
) -> None:
    """One failing capability never disables another, and each says why it does not work."""
    shown = {one.kind: (one.state.value, one.reason) for one in replace(BARE, **change).capabilities()}
    assert catalog == shown[CapabilityKind.CATALOG_SYNC]
    assert messaging == shown[CapabilityKind.MESSAGING]


@pytest.mark.parametrize("state", State)
def test_what_does_not_work_says_what_to_press(state: State) -> None:
    """Every capability that is not active carries a fix; an active one carries none."""
    for one in replace(BARE, state=state, reason="META_TOKEN_INVALID").capabilities():
        assert (one.state.value == "ACTIVE") == (one.fix == "")


def test_a_block_tells_since_when() -> None:
    """A blocked capability dates from its block, an active one from the last login or the go."""
    connection = replace(BARE, **ATTACHED, catalog_go_time=LATER, blocks={CapabilityKind.MESSAGING: BLOCK})
    assert [*[LATER] * 3, *[NOW] * 5] == [one.since_time for one in connection.capabilities()]
    assert NOW == BARE.capability(CapabilityKind.MESSAGING).since_time


def test_the_document_is_the_contracts_message() -> None:
    """What events and RPCs say of a connection fills the contract's message, field by field."""
    connection = replace(BARE, **ATTACHED, token_expire_time=LATER)
    message = connection_pb2.Connection(**connection.document())
    assert (connection_pb2.ENVIRONMENT_TEST, "5", "1") == (
        message.environment,
        message.catalog.catalog_id,
        message.page.page_id,
    )
    assert LATER == message.token_expire_time.ToDatetime(UTC)
    assert connection.document().keys() == {field.name for field in connection_pb2.Connection.DESCRIPTOR.fields}


def test_an_offer_is_read_as_it_was_written() -> None:
    """What a login granted survives being stored."""
    offer = Offer(
        pages=(Page("1", "Page", ("MANAGE",)),),
        businesses=(Business("2", "Business"),),
        catalogs=(Catalog("3", "Catalog", "2", 7),),
        user_id="9",
        scopes=("pages_messaging",),
        token_expire_time=LATER,
    )
    assert offer == Offer.of(offer.document())


def test_every_reason_with_a_fix_is_in_the_contract() -> None:
    """No capability is blocked for a reason that callers cannot look up."""
    known = {name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name}
    assert set() == {reason for reason in FIXES if reason} - known


def test_refusals_are_assigned_by_tasks_that_exist() -> None:
    """The table of what a task concerns names only tasks there are."""
    assert set() == CONCERNED.keys() - set(Task)
