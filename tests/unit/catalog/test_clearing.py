"""Whatever a product may say once can be unsaid: every field that is not always written is cleared, in both ways there are."""

from typing import Any

import orjson
import pytest

from connector.catalog.model.clearing import clear
from connector.catalog.model.mapping import write_items
from connector.catalog.model.values import (
    AppLink,
    Details,
    Importer,
    Media,
    Product,
    Rating,
    ShippingPrice,
    Weight,
)
from connector.registry.model import cleared
from connector.values import Money
from simulator.items import check
from simulator.switches import Switches
from tests.unit.catalog.products import SCARF, variant, written

DETAILS = Details(
    rich_text_description="<p>Soft</p>",
    internal_labels=("new",),
    custom_labels=tuple("abcde"),
    custom_numbers=(1, 2, 3, 4, 5),
    shipping_weight=Weight(250, "g"),
    shipping_prices=(ShippingPrice("BD", "Dhaka", "", Money("BDT", 6_050)),),
    videos=(Media("https://cdn.example/1.mp4", ()),),
    app_links=(AppLink("ios", "shop://p/1", "Shop", "12345"),),
    mobile_link="https://m.shop.example/p1",
    checkout_url="https://shop.example/cart?add=1",
    disabled_capabilities=("da",),
    expiration_date="2028-02-29",
    origin_country="BD",
    importer=Importer("Nodi GmbH", {"city": "Köln"}),
    vendor_id="v-1",
    ordering_index=3,
    rating=Rating(12, 475),
)
TALKATIVE = SCARF._replace(
    gender="male",
    age_group="adult",
    google_product_category="167",
    fb_product_category="429",
    details=DETAILS,
    variants=tuple(
        variant(size, place, gtin="96385074", mpn="n", previous_id="old") for place, size in enumerate("SM")
    ),
)


def _first(product: Product) -> dict[str, Any]:
    """Write the first item of a product."""
    draft = write_items(product)[0]
    assert draft.content is not None, draft.faults
    return dict(orjson.loads(draft.content))


BEFORE, BARE = _first(TALKATIVE), written(SCARF)
# A group stays, and what an item continues is told once: see connector/catalog/model/clearing.py.
SOMETIMES = sorted(BEFORE.keys() - BARE.keys() - {"item_group_id", "previous_id"})
ALWAYS = sorted(BARE)
EMPTY: dict[type, Any] = {list: [], dict: {}}


def test_the_table_knows_every_detail() -> None:
    """A detail that products learn to tell must be told here; what StormCom may leave out is only sometimes written."""
    assert [] == [name for name in Details._fields if not getattr(DETAILS, name)]
    assert {"applink", "custom_label_4", "custom_number_0", "gender", "shipping_weight", "video"} < set(SOMETIMES)


@pytest.mark.parametrize("name", SOMETIMES)
def test_what_is_sometimes_written_can_be_cleared(name: str) -> None:
    """Gone from its product, a field is written empty; of another wish it is emptied alike; and the simulator takes it so."""
    before, bare = orjson.dumps(BEFORE).decode(), orjson.dumps(BARE).decode()
    empty = EMPTY.get(type(BEFORE[name]), "")
    assert (empty, empty) == (orjson.loads(clear(bare, before))[name], orjson.loads(cleared(bare, "{}")).get(name))
    assert [] == check({name: empty}, creates=False, switches=Switches())


@pytest.mark.parametrize("name", ALWAYS)
def test_what_is_always_written_overwrites(name: str) -> None:
    """What every item has replaces what stood there, if only by nothing."""
    before, bare = orjson.dumps(BEFORE).decode(), orjson.dumps(BARE).decode()
    told = orjson.loads(clear(bare, before)), orjson.loads(cleared(bare, "{}"))
    assert [BARE[name]] * 2 == [one[name] for one in told]
