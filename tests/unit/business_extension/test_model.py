"""What follows from what Meta shows of an installation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from connector.business_extension.model import LOOK_AGAIN, Assets, Installation, State, Verdict, judge, needing
from connector.connections.model.needs import Asset
from connector.values import CapabilityKind, ConnectionId, Environment

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SEEN = Assets(business_id="20", page_ids=("30",), catalog_id="50")
INSTALLED = Installation(
    store_id="store_1",
    environment=Environment.TEST,
    external_business_id="stormcom-1",
    connection_id=ConnectionId(UUID(int=1)),
    state=State.INSTALLED,
    assets=SEEN,
    missing=frozenset(),
    by_system_user=True,
    domain="https://shop.example",
    admin_url="",
    read_time=NOW,
    install_time=NOW,
    uninstall_time=None,
    notice_time=None,
    absence_time=None,
)
TOLD = replace(INSTALLED, notice_time=NOW)


@pytest.mark.parametrize(
    ("installation", "shown", "verdict"),
    [
        (INSTALLED, SEEN, Verdict.STANDS),
        (TOLD, SEEN, Verdict.STANDS),
        (TOLD, None, Verdict.GONE),
        (INSTALLED, None, Verdict.LOOK_AGAIN),
        (replace(INSTALLED, absence_time=NOW - LOOK_AGAIN + timedelta(seconds=1)), None, Verdict.LOOK_AGAIN),
        (replace(INSTALLED, absence_time=NOW - LOOK_AGAIN), None, Verdict.GONE),
        (replace(INSTALLED, absence_time=NOW - timedelta(days=1)), SEEN, Verdict.STANDS),
    ],
)
def test_what_a_look_means(installation: Installation, shown: Assets | None, verdict: Verdict) -> None:
    """What Meta shows stands, whatever was told; what it does not show is gone when that was told, or seen twice."""
    assert verdict is judge(installation, shown, at=NOW)


def test_assets_survive_the_database() -> None:
    """What is stored of an installation is read back the same."""
    whole = replace(
        SEEN, instagram_profile_ids=("178",), onsite_eligible=True, features=("pixel",), shop_status="active"
    )
    assert whole == Assets.of(whole.document())
    assert Assets() == Assets.of({})


def test_each_capability_ends_with_its_own_asset() -> None:
    """The catalog carries products and stock, the Page messages; nothing hangs on both."""
    catalog, page = set(needing(Asset.CATALOG)), set(needing(Asset.PAGE))
    assert {CapabilityKind.CATALOG_SYNC, CapabilityKind.INVENTORY} <= catalog
    assert CapabilityKind.MESSAGING in page
    assert set() == catalog & page
