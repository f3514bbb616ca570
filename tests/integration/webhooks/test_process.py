"""Deliveries worked off: every kind, any order, any number of times, with poison among them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from connector.health import actions as health
from connector.runtime import Runtime
from connector.values import Environment
from connector.webhooks import actions, db
from connector.webhooks.model import Arrival
from simulator import seeds
from simulator.world import World
from tests.integration.conftest import APP_ID, STORE, connect
from tests.integration.webhooks.bodies import PAGE, PERSON, envelope, event, wrote
from tests.integration.webhooks.conftest import Deliver

META = Path(__file__).parents[2] / "fixtures" / "meta" / "webhooks"
Turn = Callable[[], Awaitable[int]]
SHARED = Path(__file__).parents[4] / "shared" / "fixtures"

_STATE = """
    SELECT c.psid, c.snippet, c.unread_count, c.last_message_time, c.person_time, c.delivered_time, c.read_time,
        array(SELECT row(m.mid, m.digest, m.origin, m.state, m.text, m.send_time, m.unsupported_kind)::text
            FROM messages AS m WHERE m.conversation_id = c.id ORDER BY 1) AS messages
    FROM conversations AS c ORDER BY c.psid
"""


async def rows(runtime: Runtime, query: str) -> list[tuple[Any, ...]]:
    async with runtime.db.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def state(runtime: Runtime) -> list[tuple[Any, ...]]:
    """Everything that people see, without our own ids."""
    return await rows(runtime, _STATE)


async def texts(runtime: Runtime) -> list[str]:
    """The texts of all messages, in the order in which StormCom was told of them."""
    told = await rows(
        runtime, "SELECT body -> 'message' ->> 'text' FROM events WHERE kind = 'message_received' ORDER BY position"
    )
    return [row[0] for row in told]


def recorded() -> list[bytes]:
    return [path.read_bytes().replace(b"100000000000001", PAGE.encode()) for path in sorted(META.glob("*.json"))]


async def test_every_recorded_kind_is_settled(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """Nothing Meta sends is lost: it becomes a message, moves one, is kept as it came, or waits for its Page."""
    await deliver(*recorded())
    assert ([("DONE", len(recorded()))], [(4,)]) == (
        await rows(runtime, "SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state"),
        await rows(runtime, "SELECT count(*) FROM parked"),
    )
    kept = await rows(runtime, "SELECT DISTINCT kind, state FROM signals ORDER BY kind")
    assert [("OrderHint", "KEPT"), ("product_catalog.items_batch", "KEPT"), ("unreadable", "KEPT")] == kept
    told = await rows(runtime, "SELECT kind, count(*) FROM events GROUP BY kind")
    assert {"message_received", "conversation_changed", "page_activity", "alert_raised"} <= {row[0] for row in told}
    shown = await rows(runtime, "SELECT DISTINCT unsupported_kind FROM messages WHERE unsupported_kind <> ''")
    assert {"hologram"} == {row[0] for row in shown}


async def test_many_times_is_once(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """The same deliveries again and again change nothing and tell StormCom nothing new."""
    await deliver(*recorded())
    before = await state(runtime), await texts(runtime), await rows(runtime, "SELECT count(*) FROM signals")
    for _ in range(5):
        again = [Arrival(Environment.TEST, body, "sha256=…") for body in recorded()]
        async with actions.keeping(runtime) as keep:
            await keep(again)
    await deliver()
    assert before == (await state(runtime), await texts(runtime), await rows(runtime, "SELECT count(*) FROM signals"))
    assert [(4,)] == await rows(runtime, "SELECT count(*) FROM parked")


async def test_events_of_a_conversation_keep_their_order(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """StormCom is told of messages in the order in which Meta delivered them, over any number of deliveries."""
    bodies = [envelope(*(wrote(n * 3 + k, f"m_{n}_{k}", f"{n}.{k}") for k in range(3))) for n in range(150)]
    await deliver(*bodies)
    assert [f"{n}.{k}" for n in range(150) for k in range(3)] == await texts(runtime)


async def test_a_page_that_nobody_connected_waits(
    runtime: Runtime, deliver: Deliver, *, channel: grpc.aio.Channel, world: World, turn: Turn, clock: Any
) -> None:
    """What comes in before its Page is connected is processed when it is, once, and in order."""
    bodies = [envelope(wrote(n, f"m_{n}", str(n))) for n in range(3)]
    await deliver(*bodies, bodies[0])
    assert ([], [(3,)]) == (await texts(runtime), await rows(runtime, "SELECT count(*) FROM parked"))
    await connect(channel, world, turn)
    clock.advance(seconds=31)
    await deliver(envelope(wrote(3, "m_3", "3")))
    assert ["0", "1", "2", "3"] == await texts(runtime)
    assert [(0,)] == await rows(runtime, "SELECT count(*) FROM deliveries WHERE state <> 'DONE'")
    assert [(0,)] == await rows(runtime, "SELECT count(*) FROM parked")


async def test_a_message_reaches_the_page_s_own_store(
    runtime: Runtime, channel: grpc.aio.Channel, world: World, turn: Turn, deliver: Deliver
) -> None:
    """Deliveries that mix Pages of several stores tell each store of its own people only."""
    other = "30000000000000002"
    seeds.seed(
        world,
        {
            **seeds.DEFAULT,
            "app_id": APP_ID,
            "pages": [*seeds.DEFAULT["pages"], {"id": other, "name": "B"}],
            "catalogs": [*seeds.DEFAULT["catalogs"], {"id": "50000000000000002", "name": "B"}],
        },
    )
    await connect(channel, world, turn)
    await connect(channel, world, turn, store_id="store_2", seeded=1)
    both = json.loads(envelope(wrote(0, "m_1", "to A")))
    both["entry"] += json.loads(envelope(wrote(0, "m_1", "to B", page=other), page=other))["entry"]
    await deliver(json.dumps(both).encode())
    assert [("store_1", "to A"), ("store_2", "to B")] == await rows(
        runtime, "SELECT store_id, text FROM messages ORDER BY store_id"
    )


@pytest.mark.parametrize(
    ("harm", "expected_reason"),
    [
        ("RAISE EXCEPTION 'no'", "ProgrammingError"),
        ("PERFORM nextval('kills'), pg_terminate_backend(pg_backend_pid())", "every try was cut off"),
    ],
    ids=["fails", "kills its session"],
)
async def test_poison_is_set_aside_and_its_neighbours_go_on(
    runtime: Runtime, connected: str, deliver: Deliver, *, clock: Any, harm: str, expected_reason: str
) -> None:
    """Of 400 updates one that cannot be kept ends in quarantine after five tries, with its raw bytes; 399 become messages."""
    items = [wrote(n, f"m_{n}", "poison" if n == 217 else f"text {n}", person=f"7{n % 50:016}") for n in range(400)]
    async with runtime.db.begin() as tx:
        await tx.execute(text("CREATE SEQUENCE kills START 0 MINVALUE 0"))
        await tx.execute(text(_POISON.format(harm=harm)))
        await tx.execute(text("CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION poison()"))
    try:
        await deliver(envelope(*items))
        for _ in range(6):
            clock.advance(minutes=5)
            await deliver()
    finally:
        async with runtime.db.begin() as tx:
            await tx.execute(text("DROP FUNCTION poison CASCADE"))
            kills = await tx.scalar(text("SELECT nextval('kills')"))
            await tx.execute(text("DROP SEQUENCE kills"))
    assert (5 if "kills" in harm else 0) == kills
    assert [(399,)] == await rows(runtime, "SELECT count(*) FROM messages")
    (quarantined,) = await rows(runtime, "SELECT state, reason, tries, convert_from(raw, 'UTF8') FROM signals")
    assert ("QUARANTINED", expected_reason, 5) == quarantined[:3]
    assert [items[217]] == json.loads(quarantined[3])["entry"][0]["messaging"]
    assert [(0,)] == await rows(runtime, "SELECT count(*) FROM tasks WHERE due_time IS NULL")


_POISON = """
    CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.text = 'poison' THEN {harm}; END IF;
        RETURN NEW;
    END $$
