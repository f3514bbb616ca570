"""What logs never hold."""

import pytest

from connector.log import redact

TOKEN = "EAAGm0PX4ZCpsBAKZCtoken"


@pytest.mark.parametrize(
    "event",
    [
        {"access_token": TOKEN},
        {"problem": f"GET /me?access_token={TOKEN}&x=1 failed"},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"nested": [{"deep": {"token": TOKEN}}]},
        {"text": TOKEN},
        {"exception": f"ValueError: {TOKEN}"},
        {"app": f"610000000000001|{TOKEN}abcdef0123456789"},
    ],
)
def test_no_token_reaches_a_line(event: dict[str, object]) -> None:
    """Wherever a token sits in an event, the written line does not hold it."""
    assert TOKEN not in str(redact(None, "info", dict(event)))


def test_ordinary_facts_pass() -> None:
    """What is no secret stays readable."""
    facts = {"event": "rpc.served", "store_id": "store_1", "duration_ms": 1.5}
    assert facts == redact(None, "info", dict(facts))
