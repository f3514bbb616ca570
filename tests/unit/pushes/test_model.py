"""Pushes: signatures as published, answers as they are meant, pauses that grow."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from connector.pushes.model import (
    Answer,
    Verdict,
    headers,
    outage_after,
    pause_after,
    read_retry_after,
    read_secret,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
# https://github.com/standard-webhooks/standard-webhooks, libraries/python/tests/test_webhooks.py (read 2026-11-21): its published vector.
SECRET, ID, BODY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
SIGNED, SIGNATURE = datetime.fromtimestamp(1614265330, UTC), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def signature(*secrets: str) -> str:
    return headers(ID, BODY, secrets, attempt=1, at=SIGNED)["webhook-signature"]


def test_the_published_vector_is_signed_as_published() -> None:
    """The specification's own secret, id, time and body give its own signature."""
    assert SIGNATURE == signature(SECRET)


def test_every_secret_signs() -> None:
    """Two secrets give two signatures, the newest first, separated by a space."""
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert f"{signature(other)} {SIGNATURE}" == signature(other, SECRET)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_AAAA",
        "whsec_" + "A" * 31,
        "whsec_é",
        "whsec_" + "A" * 88,
    ],
)
def test_a_weak_or_broken_secret_is_refused(secret: str) -> None:
    """A secret has its prefix and 24 to 64 bytes in base64."""
    with pytest.raises(ValueError, match="24 to 64"):
        read_secret(secret)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "TAKEN"), (204, "TAKEN"), (299, "TAKEN"), (301, "AGAIN"), (307, "AGAIN"), (400, "AGAIN"), (401, "AGAIN"),
     (404, "AGAIN"), (410, "GONE"), (429, "WAIT"), (500, "AGAIN"), (502, "WAIT"), (503, "WAIT"), (504, "WAIT")],
)  # fmt: skip
def test_what_an_answer_means(status: int, verdict: str) -> None:
    """2xx takes the event, 410 ends the push, an overloaded or unreachable receiver pauses everything, the rest concerns the event."""
    assert Verdict(verdict) is Answer.of_status(status, "", now=NOW).verdict


@pytest.mark.parametrize(
    ("text", "wait"),
    [("120", timedelta(seconds=120)), ("Sat, 21 Nov 2026 12:01:00 GMT", timedelta(minutes=1)), ("", None),
     ("soon", None), ("-1", None), ("99999999999999999999", None), ("9999999", timedelta(hours=24)),
     ("Sat, 21 Nov 2020 12:01:00 GMT", timedelta())],
)  # fmt: skip
def test_how_long_a_receiver_asks_us_to_wait(text: str, wait: timedelta | None) -> None:
    """Seconds or a date, at most a day; nonsense counts as nothing said."""
    assert wait == read_retry_after(text, now=NOW)


def test_pauses_grow_and_end_growing() -> None:
    """Every pause is at least as long as the one before, from seconds to hours."""
    pauses, outages = [pause_after(number) for number in range(20)], [outage_after(number) for number in range(20)]
    assert (pauses, outages) == (sorted(pauses), sorted(outages))
    assert (timedelta(seconds=5), timedelta(hours=10)) == (pauses[0], pauses[-1])
