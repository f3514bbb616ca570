"""How Meta is told what buyers did."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.conversions.model.values import Pixel
from connector.errors import MetaRefused
from connector.graph.call import Call, Effect

# SDK 26.0.3, serverside/event_request.py: who sends for a merchant, as name and version.
_AGENT = "stormcom-1.0"
# Unverified: recalled of the page on data processing options: with zeros Meta finds out where somebody is.
_LIMITED = {
    "data_processing_options": ["LDU"],
    "data_processing_options_country": 0,
    "data_processing_options_state": 0,
}


# Unverified: how Meta answers for a pixel that is gone or was taken away: as for any object out of reach.
_OUT_OF_REACH = {(100, 33), (803, 0)}


def out_of_reach(refused: MetaRefused) -> MetaRefused | None:
    """Tell that a refusal is about the pixel, and not about what is sent to it; None when it is not."""
    if (refused.code, refused.subcode) not in _OUT_OF_REACH and (refused.code, 0) not in _OUT_OF_REACH:
        return None
    words, said = "Meta does not let us report to the pixel any more", refused.metadata.get("meta_message", "")
    codes = {"code": refused.code, "subcode": refused.subcode}
    return MetaRefused("PIXEL_OUT_OF_REACH", words, fix="SetPixel", meta_message=said, **codes)


def read_pixel(pixel: Pixel) -> Call[bool]:
    """Try whether the pixel is in reach."""
    # SDK 26.0.3, adspixel.py, api_get
    return Call("GET", pixel.pixel_id, params={"fields": "id"}, read=lambda answer: bool(answer["id"]))


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
