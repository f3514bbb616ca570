"""What is written down about a bucket, and when."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connector.budgets import db as budgets
from connector.budgets.db import Crowded, News
from connector.budgets.model import Urgency
from connector.errors import Throttled
from connector.runtime import Runtime
from tests.integration.budgets.conftest import CATALOGS, Works

BUCKET, OTHER = "catalog_batch:1", "catalog_batch:2"


async def _ask(runtime: Runtime, bucket: str, *, holder: str = "1", urgency: Urgency = Urgency.PATIENT) -> None:
    async with runtime.db.begin() as tx:
        await budgets.require_room(tx, bucket, app_bucket="app:1", holder=holder, urgency=urgency, at=runtime.now())


async def _note(runtime: Runtime, bucket: str, **news: Any) -> None:
    async with runtime.db.begin() as tx:
        await budgets.note(tx, bucket, News(**news), at=runtime.now())


async def test_a_pause_stops_its_bucket_only(runtime: Runtime) -> None:
    """A paused bucket refuses work and says until when; others go on."""
    until = runtime.now() + timedelta(minutes=3)
    await _note(runtime, BUCKET, pause_time=until)
    await _ask(runtime, OTHER)
    with pytest.raises(Throttled) as refusal:
        await _ask(runtime, BUCKET)
    assert (BUCKET, until) == (refusal.value.bucket, refusal.value.until)


async def test_a_pause_ends(runtime: Runtime, clock: Any) -> None:
    """When the pause is over, work goes on by itself."""
    await _note(runtime, BUCKET, pause_time=runtime.now() + timedelta(minutes=3))
    clock.advance(minutes=3)
    await _ask(runtime, BUCKET)


async def test_a_longer_pause_stays(runtime: Runtime) -> None:
    """A shorter pause that comes later does not shorten the one that runs."""
    longest = runtime.now() + timedelta(minutes=9)
    for until in (longest, runtime.now() + timedelta(minutes=1)):
        await _note(runtime, BUCKET, pause_time=until)
    with pytest.raises(Throttled) as refusal:
        await _ask(runtime, BUCKET)
    assert longest == refusal.value.until


@pytest.mark.parametrize(
    ("percent", "urgency", "crowded"),
    [
        (74, Urgency.PATIENT, False),
        (75, Urgency.PATIENT, True),
        (94, Urgency.URGENT, True),
    ],
)
async def test_calls_line_up_from_75_percent(
    runtime: Runtime, percent: float, urgency: Urgency, *, crowded: bool
) -> None:
    """Below 75 percent everybody goes at once; above, nobody goes without a place in line."""
    await _note(runtime, BUCKET, percent=percent, calls=1)
    try:
        await _ask(runtime, BUCKET, urgency=urgency)
    except Crowded:
        assert crowded
    else:
        assert not crowded


async def _line_up(runtime: Runtime, holder: str, urgency: Urgency) -> timedelta:
    with pytest.raises(Crowded) as crowded:
        await _ask(runtime, BUCKET, holder=holder, urgency=urgency)
    at = runtime.now()
    async with runtime.db.begin() as tx:
        return await budgets.line_up(tx, crowded.value, 1, at=at) - at


async def test_the_last_percents_are_kept_for_what_is_urgent(runtime: Runtime) -> None:
    """At 91 percent stock goes at once, and content waits."""
    await _note(runtime, BUCKET, percent=91, calls=1)
    assert await _line_up(runtime, "1", Urgency.PATIENT) == budgets.LONGEST_SLEEP
    assert await _line_up(runtime, "1 urgent", Urgency.URGENT) == timedelta()
    await _ask(runtime, BUCKET, holder="1 urgent", urgency=Urgency.URGENT)


async def test_at_95_percent_nobody_goes(runtime: Runtime) -> None:
    """At 95 percent even what is urgent waits."""
    await _note(runtime, BUCKET, percent=95, calls=1)
    assert await _line_up(runtime, "1", Urgency.URGENT) == budgets.LONGEST_SLEEP


async def test_a_place_is_good_for_one_call(runtime: Runtime) -> None:
    """A place at the front lets one call through; the next needs another place, further back."""
    await _note(runtime, BUCKET, percent=80, calls=1)
    assert await _line_up(runtime, "1", Urgency.PATIENT) == timedelta()
    await _ask(runtime, BUCKET)
    assert await _line_up(runtime, "1", Urgency.PATIENT) > timedelta()


async def test_calls_that_teach_nothing_write_nothing(works: Works, runtime: Runtime) -> None:
    """As long as the percents do not move, the row of a bucket stays as it is."""
    bucket = f"catalog_management:{CATALOGS[0]}"
    row = text("SELECT xmin::text FROM budgets WHERE bucket = :bucket").bindparams(bucket=bucket)
    seen = set()
    for _ in range(3):
        await works.want(bucket, path=CATALOGS[0], holder="1", once=True)
        await works.run(seconds=1)
        async with runtime.db.begin() as tx:
            seen.add(await tx.scalar(row))
    assert 1 == len(seen)
    assert None not in seen
