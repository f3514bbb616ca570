"""How much is read back when."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.readback.model import Pass, due_stage

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "sampled", "read", "stage"),
    [
        (NOON, NOON - timedelta(hours=10), NOON - timedelta(days=6), Pass.WATCH),
        (NOON, NOON - timedelta(hours=12), NOON - timedelta(days=6), Pass.SAMPLE),
        (NOON.replace(hour=0), NOON - timedelta(hours=22), NOON - timedelta(days=6), Pass.WATCH),
        (NOON.replace(hour=1), NOON - timedelta(hours=22), NOON - timedelta(days=6), Pass.SAMPLE),
        (NOON, NOON - timedelta(hours=1), NOON - timedelta(days=7), Pass.FULL),
        (NOON, NOON - timedelta(days=30), NOON - timedelta(days=30), Pass.FULL),
    ],
)
def test_a_sample_is_taken_every_night_and_everything_read_every_week(
    at: datetime, sampled: datetime, read: datetime, stage: Pass
) -> None:
    """The first look after one at night takes the sample, whenever the last one was; what was missed is made up for once."""
    assert stage == due_stage(at, sample_time=sampled, full_time=read)
