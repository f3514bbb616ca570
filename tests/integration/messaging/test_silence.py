"""Silence is noticed: messages that Meta has and no webhook brought raise an alarm, come in, and end it when webhooks come again."""

from sqlalchemy import text

from simulator import messaging as meta
from tests.integration.conftest import Clock
from tests.integration.messaging.conftest import Chat
from tests.integration.webhooks.bodies import PERSON


async def alerts(chat: Chat) -> list[str]:
    """The open alerts' reasons."""
    async with chat.runtime.db.connect() as connection:
        rows = await connection.execute(text("SELECT reason FROM alerts WHERE reason = 'WEBHOOKS_SILENT'"))
        return [row.reason for row in rows]


async def hours(chat: Chat, clock: Clock, number: int = 1) -> None:
    """Let hours pass, some minutes at once, with the work that falls due."""
    from jobs import schedule

    for _ in range(number * 3):
        async with chat.runtime.db.begin() as tx:
            await schedule.plan(tx, at=chat.runtime.now())
        clock.advance(minutes=20)
        await chat.arrive()


async def test_messages_that_no_webhook_brings_raise_an_alarm_and_come_in(chat: Chat, clock: Clock) -> None:
    """Meta dropped our subscription: within about an hour an alert is open, the message is there, the Page is subscribed again; when a webhook comes, the alert ends."""
    await chat.hear("before")
    await hours(chat, clock)
    assert [] == await alerts(chat)
    chat.page.fields_by_app.clear()
    meta.receive(chat.world, chat.page, PERSON, text="Hello?")
    await hours(chat, clock, 2)
    assert (["WEBHOOKS_SILENT"], ["before", "Hello?"]) == (await alerts(chat), await chat.told("message_received"))
    assert chat.page.fields_by_app
    await chat.hear("now I am heard")
    await hours(chat, clock, 2)
    assert [] == await alerts(chat)


async def test_a_quiet_page_is_not_silent(chat: Chat, clock: Clock) -> None:
    """Where nobody writes nothing is missing, and the look costs one call an hour."""
    await hours(chat, clock, 3)
    looks = [one for one in chat.world.records.calls if "messages.limit(10)" in str(one.parameters)]
    looks = [one for one in looks if one.parameters["platform"] == "messenger"]
    assert [] == await alerts(chat)
    assert len(looks) in {2, 3}  # the first is spread by the connection's id