"""


async def test_no_text_stops_the_queue(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """NUL, lone surrogates and every naughty string are kept as messages; what PostgreSQL cannot hold becomes U+FFFD."""
    naughty = ["\0", "a\ud83d", "\u202e", "'; DROP TABLE messages; --", "😀" * 500]
    if (SHARED / "naughty" / "blns.json").exists():
        naughty += [one for one in json.loads((SHARED / "naughty" / "blns.json").read_text()) if one]
    await deliver(
        *(
            envelope(
                wrote(n, f"m_{n}\0", one, person=f"7{n:016}"),
                event(n, reaction={"emoji": one, "mid": one}, person=f"7{n:016}"),
            )
            for n, one in enumerate(naughty)
        )
    )
    assert [(len(naughty),)] == await rows(runtime, "SELECT count(*) FROM messages WHERE mid IS NOT NULL")
    assert ["�", "a�"] == (await texts(runtime))[:2]
    assert [(0,)] == await rows(runtime, "SELECT count(*) FROM signals")


async def test_keeping_wishes_what_the_outbox_wishes(runtime: Runtime) -> None:
    """The ingress's one statement leaves a task exactly as the outbox does, in every state the task can be in."""
    states = [
        "",
        "UPDATE tasks SET due_time = due_time + interval '1 hour'",
        "UPDATE tasks SET due_time = NULL, tries = 3, reason = 'INTERNAL'",
        "UPDATE tasks SET leased = true, due_time = due_time + interval '1 hour'",
        "UPDATE tasks SET tries = 3, due_time = due_time + interval '1 hour'",
        "UPDATE tasks SET reason = 'META_UNAVAILABLE', due_time = due_time + interval '1 hour'",
        "DELETE FROM tasks",
    ]
    for change in states:
        ends = []
        for wish in (_keep, _add):
            await _prepare(runtime, change)
            await wish(runtime)
            ends.append(
                await rows(runtime, "SELECT name, key, arguments, due_time, leased, tries, reason, wishes FROM tasks")
            )
        assert ends[1] == ends[0], change


