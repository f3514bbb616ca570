"""What is compared, how often, and what a difference means. Pure.

Prices are not compared: Meta shows them as localised text only, from which nothing may be concluded.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from connector.registry.model import Observed, Severity


class Pass(StrEnum):
    """How much is read back: a few items every hour, a sample every night, everything once a week.

    A few or a sample are followed by what differed when it was last seen, everything by what was not seen.
    """

    WATCH = "WATCH"
    SAMPLE = "SAMPLE"
    DIFFERENT = "DIFFERENT"
    FULL = "FULL"
    MISSING = "MISSING"


WATCHED_EVERY, ALL_EVERY = timedelta(hours=1), timedelta(days=7)
NIGHT = time(1, tzinfo=UTC)
"""From when on the night's sample is taken. A store's own night is not known."""
SIZES = {Pass.WATCH: 100, Pass.SAMPLE: 1_000, Pass.DIFFERENT: 500}
"""How many items are looked at; the next time begins where this one ended."""
NAMED = 50
"""How many items are asked for by name at once."""
LOOKED_THROUGH = 5_000
"""Among how many items of ours at most a turn looks for those to ask for."""
SETTLING = timedelta(hours=1)
"""Unverified: how long Meta may still show what was there before a confirmed change."""
MOST_MENDS = 3
"""So often an item that differs is sent again; then a person has to look."""


class Verdict(StrEnum):
    """How an item at Meta compares with what Meta confirmed."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    MISSING = "MISSING"
    LEFT_OVER = "LEFT_OVER"


@dataclass(frozen=True, slots=True)
class Readback:
    """A pass under way: `cursor` is the last item's name, or in a FULL pass Meta's; `left` how many items it still looks at.

    Of the items that it came upon, `seen` were judged and `flipped` show another availability; those looked at because they
    differed before are not counted, since they say nothing about the rest.
    """

    connection_id: UUID
    stage: Pass
    cursor: str
    left: int
    page_size: int
    begin_time: datetime
    seen: int = 0
    flipped: int = 0


@dataclass(frozen=True, slots=True)
class Picked:
    """Items to ask for by name, and the name behind which more may follow; empty at the end."""

    names: Sequence[str] = ()
    after: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An item as Meta shows it."""

    retailer_id: str
    fields: Mapping[str, Any]
    review_status: str
    review_rejection_reasons: tuple[str, ...]
    image_fetch_status: str
    errors: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An item of ours that Meta confirmed as it is wanted, or as gone (`wanted` false)."""

    retailer_id: str
    wanted: bool
    content: str | None
    offer: str | None


# SDK 26.0.3, productitem.py, ProductItem.Field: the name a field of items_batch is read by.
READ_AS: Mapping[str, str] = {
    "title": "name",
    "description": "description",
    "link": "url",
    "image_link": "image_url",
    "item_group_id": "retailer_product_group_id",
    "brand": "brand",
    "condition": "condition",
    "gtin": "gtin",
    "mpn": "manufacturer_part_number",
    "color": "color",
    "size": "size",
    "material": "material",
    "pattern": "pattern",
    "gender": "gender",
    "age_group": "age_group",
    "product_type": "product_type",
    "availability": "availability",
    "quantity_to_sell_on_facebook": "quantity_to_sell_on_facebook",
}


def observe(item: Confirmed, seen: Seen | None, before: Observed | None, *, at: datetime) -> Observed:
    """Judge an item of ours by what Meta shows of it, or that it does not show it."""
    differences = _differences(item, seen) if item.wanted and seen else ()
    verdict = _verdict(item, seen, differences)
    again = before is not None and (before.verdict, list(before.differences)) == (verdict, list(differences))
    return Observed(
        item.retailer_id,
        verdict,
        at,
        differences,
        0 if verdict is Verdict.SAME else before.mends + 1 if before and again else 0,
        seen.review_status if seen else "",
        seen.review_rejection_reasons if seen else (),
        seen.image_fetch_status if seen else "",
        tuple(map(_fault, seen.errors)) if seen else (),
    )


def to_mend(observed: Observed) -> bool:
    """Tell whether an item is worth sending again."""
    return observed.verdict != Verdict.SAME and observed.mends < MOST_MENDS


def _verdict(item: Confirmed, seen: Seen | None, differences: Sequence[Mapping[str, str]]) -> Verdict:
    if not item.wanted:
        return Verdict.LEFT_OVER if seen else Verdict.SAME
    if seen is None:
        return Verdict.MISSING
    return Verdict.DIFFERENT if differences else Verdict.SAME


def _differences(item: Confirmed, seen: Seen) -> tuple[Mapping[str, str], ...]:
    wire = {**orjson.loads(item.content or "{}"), **orjson.loads(item.offer or "{}")}
    return tuple(
        {"field": name, "confirmed": str(wire[name]), "observed": str(shown or "")}
        for name, read_as in READ_AS.items()
        if name in wire and read_as in seen.fields
        if _plain(wire[name]) != _plain(shown := seen.fields[read_as])
    )


def _plain(value: object) -> str:
    """Compare texts regardless of how their spaces and accents are written: Meta may write them anew."""
    return " ".join(unicodedata.normalize("NFC", str(value if value is not None else "")).split())


# https://developers.facebook.com/docs/marketing-api/catalog/guides/product-item-errors (read 2026-11-21): HIGH is fatal.
def _fault(error: Mapping[str, Any]) -> Mapping[str, str]:
    severity = Severity.ERROR if error.get("error_priority") == "HIGH" else Severity.WARNING
    words = " ".join(str(error.get(name) or "") for name in ("title", "description", "call_to_action")).strip()
    return {
        "severity": f"SEVERITY_{severity}",
        "reason": "META_ITEM_ERROR",
        "field": "",
        "message": f"Meta says {error.get('error_type', 'something')} of the item",
        "meta_message": words,
    }


def flipped(observed: Observed) -> bool:
    """Tell whether an item shows another availability."""
    return any(one["field"] == "availability" for one in observed.differences)


def due_stage(at: datetime, *, sample_time: datetime, full_time: datetime) -> Pass:
    """Pick the largest pass that is due, by when the last of its kind began."""
    if at - full_time >= ALL_EVERY:
        return Pass.FULL
    return Pass.SAMPLE if sample_time < _last_night(at) else Pass.WATCH


def _last_night(at: datetime) -> datetime:
    tonight = datetime.combine(at.astimezone(UTC), NIGHT)
    return tonight if tonight <= at else tonight - timedelta(days=1)
