"""How Meta is told what buyers did."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.conversions.model.values import Pixel
from connector.graph.call import Call, Effect

# SDK 26.0.3, serverside/event_request.py: who sends for a merchant, as name and version.
_AGENT = "stormcom-1.0"
# Unverified: recalled of the page on data processing options: with zeros Meta finds out where somebody is.
_LIMITED = {
    "data_processing_options": ["LDU"],
    "data_processing_options_country": 0,
    "data_processing_options_state": 0,
}


def send_events(pixel: Pixel, events: Sequence[Mapping[str, Any]]) -> Call[int]:
    """Report conversions; tells how many Meta received. All are refused when one is wrong.

    Repeating it within two days counts nothing twice: Meta knows them by `event_name` and `event_id`.
    """
    # SDK 26.0.3, adspixel.py, create_event
    data = [{**event, **_LIMITED} if pixel.limited_data_use else dict(event) for event in events]
    body: dict[str, Any] = {"data": data, "partner_agent": _AGENT}
    return Call(
        "POST",
        f"{pixel.pixel_id}/events",
        read=lambda answer: int(answer["events_received"]),
        body=body | ({"test_event_code": pixel.test_event_code} if pixel.test_event_code else {}),
        effect=Effect.REPEATABLE,
        timeout=timedelta(seconds=30),
    )