_AT = "2026-11-21T12:00:00+00:00"


async def _prepare(runtime: Runtime, change: str) -> None:
    async with runtime.db.begin() as tx:
        await tx.execute(text("TRUNCATE tasks, deliveries"))
    await _add(runtime)
    async with runtime.db.begin() as tx:
        if change:
            await tx.execute(text(change))


async def _add(runtime: Runtime) -> None:
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.PROCESS_DELIVERY, due=datetime.fromisoformat(_AT), key=db.KEY)


async def _keep(runtime: Runtime) -> None:
    at = datetime.fromisoformat(_AT)
    still = replace(runtime, now=lambda: at)
    async with actions.keeping(still) as keep:
        await keep([Arrival(Environment.TEST, b"{}", "")])


@pytest.mark.parametrize("count", [1, 2])
async def test_the_status_tells_when_meta_last_spoke(
    runtime: Runtime, connected: str, deliver: Deliver, count: int
) -> None:
    """Whatever a delivery brings, the Page's connection shows when the last one came in."""
    await deliver(*(envelope(wrote(number, f"m_{number}", "Hi")) for number in range(count)))
    status = await health.status(runtime, STORE, connected)
    assert [(status.last_receive_time,)] == await rows(runtime, "SELECT max(receive_time) FROM deliveries")


async def test_old_deliveries_are_forgotten(runtime: Runtime, connected: str, deliver: Deliver, clock: Any) -> None:
    """Raw bodies are kept for thirty days, those that failed for ninety; messages stay."""
    await deliver(envelope(wrote(0, "m_1", "Hi")), b"not JSON", b"not JSON either")
    async with runtime.db.begin() as tx:
        await tx.execute(text("UPDATE signals SET state = 'QUARANTINED' WHERE id = 1"))
    clock.advance(days=31)
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=runtime.now(), key="sweep")
    await deliver(envelope(wrote(1, "m_2", "Hello")))
    assert [(1,)] == await rows(runtime, "SELECT count(*) FROM deliveries")
    assert [("QUARANTINED",)] == await rows(runtime, "SELECT state FROM signals")
    assert [(PERSON, 2)] == [(row[0], len(row[-1])) for row in await state(runtime)]
