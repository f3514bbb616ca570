"""Our mapping beside the two official integrations': the same product, what we send, what they send, and why where we differ.

Theirs is read from their sources, not run: facebook-for-woocommerce a1e17a8 (fbproduct.php, fbutils.php, Sync/Background.php,
ProductValidator) and meta-for-magento2 0d29efe (Builder.php, Tools.php), both read 2026-11-21.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import pytest

from connector.catalog.model.mapping import write_items
from connector.catalog.model.values import Details, Product, ProductStatus, Weight
from connector.registry.model import Offer, Rules, retailer_id
from connector.values import Money
from tests.unit.catalog.products import FORM, SCARF, variant

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEVER, SENT = None, "as ours"
GROUPED = {"variants": (variant("S"), variant("M", 1))}


class Row(NamedTuple):
    """One field of one product: what is changed of the scarf, what we send, what they send, and why it is not the same."""

    name: str
    product: Mapping[str, Any]
    ours: Any
    woo: Any
    magento: Any
    reason: str = ""


def form(**changes: Any) -> dict[str, Any]:
    """Change the only form of the scarf."""
    return {"variants": (FORM._replace(**changes),)}


def details(**said: Any) -> dict[str, Any]:
    """Say more of the scarf."""
    return {"details": Details(**said)}


ROWS = [
    Row("id", {}, "sc_p1", "1234", "SKU-1", "theirs change with plug-in, shop or SKU, and every change doubles the catalog: ours is StormCom's id"),
    Row("id", GROUPED, "sc_p1.S", "1235", "SKU-1-S", "the same, for a variant"),
    Row("item_group_id", {}, NEVER, "1234", NEVER, "Woo groups a simple product with itself; a group of one shows nothing and only binds"),
    Row("item_group_id", GROUPED, "sc_p1", "1234", "SKU-1", "the parent's id, which is ours"),
    Row("title", {"title": "a" * 160}, "a" * 150, "a" * 149 + "…", "a" * 100, "cut between graphemes at 150 as Woo, without a mark that search would read; told as a warning"),
    Row("title", {"title": "Salt &amp; <b>pepper</b>"}, "Salt & pepper", SENT, SENT),
    Row("description", {"description": ""}, "Scarf", SENT, NEVER, "Magento leaves it to Meta, which refuses the item"),
    Row("description", {"description": "<style>p{}</style>A<br>B"}, "A\nB", "p{}A B", "AB", "what a browser would show: no styles, lines where blocks end"),
    Row("description", {"description": "BUY NOW"}, "Buy now", "BUY NOW", "buy now", "capitals are refused; Woo calms them in its feed only; sentences keep their first letter; told as a warning"),
    Row("description", {"description": "d" * 6_000}, "d" * 5_000, SENT, "d" * 6_000, "5,000 is what items_batch documents"),
    Row("description", {"description": "[gallery ids=1]"}, "[gallery ids=1]", "", "[gallery ids=1]", "shortcodes are WordPress's; StormCom has none, and brackets are words"),
    Row("rich_text_description", details(rich_text_description="<p class=x>A</p><script>x</script>"), "<p>A</p>", "<p class=x>A</p><script>x</script>", "<p>A</p>", "Woo leaves the cleaning to Meta"),
    Row("rich_text_description", details(rich_text_description="x" * 10_000), NEVER, "x" * 10_000, "", "too long is left out as Magento does, and told as a warning"),
    Row("price", {}, "1250.00 BDT", SENT, SENT),
    Row("price", {"price": Money("JPY", 1_200)}, "1200 JPY", "1200.00 JPY", "1200.00 JPY", "a currency without decimals has none"),
    Row("price", {"price": Money("KWD", 1_255)}, "1.255 KWD", "1.26 KWD", "1.26 KWD", "theirs rounds to hundredths; three decimals are exact"),
    Row("price", {"compare_at_price": Money("BDT", 150_000)}, "1500.00 BDT", SENT, SENT),
    Row("sale_price", {"compare_at_price": Money("BDT", 150_000)}, "1250.00 BDT", SENT, NEVER, "Magento computes it and throws it away unless an attribute is mapped"),
    Row("sale_price", {"compare_at_price": Money("BDT", 125_000)}, "", SENT, ""),
    Row("sale_price_effective_date", {"compare_at_price": Money("BDT", 150_000)}, "", SENT, "/", "a sale without ends has no period"),
    Row(
        "sale_price_effective_date",
        {"compare_at_price": Money("BDT", 150_000), "sale_start_time": NOON},
        "2026-11-21T12:00+0000/2038-01-17T00:00+0000",
        "2026-11-21T12:00:00+00:00/2038-01-17T23:59+00:00",
        "2026-11-21T12:00:00+00:00/",
        "the form of Meta's page, with both ends as Woo does",
    ),
    Row("availability", form(track_inventory=False), "in stock", SENT, SENT),
    Row("availability", form(quantity=0), "out of stock", SENT, SENT),
    Row("availability", {"discontinued": True}, "discontinued", "out of stock", "out of stock", "Meta has a word for what will not come back"),
    Row("quantity_to_sell_on_facebook", form(quantity=3), 3, SENT, NEVER, "Magento sends the retired `inventory`"),
    Row("quantity_to_sell_on_facebook", form(track_inventory=False), NEVER, NEVER, 9_999, "a stock that nobody counts has no number"),
    Row("visibility", {}, "published", SENT, NEVER, "Magento sends `status`, which feeds read"),
    Row("visibility", form(quantity=0), "published", "hidden", NEVER, "sold out is out of stock; hiding is StormCom's word, not ours"),
    Row("visibility", {"status": ProductStatus.HIDDEN}, "hidden", SENT, NEVER, "Magento sends `status`, which feeds read"),
    Row("image_link", {}, "https://cdn.example/1.jpg", SENT, SENT),
    Row("additional_image_link", {}, ["https://cdn.example/2.jpg"], SENT, SENT),
    Row("link", {"link": "http://shop.example/p1"}, "https://shop.example/p1", "http://shop.example/p1", "http://shop.example/p1", "only https goes out; told as a warning"),
    Row("checkout_url", details(checkout_url="https://shop.example/cart"), "https://shop.example/cart", SENT, NEVER, "Magento has none"),
    Row("product_type", {}, "Apparel > Scarves", "Apparel, Scarves", "Apparel > Scarves", "the form of Meta's page; Woo's list has no order"),
    Row("product_type", {"categories": ("a" * 500, "b" * 500)}, "b" * 500, "a" * 500 + ", " + "b" * 500, "a" * 247 + " > " + "b" * 500, "whole categories, the innermost kept: half a name is no category"),
    Row("brand", {"brand": ""}, "refused", "Store", "Store", "a shop's name is no brand: StormCom decides what stands there"),
    Row("brand", {"brand": "b" * 90}, "b" * 90, SENT, "b" * 70, "100 is Meta's limit"),
    Row("condition", {"condition": "refurbished"}, "refurbished", SENT, SENT),
    Row("gender", {"gender": "Men"}, "male", SENT, SENT),
    Row("age_group", {"age_group": "teenager"}, "teen", SENT, NEVER, "Magento has no such field"),
    Row("age_group", {"age_group": "old"}, "refused", NEVER, NEVER, "a wrong value is told, not dropped in silence"),
    Row("color", form(options={"Farbe": "rot"}), "rot", NEVER, NEVER, "names are known in many languages"),
    Row("additional_variant_attribute", form(options={"Fit": "a,b:c"}), "Fit:a b c", SENT, NEVER, "Magento has no such field"),
    Row("gtin", form(gtin="4006381333931"), "4006381333931", SENT, SENT),
    Row("gtin", form(gtin="4006381333932"), "", "4006381333932", "4006381333932", "a wrong check digit makes Meta match another product; told as a warning"),
    Row("mpn", form(mpn="m" * 101), "refused", "m" * 100, "m" * 101, "half a part number is another part"),
    Row("shipping_weight", details(shipping_weight=Weight(2_000, "lb")), "2 lb", NEVER, SENT, "Woo has no such field"),
    Row("internal_label", details(internal_labels=("bulky",)), ["bulky"], SENT, NEVER, "Magento has no such field"),
]  # fmt: skip


def sent(product: Product, field: str) -> Any:
    """Tell what we send of the first item's field; `refused` when our checks keep the item back for it."""
    draft = write_items(product)[0]
    if draft.content is None:
        assert [field] == [fault.field for fault in draft.faults]
        return "refused"
    assert draft.price is not None
    window = draft.sale_start_time, draft.sale_end_time
    offer = Offer(
        draft.price, draft.compare_at_price, *window, draft.track_inventory, draft.quantity, draft.discontinued
    )
    name = {"id": retailer_id(product.product_id, draft.variant_id)}
    fields: dict[str, Any] = orjson.loads(draft.content) | orjson.loads(offer.wire(Rules(), at=NOON)) | name
    return fields.get(field)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_we_send_beside_what_others_send(row: Row) -> None:
    """Each field is sent as the row says, and wherever that is not what both others send, the row says why."""
    assert row.ours == sent(SCARF._replace(**row.product), row.name)
    same = all(theirs in (SENT, row.ours) for theirs in (row.woo, row.magento))
    assert same != bool(row.reason)


def test_many_options_keep_no_product_back() -> None:
    """Woo leaves out products with more than four options; ours are sent, with a warning, for Meta takes them."""
    options = dict.fromkeys(("Size", "Color", "Material", "Pattern", "Fit"), "x")
    [draft] = write_items(SCARF._replace(**form(options=options)))
    assert draft.content is not None
    assert {"OPTION_UNKNOWN", "VARIANT_OPTIONS_UNEVEN"} == {fault.reason for fault in draft.faults}
