"""Orders in the simulator against Meta's published tables: each edge, each parameter with its type and values, each field."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from simulator.graph import ROUTES
from tests.contract.order_world import Shop, open_shop
from tests.contract.published_orders import ENUMS, FIELDS, KEPT, PUBLISHED
from tests.contract.sdk_parameters import sdk_edges

# What is no value of a type. A text in a query is always one.
WRONG: Mapping[str, Any] = {
    "string": ["x"], "bool": "maybe", "datetime": "soon", "map": [1], "list<map>": ["x"], "enum": "NOPE", "list<enum>": "NOPE",
}  # fmt: skip
RIGHT: Mapping[str, Any] = {"string": "x", "map": {}, "list<map>": [], "enum": "WRONG_ITEM"}
WRITES = {place: table for place, table in PUBLISHED.items() if place[1] == "POST" and table}
READS = {place: table for place, table in PUBLISHED.items() if place[1] == "GET" and table}
# What this world never sets, though it may be asked for.
NEVER = {
    "order": {"pre_order_details"},
    "items": {"customization", "gift_details", "price_details"},
    "returns": {"return_buyer_images"},
    "account": {
        "contact_email", "cta", "facebook_channel", "instagram_channel", "offsite_iab_checkout_enabled_countries", "payment_provider",
        "shops_ads_setup", "terms",
    },
    "shops": {"fb_sales_channel", "ig_sales_channel", "workspace"},
    "setup_status": {"deals_setup", "marketplace_approval_status", "marketplace_approval_status_details"},
}  # fmt: skip
# What is told as plain values: Graph's refusal of an unknown field is not simulated there.
PLAIN = {"promotion_details", "setup_status"}


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


async def _nodes(shop: Shop) -> dict[str, str]:
    order_id = await shop.place()
    return {"CommerceOrder": order_id, "CommerceMerchantSettings": shop.account_id, "Page": shop.page_id}


async def _refusal(shop: Shop, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
    """Write without anything but the body; return the code and what was said."""
    query = {"access_token": shop.token, "appsecret_proof": shop.client.proof(shop.token)}
    _, answer, _ = await shop.client.ask("POST", f"/v26.0/{path}", params=query, json=dict(body))
    return (answer["error"]["code"], answer["error"]["message"]) if "error" in answer else (0, "")


@pytest.mark.parametrize("place", sorted(PUBLISHED), ids="-".join)
def test_every_published_edge_is_served(place: tuple[str, str, str]) -> None:
    """What Meta's tables name is there, and what the SDK still has takes there what the SDK sends."""
    assert place in ROUTES
    if place in KEPT:
        assert sdk_edges()[place].types.keys() <= PUBLISHED[place].keys()


@pytest.mark.parametrize("place", sorted(WRITES), ids="-".join)
async def test_each_parameter_of_a_write_has_its_type(shop: Shop, place: tuple[str, str, str]) -> None:
    """A value of another type is refused with the parameter's name, and so is a required parameter that is missing."""
    table, path = WRITES[place], f"{(await _nodes(shop))[place[0]]}/{place[2]}".rstrip("/")
    required = {name: RIGHT[type_[:-1]] for name, type_ in table.items() if type_.endswith("!")}
    for name, type_ in table.items():
        code, message = await _refusal(shop, path, {**required, name: WRONG[type_.rstrip("!")]})
        assert (100, True) == (code, name in message), (name, message)
    for name in required:
        code, message = await _refusal(shop, path, {other: value for other, value in required.items() if other != name})
        assert (100, f"The parameter {name} is required") == (code, message.partition(") ")[2]), (name, message)


@pytest.mark.parametrize("place", sorted(READS), ids="-".join)
async def test_each_parameter_of_a_list_has_its_type(shop: Shop, place: tuple[str, str, str]) -> None:
    """A wrong time or word is refused with the parameter's name; a text that nothing has finds nothing."""
    path = f"{(await _nodes(shop))[place[0]]}/{place[2]}"
    for name, type_ in READS[place].items():
        status, answer, _ = await shop.client.graph(
            "GET", path, shop.token, **{name: WRONG[type_] if type_ != "string" else "?"}
        )
        told = answer["error"]["message"] if status != 200 else answer["data"]
        assert told == [] if type_ == "string" else name in told, (name, answer)


