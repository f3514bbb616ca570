"""An item that another tool made becomes what StormCom says, in every field that Meta has."""

from datetime import UTC, datetime

import orjson
import pytest

from connector.registry.model import Offer, Rules, cleared
from connector.values import Money
from simulator.items import FIELDS
from tests.unit.catalog.products import SCARF, written

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEFT = {
    "image": "it can be replaced and never be empty. Unverified: that image_link takes its place, as in facebook-for-woocommerce",
    "previous_id": "it tells once where an item came from and holds nothing",
    "external_variant_id": "only the tool that wrote it reads it",
    "external_update_time": "only the tool that wrote it reads it",
    "tax": "Unverified: that items_batch takes it at all",
    "return_policy_days": "Unverified: that items_batch takes it at all",
}
"""What is not emptied, and why."""


@pytest.mark.parametrize("name", sorted(FIELDS))
@pytest.mark.parametrize("counted", [True, False])
def test_every_field_of_an_adopted_item_is_said_or_emptied(name: str, *, counted: bool) -> None:
    """Whatever stands in a field from before us, the first send replaces or empties it, or there is a reason to leave it."""
    offer = Offer(Money("BDT", 100), track_inventory=counted, quantity=3, counted=counted).wire(Rules(), at=NOON)
    sent = orjson.loads(cleared(orjson.dumps(written(SCARF)).decode(), offer.decode())) | orjson.loads(offer)
    assert (name in sent) == (name not in LEFT)


def test_nothing_that_meta_does_not_know_is_emptied() -> None:
    """Meta remarks on fields it does not know: nobody would know what to mend."""
    assert set() == orjson.loads(cleared("{}", "{}")).keys() - FIELDS.keys()


def test_what_an_item_says_is_never_emptied() -> None:
    """What neither part of an item sets is cleared; what one sets is sent once."""
    offer = '{"price":"1.00 BDT","quantity_to_sell_on_facebook":3}'
    sent = orjson.loads(cleared('{"title":"Mug","gender":"male","visibility":"hidden"}', offer))
    assert ("Mug", "male", "hidden") == (sent["title"], sent["gender"], sent["visibility"])
    assert not {"price", "quantity_to_sell_on_facebook"} & sent.keys()
