"""FacebookForwarding's settings, tests and answers, as callers see them."""

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from sqlalchemy import text

from connector.privacy.db.erasing import STEPS, Search
from connector.privacy.model.deletions import Subject, SubjectKind
from stormcom.facebook.v1 import forwarding_service_pb2 as pb
from tests.integration.conftest import STORE
from tests.integration.forwarding.conftest import STAFF, Desk


async def test_settings_are_replaced_as_a_whole(desk: Desk) -> None:
    """What is set is told again, cleaned; what is left out is back at its default."""
    await desk.set(addresses=[" Staff@bücher.example "], channels=["CHANNEL_MESSENGER"], digestPeriod="3600s")
    found = (await desk.get()).settings
    assert ["Staff@xn--bcher-kva.example"] == list(found.addresses)
    assert 3600 == found.digest_period.seconds
    found = (await desk.set(includeText=False)).settings
    assert ([STAFF], [], False, 300) == (
        list(found.addresses),
        list(found.channels),
        found.include_text,
        found.digest_period.seconds,
    )


async def test_wrong_settings_change_nothing(desk: Desk) -> None:
    """A wrong setting is refused by its place, and nothing is changed."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.set(addresses=[STAFF, "nobody"])
    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert str(caught.value.details()).startswith("settings.addresses[1]")
    assert not (await desk.get()).HasField("update_time")


async def test_a_test_tells_what_the_mail_server_says(desk: Desk) -> None:
    """Each address is told for itself, also while forwarding is off; not twice within a minute."""
    await desk.set(enabled=False, addresses=[STAFF, "never@shop.example"])
    desk.office.refused = {"never@shop.example": 550}
    request = pb.TestMailForwardingRequest(store_id=STORE)
    outcomes = (await desk.stub.TestMailForwarding(request)).outcomes
    assert [(True, "", 0), (False, "MAIL_REFUSED", 550)] == [
        (one.accepted, one.reason, one.reply_code) for one in outcomes
    ]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.stub.TestMailForwarding(request)
    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    desk.clock.advance(seconds=61)
    assert await desk.stub.TestMailForwarding(request)


async def test_without_addresses_there_is_nothing_to_test(desk: Desk) -> None:
    """A test without an address is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.stub.TestMailForwarding(pb.TestMailForwardingRequest(store_id=STORE))
    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()


async def test_an_answer_finds_its_conversation(desk: Desk) -> None:
    """The address that a mail asks to answer to names the conversation, to its own store only, and not once it is changed."""
    await desk.set()
    await desk.hear("Hello")
    await desk.wait()
    address = desk.office.mails[0][1]["Reply-To"]
    async with desk.runtime.db.begin() as tx:
        conversation = await tx.scalar(text("SELECT id::text FROM conversations"))
    found = await desk.stub.ResolveReplyAddress(pb.ResolveReplyAddressRequest(store_id=STORE, address=address))
    assert (conversation, desk.connection_id) == (found.conversation_id, found.connection_id)
    middle = len(address) // 2
    changed = address[:middle] + ("b" if address[middle] == "a" else "a") + address[middle + 1 :]
    for store_id, other in (("store_2", address), (STORE, changed), (STORE, "staff@shop.example")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await desk.stub.ResolveReplyAddress(pb.ResolveReplyAddressRequest(store_id=store_id, address=other))
        assert grpc.StatusCode.NOT_FOUND == caught.value.code()
        assert "No conversation in this store has that address" == caught.value.details()


async def test_whoever_is_deleted_gets_no_more_mail(desk: Desk) -> None:
    """A deletion takes an address out of the list, exactly that one; with the last, forwarding is off."""
    await desk.set(addresses=[STAFF, f"other.{STAFF}"])
    for word, left, enabled in ((STAFF.upper(), [f"other.{STAFF}"], True), (f"other.{STAFF}", [], False)):
        subject = Subject(SubjectKind.EMAIL, word, stores=(STORE,), connection_ids=(), pages=())
        async with desk.runtime.db.begin() as tx:
            search = Search(subject, desk.runtime.pseudonyms, desk.clock())
            first = await STEPS["mail_forwardings"](tx, search, 0)
            again = await STEPS["mail_forwardings"](tx, search, 0)
        assert (1, 0) == (first.touched, again.touched)
        found = (await desk.get()).settings
        assert (left, enabled) == (list(found.addresses), found.enabled)


async def test_without_a_mail_server_it_cannot_be_switched_on(desk: Desk) -> None:
    """Operators who set no mail server are named; switched off, settings can be kept all the same."""
    request = ParseDict({"storeId": STORE, "settings": {"addresses": [STAFF]}}, pb.UpdateMailForwardingRequest())
    assert (await desk.stub.UpdateMailForwarding(request)).forwarding.settings.addresses
