"""What people write is mailed to whom the merchant names: each message in one mail, over real SMTP."""

import re

import pytest
from sqlalchemy import text

from tests.integration.conftest import STORE
from tests.integration.forwarding.conftest import STAFF, Desk


def _plain(desk: Desk, place: int = 0) -> str:
    body = desk.office.mails[place][1].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_nothing_is_forwarded_until_somebody_wants_it(desk: Desk) -> None:
    """Forwarding is off by default, and no task is made for what arrives."""
    assert "STATE_OFF" == _state(await desk.get())
    await desk.hear("Hello")
    async with desk.runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM tasks WHERE name = 'MAIL_MESSAGES'"))


def _state(forwarding: object) -> str:
    """Tell the name of a forwarding's state."""
    number = forwarding.state  # type: ignore[attr-defined] # any forwarding
    return str(type(forwarding).State.Name(number))  # type: ignore[attr-defined] # as above


async def test_a_message_is_mailed_once(desk: Desk) -> None:
    """A message that Meta delivers twice is in one mail; the mail names the person, the Page and the words."""
    await desk.set()
    await desk.hear("Is the kettle there?", mid="m_1")
    await desk.hear("Is the kettle there?", mid="m_1")
    await desk.wait()
    await desk.wait(hours=1)
    assert [STAFF] == [to for to, _ in desk.office.mails]
    assert "Is the kettle there?" in _plain(desk)
    assert "mail@stormcom.example" in desk.office.mails[0][1]["From"]
    assert "STATE_ACTIVE" == _state(await desk.get())