@pytest.mark.parametrize("name", ["state", "filters", "statuses"])
async def test_every_published_word_is_known(shop: Shop, name: str) -> None:
    """A list by each of Meta's words, and by all of them, is answered."""
    edge = "returns" if name == "statuses" else "commerce_orders"
    for words in (*ENUMS[name].split(), ENUMS[name].replace(" ", ",")):
        await shop.read(f"{shop.account_id}/{edge}", **{name: words})


async def test_every_published_reason_is_known(shop: Shop) -> None:
    """Meta's own reason is refused to sellers, every other one is taken."""
    reasons = ENUMS["reason_code"].split()
    for order_id, reason_code in zip(await shop.place_many(count=len(reasons)), reasons, strict=True):
        await shop.done(f"{order_id}/acknowledge_order")
        await shop.done(f"{order_id}/shipments")
        status, _ = await shop.write(f"{order_id}/refunds", reason_code=reason_code)
        assert (400 if reason_code == "FACEBOOK_INITIATED" else 200) == status, reason_code


async def test_unknown_parameters_are_passed_over_unless_told_otherwise(shop: Shop) -> None:
    """Graph ignores what an edge has no parameter for; with the switch it is refused by its name."""
    order_id = await shop.place(count=2)
    await shop.done(f"{order_id}/acknowledge_order", colour="red")
    await shop.switch(refuse_unknown_order_parameters=True)
    assert (100, True) == _named(
        "colour", await _refusal(shop, f"{order_id}/shipments", {"idempotency_key": "k", "colour": "red"})
    )
    await shop.done(f"{order_id}/shipments")


def _named(name: str, refusal: tuple[int, str]) -> tuple[int, bool]:
    return refusal[0], name in refusal[1]


async def test_every_published_field_is_answered(shop: Shop) -> None:
    """All fields of all things can be read; those that this world sets have a value once everything has happened to an order."""
    order_id = await _eventful_order(shop)
    where = {"order": order_id, "account": shop.account_id}
    of_account = {"shops", "setup_status", "commerce_transactions", "commerce_payouts"}
    for kind, names in FIELDS.items():
        path = where.get(kind) or f"{shop.account_id if kind in of_account else order_id}/{kind}"
        answer = await shop.read(path, fields=names.replace(" ", ","))
        rows = answer["data"] if kind not in where else [answer]
        assert set(names.split()) - NEVER.get(kind, set()) == {name for row in rows for name in row}, kind
        if kind not in PLAIN:
            status, refusal, _ = await shop.client.graph("GET", path, shop.token, fields="colour")
            assert (400, True) == (status, "nonexisting field (colour)" in refusal["error"]["message"]), kind


async def _eventful_order(shop: Shop) -> str:
    """Let an order be bought with a coupon, shipped, cancelled, sent back, refunded and paid out."""
    settings = {
        "checkout_config": {"checkout_url": "https://a.example", "country_code": "US"},
        "privacy_policy_localized": {"url": "https://a.example/p", "locale": "en"},
        "korea_ftc_listing": "https://a.example/k",
    }
    await shop.done(shop.account_id, **settings)
    order_id = await shop.place(
        lines=[{"retailer_id": "A", "quantity": 3, "price": "10.00", "tax": "0.30", "shipping": {"price": "5.00"}}],
        promotions=[{"level": "order", "amount": "1.00", "coupon": "ONE", "retailer_id": "7"}],
    )
    one = [{"retailer_id": "A", "quantity": 1}]
    await shop.done(f"{order_id}/acknowledge_order", merchant_order_reference="4711")
    tracking = {"carrier": "UPS", "tracking_number": "1Z"}
    await shop.done(
        f"{order_id}/shipments", external_shipment_id="box", items=[{**one[0], "quantity": 2}], tracking_info=tracking
    )
    await shop.done(f"{order_id}/cancellations", items=one, cancel_reason={"reason_code": "OUT_OF_STOCK"})
    asked = {"items": one, "reason": "TOO_SMALL", "return_message": "Sorry", "merchant_return_id": "RMA-1"}
    await shop.client.control("POST", f"/orders/{order_id}/return", asked)
    amount = {"item_refund_amount": {"amount": "5.00", "currency": "USD"}, "retailer_id": "A"}
    await shop.done(f"{order_id}/refunds", reason_code="WRONG_ITEM", items=[amount])
    await shop.advance(4 * 86_400)
    return order_id


