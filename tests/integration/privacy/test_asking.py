"""What callers may ask of FacebookAdmin, without anybody connected."""

from typing import Any

import grpc
import pytest

from stormcom.facebook.v1 import admin_service_pb2 as pb
from stormcom.facebook.v1 import admin_service_pb2_grpc
from tests.integration.conftest import STORE, Clock


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    """FacebookAdmin."""
    return admin_service_pb2_grpc.FacebookAdminStub(channel)


@pytest.mark.parametrize(
    ("person", "field"),
    [
        ({}, "person"),
        ({"psid": "1"}, "psid"),
        ({"psid": "x" * 20}, "psid"),
        ({"meta_user_id": "%"}, "meta_user_id"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@c.example"}, "email"),
    ],
    ids=["nobody", "short", "letters", "wildcard", "no address", "space"],
)
async def test_a_wish_must_name_somebody(stub: Any, person: dict[str, str], field: str) -> None:
    """What could match strangers is refused, and the field is named."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.DeletePersonalData(pb.DeletePersonalDataRequest(store_id=STORE, **person))
    assert (grpc.StatusCode.INVALID_ARGUMENT, True) == (refused.value.code(), field in (refused.value.details() or ""))


async def test_deletions_are_listed_by_pages(stub: Any, clock: Clock) -> None:
    """The ledger is told newest first, page by page, each line once."""
    for number in range(3):
        await stub.DeletePersonalData(pb.DeletePersonalDataRequest(store_id=STORE, psid=f"1000{number}"))
        clock.advance(seconds=1)
    first = await stub.ListDeletions(pb.ListDeletionsRequest(store_id=STORE, page_size=2))
    rest = await stub.ListDeletions(
        pb.ListDeletionsRequest(store_id=STORE, page_size=2, page_token=first.next_page_token)
    )
    times = [one.create_time.ToDatetime() for one in (*first.deletions, *rest.deletions)]
    assert (2, 1, "") == (len(first.deletions), len(rest.deletions), rest.next_page_token)
    assert sorted(times, reverse=True) == times


@pytest.mark.parametrize(
    ("days", "code"), [(29, "INVALID_ARGUMENT"), (30, "OK"), (3650, "OK"), (3651, "INVALID_ARGUMENT")]
)
async def test_a_setting_is_sensible(stub: Any, days: int, code: str) -> None:
    """Messages stay 30 to 3,650 days, 730 where nobody said anything."""
    wanted = pb.GetPrivacySettingsRequest(store_id=STORE)
    assert 730 == (await stub.GetPrivacySettings(wanted)).settings.message_days
    settings = pb.PrivacySettings(message_days=days)
    try:
        await stub.UpdatePrivacySettings(pb.UpdatePrivacySettingsRequest(store_id=STORE, settings=settings))
        told = "OK"
    except grpc.aio.AioRpcError as refused:
        told = refused.code().name
    assert code == told
    kept = (await stub.GetPrivacySettings(wanted)).settings.message_days
    assert (days if code == "OK" else 730) == kept
