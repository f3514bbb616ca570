"""Meta's own SDK reports conversions, with its own classes and its own hashing."""

import time
from typing import Any

import pytest
from facebook_business.adobjects.adspixel import AdsPixel
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from connector.conversions.model.matching import Buyer, write_match
from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_server import APP_ID, Meta

PIXEL = "81000000000000001"


@pytest.fixture
def pixel(meta: Meta) -> AdsPixel:
    """A pixel of the seeded business, as somebody sees it who may report to it."""
    meta.control("POST", "/pixels", {"pixel_id": PIXEL, "business_id": meta.seed["businesses"][0]["id"]})
    person = {
        "app_id": APP_ID,
        "business_id": meta.seed["businesses"][0]["id"],
        "name": "Reports",
        "scopes": ["ads_management"],
    }
    token = meta.control("POST", "/system-users", person)["token"]
    return AdsPixel(PIXEL, api=FacebookAdsApi(SimulatedSession(meta.url, token)))


def _purchase(event_id: str, *, at: float | None = None) -> Event:
    user = UserData(emails=[" Buyer@Shop.Example "], client_user_agent="Mozilla/5.0", fbc="fb.1.1.abc")
    bought = CustomData(value=1250.5, currency="bdt", contents=[Content(product_id="sc_p1", quantity=2)], order_id="o1")
    return Event(
        event_name="Purchase", event_time=int(time.time() if at is None else at), event_id=event_id, user_data=user,
        custom_data=bought, action_source=ActionSource.WEBSITE, event_source_url="https://shop.example/thanks",
    )  # fmt: skip


def _send(pixel: AdsPixel, *events: Event, **options: Any) -> dict[str, Any]:
    params = EventRequest(pixel_id=PIXEL, events=list(events), **options).get_params()
    told: dict[str, Any] = pixel.create_event(params=params).export_all_data()
    return told


def test_what_the_sdk_reports_counts_once(meta: Meta, pixel: AdsPixel) -> None:
    """A batch written by Meta's classes is received; the same event again counts no second time."""
    assert [1, 1] == [_send(pixel, _purchase("o1"), test_event_code="TEST1")["events_received"] for _ in range(2)]
    kept = meta.control("GET", f"/pixels/{PIXEL}/events")
    assert (2, ["o1"]) == (kept["received"], [event["event_id"] for event in kept["events"]])


def test_the_sdk_hashes_a_buyer_as_we_do(meta: Meta, pixel: AdsPixel) -> None:
    """What Meta's classes make of a buyer is what the connector writes of the same one."""
    _send(pixel, _purchase("o1"))
    (event,) = meta.control("GET", f"/pixels/{PIXEL}/events")["events"]
    buyer = Buyer(emails=(" Buyer@Shop.Example ",), client_user_agent="Mozilla/5.0", fbc="fb.1.1.abc")
    assert write_match(buyer) == event["user_data"]


def test_one_old_event_takes_the_batch_with_it(meta: Meta, pixel: AdsPixel) -> None:
    """An event of eight days ago is refused with the whole batch, as an invalid parameter."""
    with pytest.raises(FacebookRequestError) as refused:
        _send(pixel, _purchase("o1"), _purchase("o2", at=time.time() - 8 * 86_400))
    assert 100 == refused.value.api_error_code()
    assert 0 == meta.control("GET", f"/pixels/{PIXEL}/events")["received"]


def test_a_pixel_that_was_taken_away_does_not_exist(meta: Meta, pixel: AdsPixel) -> None:
    """It takes no events and tells nothing, like one that never was, until it is given back; a word for `shared` is refused."""
    place = {"pixel_id": PIXEL, "business_id": meta.seed["businesses"][0]["id"]}
    meta.control("POST", "/pixels", {**place, "shared": False})
    for act in (lambda: _send(pixel, _purchase("o1")), lambda: pixel.api_get(fields=["name"])):
        with pytest.raises(FacebookRequestError) as refused:
            act()
        assert (100, 33) == (refused.value.api_error_code(), refused.value.api_error_subcode())
    with pytest.raises(AssertionError, match="shared: expected true or false"):
        meta.control("POST", "/pixels", {**place, "shared": "no"})
    meta.control("POST", "/pixels", {**place, "shared": True})
    assert 1 == _send(pixel, _purchase("o1"))["events_received"]
    assert 1 == meta.control("GET", f"/pixels/{PIXEL}/events")["received"]