async def test_what_is_written_meanwhile_comes_together(desk: Desk) -> None:
    """A conversation rests after a mail; what is written until then comes in one further mail of the same thread, oldest first."""
    await desk.set(digestPeriod="600s")
    await desk.hear("one")
    await desk.wait()
    for words in ("two", "three"):
        await desk.hear(words)
        await desk.wait()
    assert 1 == len(desk.office.mails)
    await desk.wait(minutes=10)
    assert 2 == len(desk.office.mails)
    assert re.search("two.*three", _plain(desk, 1), re.DOTALL)
    first, second = (mail for _, mail in desk.office.mails)
    assert first["References"] == second["In-Reply-To"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Subject"] == second["Subject"]


async def test_without_texts_a_mail_only_says_that_somebody_wrote(desk: Desk) -> None:
    """A merchant who wants no texts in mails gets none, in neither form."""
    await desk.set(includeText=False)
    await desk.hear("My card number is secret")
    await desk.wait()
    ((_, mail),) = desk.office.mails
    assert not [part for part in mail.walk() if "secret" in str(part.get_payload(decode=True))]


async def test_only_wanted_channels_are_forwarded(desk: Desk) -> None:
    """A merchant who wants Instagram only gets no mail of Messenger."""
    await desk.set(channels=["CHANNEL_INSTAGRAM"])
    await desk.hear("Hello")
    await desk.wait()
    assert [] == desk.office.mails


async def test_a_lost_answer_is_repeated_under_the_same_id(desk: Desk) -> None:
    """When nobody knows whether a mail arrived it is sent again, byte by byte the same, so that a mail server can tell."""
    await desk.set()
    desk.office.deaf = True
    await desk.hear("Hello")
    await desk.wait()
    desk.office.deaf = False
    await desk.wait(minutes=2)
    await desk.wait(hours=1)
    first, second = desk.office.taken
    assert first == second


async def test_each_address_gets_its_own(desk: Desk) -> None:
    """An address that is refused for now gets the mail later, one refused for good never; the others get it once."""
    await desk.set(addresses=[STAFF, "later@shop.example", "never@shop.example"])
    desk.office.refused = {"later@shop.example": 451, "never@shop.example": 550}
    await desk.hear("Hello")
    await desk.wait()
    desk.office.refused = {}
    await desk.wait(minutes=2)
    await desk.wait(hours=2)
    assert [STAFF, "later@shop.example"] == [to for to, _ in desk.office.mails]
    assert all(mail["To"] == to for to, mail in desk.office.mails)


async def test_an_address_that_fails_for_long_holds_up_no_other(desk: Desk) -> None:
    """While one mailbox is full the others get what is written next in the same conversation, an hour later at the latest."""
    await desk.set(addresses=[STAFF, "full@shop.example"])
    desk.office.refused = {"full@shop.example": 452}
    await desk.hear("one")
    await desk.wait()
    await desk.hear("two")
    for _ in range(4):
        await desk.wait(minutes=30)
    assert [STAFF, STAFF] == [to for to, _ in desk.office.mails]


async def test_a_pause_of_the_mail_server_is_kept(desk: Desk) -> None:
    """New messages do not make us knock sooner at a mail server that asked for a pause."""
    await desk.set()
    desk.office.refused = {STAFF: 451}
    await desk.hear("one")
    await desk.wait()
    sessions = desk.office.sessions
    await desk.hear("two")
    await desk.wait()
    assert sessions == desk.office.sessions


async def test_a_long_failure_is_told_then_ends_forwarding(desk: Desk) -> None:
    """After an hour StormCom is told; after three days nothing is sent any more, until somebody sets it anew: then it closes."""
    await desk.set()
    desk.office.refused_mails = 451
    await desk.hear("one")
    await desk.wait()
    assert ("STATE_FAILING", "MAIL_SERVER_FAILING", []) == (*_standing(await desk.get()), await desk.alerts())
    await desk.wait(minutes=61)
    assert ["MAIL_FORWARDING_FAILED"] == await desk.alerts()
    await desk.wait(days=3)
    await desk.hear("two")
    await desk.wait()
    assert "STATE_SUSPENDED" == _state(await desk.get())
    sessions = desk.office.sessions
    await desk.hear("three")
    await desk.wait(hours=1)
    assert sessions == desk.office.sessions
    desk.office.refused_mails = 0
    await desk.set()
    assert [] == await desk.alerts()
    await desk.hear("four")
    await desk.wait()
    assert 1 == len(desk.office.mails)
    assert "three" not in _plain(desk)


def _standing(forwarding: object) -> tuple[str, str]:
    return _state(forwarding), forwarding.reason  # type: ignore[attr-defined] # any forwarding


async def test_success_closes_the_alert(desk: Desk) -> None:
    """The first mail that is taken ends the failure by itself."""
    await desk.set()
    desk.office.refused = {STAFF: 550}
    for words in ("one", "two"):
        await desk.hear(words)
        await desk.wait(hours=2)
    assert ("STATE_FAILING", "MAIL_REFUSED") == _standing(await desk.get())
    assert ["MAIL_FORWARDING_FAILED"] == await desk.alerts()
    desk.office.refused = {}
    await desk.hear("three")
    await desk.wait(minutes=6)
    assert ("STATE_ACTIVE", "") == _standing(await desk.get())
    assert [] == await desk.alerts()


async def test_a_flood_is_bounded_and_nothing_is_lost(desk: Desk) -> None:
    """When very many people write, sixty mails go out within the hour; the other conversations' come later."""
    await desk.set()
    await desk.hear_crowd(63)
    await desk.wait()
    assert 60 == len(desk.office.mails)
    await desk.wait(minutes=61)
    assert 63 == len(desk.office.mails)


@pytest.mark.parametrize("left", ["conversations", "mail_forwardings"])
async def test_what_is_gone_is_not_mailed(desk: Desk, left: str) -> None:
    """A conversation that was deleted, or a forwarding that was switched off, while a mail waited: nothing is sent, nothing fails."""
    await desk.set()
    await desk.hear("Hello")
    if left == "conversations":
        async with desk.runtime.db.begin() as tx:
            await tx.execute(text("DELETE FROM messages"))
            await tx.execute(text("DELETE FROM conversations"))
    else:
        await desk.set(enabled=False)
    await desk.wait()
    assert [] == desk.office.mails
    async with desk.runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM tasks WHERE name = 'MAIL_MESSAGES'"))


async def test_no_text_is_kept_beside_the_message(desk: Desk) -> None:
    """What was mailed leaves no words and no addresses in the rows of mails."""
    await desk.set()
    await desk.hear("A very private sentence")
    await desk.wait()
    async with desk.runtime.db.begin() as tx:
        rows = (
            await tx.execute(text("SELECT mails::text || mailed_messages::text FROM mails, mailed_messages"))
        ).scalars()
        kept = "".join(rows)
    assert "SENT" in kept
    assert not re.search(f"private|{re.escape(STAFF)}", kept)
    assert STORE in kept