@pytest.mark.parametrize("name", ["external_shipment_id", "shipment_id", "fulfillment_id"])
async def test_a_parcel_is_found_by_each_of_its_names(shop: Shop, name: str) -> None:
    """The seller's id and Meta's, by either parameter of the table, lead to the parcel that gets another tracking."""
    order_id = await _eventful_order(shop)
    (parcel,) = (await shop.read(f"{order_id}/shipments"))["data"]
    named = "box" if name == "external_shipment_id" else parcel["id"]
    tracking = {"carrier": "UPS", "tracking_number": "2Z"}
    await shop.done(f"{order_id}/update_shipment", **{name: named}, tracking_info=tracking)
    (told,) = (await shop.read(f"{order_id}/shipments"))["data"]
    assert "2Z" == told["tracking_info"]["tracking_number"]


async def test_a_return_reads_as_documented(shop: Shop) -> None:
    """A return is read by its id, with its lines' quantities and reasons as keys and values, and the order it is of."""
    order_id = await _eventful_order(shop)
    (listed,) = (await shop.read(f"{order_id}/returns", merchant_return_id="RMA-1", statuses="REQUESTED"))["data"]
    assert {"return_status": "REQUESTED"}.items() <= listed.items()
    (line,) = (await shop.read(f"{order_id}/items"))["data"]
    fields = "return_message,item_return_quantities,item_return_reasons,order{order_status}"
    assert {
        "id": listed["id"],
        "return_message": "Sorry",
        "item_return_quantities": [{"key": line["id"], "value": 1}],
        "item_return_reasons": [{"key": line["id"], "value": "too_small"}],
        "order": {"id": order_id, "order_status": {"state": "COMPLETED"}},
    } == await shop.read(listed["id"], fields=fields)
    assert [] == (await shop.read(f"{order_id}/returns", statuses="APPROVED"))["data"]


async def test_a_seller_has_no_word_for_why_something_comes_back(shop: Shop) -> None:
    """What no table names is passed over: a reason that an app sends does not become the return's."""
    order_id = await _eventful_order(shop)
    await shop.done(
        f"{order_id}/returns", items=[{"retailer_id": "A", "quantity": 1}], merchant_return_id="RMA-2", reason="TOO_BIG"
    )
    (opened,) = (await shop.read(f"{order_id}/returns", merchant_return_id="RMA-2", fields="item_return_reasons"))[
        "data"
    ]
    assert ["other"] == [one["value"] for one in opened["item_return_reasons"]]


async def test_a_return_that_is_decided_twice_has_one_effect(shop: Shop) -> None:
    """Returns have no key: the same word again changes nothing, and the seller's own id opens one return."""
    order_id = await _eventful_order(shop)
    (asked,) = (await shop.read(f"{order_id}/returns"))["data"]
    told = {"items": [], "update": {"return_id": asked["id"], "status": "DISAPPROVED"}}
    opened = {"items": [{"retailer_id": "A", "quantity": 1}], "merchant_return_id": "RMA-2"}
    for body in (told, told, opened, opened):
        await shop.done(f"{order_id}/returns", **body)
    statuses = [one["details"]["status"] for one in await shop.effects(kind="return")]
    assert ["REQUESTED", "DISAPPROVED", "APPROVED"] == statuses
    assert 2 == len((await shop.truth(order_id))["returns"])


async def test_a_payment_tells_its_transaction(shop: Shop) -> None:
    """Which parcel was paid for, and the sale with its tax, as the account's own list tells it."""
    order_id = await _eventful_order(shop)
    (payment,) = (await shop.read(f"{order_id}/payments", fields="shipments,transaction_details"))["data"]
    (sale,) = payment["transaction_details"]["data"]
    rows = (
        await shop.read(
            f"{shop.page_id}/commerce_transactions", fields="transaction_type,net_payment_amount,transfer_id,items"
        )
    )["data"]
    assert ["SALE", "REFUND"] == [row["transaction_type"] for row in rows]
    assert "box" == payment["shipments"]["data"][0]["external_shipment_id"]
    assert [2] == [item["quantity"] for item in rows[0]["items"]["data"]]
    same = "transaction_type", "net_payment_amount", "transfer_id"
    assert json.dumps([sale[name] for name in same]) == json.dumps([rows[0][name] for name in same])
