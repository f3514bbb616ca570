"""Names, offers, packing: what travels to Meta, byte by byte."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.registry.model import (
    Cargo,
    Offer,
    Rules,
    check_delay,
    fitting,
    gathering,
    item_group_id,
    retailer_id,
    whole_hash,
)
from connector.values import Money, RetailerId

IDS = st.text("abcXYZ019_-", min_size=1, max_size=64)
TAKA = Money("BDT", 125_000)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2026, 12, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 – the zone is given beside


@pytest.mark.parametrize(
    ("product_id", "variant_id", "name"),
    [("p1", "", "sc_p1"), ("p1", "v2", "sc_p1.v2"), ("a_b", "c", "sc_a_b.c"), ("a", "b_c", "sc_a.b_c")],
)
def test_retailer_id(product_id: str, variant_id: str, name: str) -> None:
    """A name is made of StormCom's ids."""
    assert name == retailer_id(product_id, variant_id)


@given(IDS, st.just("") | IDS, IDS, st.just("") | IDS)
def test_names_are_short_and_never_shared(product: str, variant: str, other: str, other_variant: str) -> None:
    """Every pair of ids has a name of its own within Meta's 100 characters, without a comma or colon."""
    name, another = retailer_id(product, variant), retailer_id(other, other_variant)
    assert ((product, variant) == (other, other_variant)) == (name == another)
    assert (True, set()) == (len(name) <= 100, set(name) & set(",: "))


def test_a_group_is_named_by_its_product() -> None:
    """Variants share what their product is called."""
    assert "sc_p1" == item_group_id("p1")


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (Offer(TAKA), {"availability": "in stock", "price": "1250.00 BDT"}),
        (Offer(TAKA, track_inventory=True, quantity=3), {"quantity_to_sell_on_facebook": 3, "availability": "in stock"}),
        (Offer(TAKA, track_inventory=True), {"quantity_to_sell_on_facebook": 0, "availability": "out of stock"}),
        (Offer(TAKA, counted=True), {"quantity_to_sell_on_facebook": "", "availability": "in stock"}),
        (Offer(TAKA, discontinued=True), {"availability": "discontinued"}),
        (Offer(TAKA, Money("BDT", 150_000)), {"price": "1500.00 BDT", "sale_price": "1250.00 BDT", "sale_price_effective_date": ""}),
        (Offer(TAKA, Money("BDT", 125_000)), {"price": "1250.00 BDT", "sale_price": ""}),
        (Offer(TAKA, Money("BDT", 100)), {"price": "1250.00 BDT", "sale_price": ""}),
        (Offer(Money("JPY", 1200)), {"price": "1200 JPY"}),
        (Offer(Money("KWD", 1250)), {"price": "1.250 KWD"}),
        (
            Offer(TAKA, Money("BDT", 150_000), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
            {"sale_price_effective_date": "2026-11-01T06:30+0000/2038-01-17T00:00+0000"},
        ),
        (
            Offer(TAKA, Money("BDT", 150_000), sale_end_time=datetime(2026, 12, 1, tzinfo=UTC)),
            {"sale_price_effective_date": "1970-01-29T00:00+0000/2026-12-01T00:00+0000"},
        ),
        (Offer(TAKA, None, datetime(2026, 11, 1, tzinfo=UTC)), {"sale_price_effective_date": ""}),
    ],
)  # fmt: skip
def test_offer(offer: Offer, expected: dict[str, Any]) -> None:
    """Availability always travels; a sale only when it is one, with both ends or neither."""
    written = orjson.loads(offer.wire(Rules(), at=NOON))
    assert expected == {name: written[name] for name in expected}
    assert ("quantity_to_sell_on_facebook" in written) == (offer.track_inventory or offer.counted)


@given(MOMENTS, ZONES, ZONES)
def test_an_offer_that_means_the_same_is_written_alike(moment: datetime, one: timezone, other: timezone) -> None:
    """Equal offers have equal bytes, wherever their moments were told: a hash changes only when something Meta sees does."""
    ends = moment + timedelta(days=1)
    offers = [Offer(TAKA, Money("BDT", 150_000), moment.astimezone(z), ends.astimezone(z)) for z in (one, other)]
    assert offers[0].wire(Rules(), at=NOON) == offers[1].wire(Rules(), at=NOON)


@pytest.mark.parametrize(
    ("content", "offer", "record"),
    [
        ('{"title":"ü"}', '{"price":"1 JPY"}', {"method": "UPDATE", "data": {"id": "a", "title": "ü", "price": "1 JPY"}}),
        (None, '{"price":"1 JPY"}', {"method": "UPDATE", "data": {"id": "a", "price": "1 JPY"}}),
        (None, None, {"method": "DELETE", "data": {"id": "a"}}),
    ],
)  # fmt: skip
def test_record(content: str | None, offer: str | None, record: dict[str, Any]) -> None:
    """Stored parts are joined to one line without being read, and its size was not underestimated."""
    cargo = Cargo(RetailerId("a"), content, offer)
    assert record == orjson.loads(cargo.record())
    assert len(cargo.record()) <= cargo.size_bytes


@given(st.lists(st.integers(1, 2_000)), st.integers(1, 50), st.integers(1, 10_000))
def test_packing_fills_a_batch_and_never_overfills_it(sizes: list[int], most_items: int, most_bytes: int) -> None:
    """As many items as fit by count and bytes, in order, one at least; one more would be too many."""
    count = fitting(sizes, most_items=most_items, most_bytes=most_bytes)
    assert (count > 0) == bool(sizes)
    assert count <= most_items
    assert count <= 1 or sum(sizes[:count]) <= most_bytes
    if count < min(len(sizes), most_items):
        assert sum(sizes[: count + 1]) > most_bytes


def test_checks_slow_down_to_one_a_minute() -> None:
    """The first look comes after a second, later ones each minute."""
    delays = [check_delay(checks).total_seconds() for checks in range(20)]
    assert (1, 60, True) == (delays[0], delays[-1], delays == sorted(delays))


def test_a_hash_needs_both_parts() -> None:
    """An item without an offer or content has no hash to compare."""
    assert ("", "") == (whole_hash(None, b"x"), whole_hash(b"x", None))
    assert 64 == len(whole_hash(b"x", b"y"))


@pytest.mark.parametrize(("item_count", "milliseconds"), [(1, 15), (50, 20), (1_000, 115), (2_999, 300), (3_000, 0)])
def test_stock_gathers_the_longer_the_busier(item_count: int, milliseconds: int) -> None:
    """A quiet lane hardly waits, a busy one saves calls, and a full batch shows that more waits already."""
    assert milliseconds == round(gathering(item_count).total_seconds() * 1000)
