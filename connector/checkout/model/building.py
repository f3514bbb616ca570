"""Writes checkout links, as Meta opens them, and the trials of the self-test."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from connector.checkout.model.links import CONVERSATION, DRAFT_ORDER, MOST_PIECES, Channel
from connector.registry.model import retailer_id

_NOBODY = "no-such-item-of-this-store"
_UNREADABLE = re.compile("[,%]|^[:\\[\"' ]|[:\\]\"' ]$")
"""What a name must not hold to be read again out of a list of names."""


class Wanted(NamedTuple):
    """An item for a link."""

    retailer_id: str
    product_id: str
    variant_id: str
    quantity: int


class Origin(NamedTuple):
    """Where a link will stand, and what else it carries."""

    channel: Channel = Channel.FACEBOOK
    coupon: str = ""
    conversation_id: str = ""
    draft_order_id: str = ""
    tracking: Sequence[tuple[str, str]] = ()


def write_link(checkout_url: str, items: Sequence[Wanted], origin: Origin) -> str:
    """Write a link to a checkout page; without a page, its query alone."""
    products = ",".join(f"{_readable(item)}:{item.quantity}" for item in items)
    given = [
        ("products", products),
        ("coupon", origin.coupon),
        ("cart_origin", origin.channel.lower()),
        (CONVERSATION, origin.conversation_id),
        (DRAFT_ORDER, origin.draft_order_id),
        *origin.tracking,
    ]
    return with_query(checkout_url, urlencode([(name, value) for name, value in given if value], quote_via=quote))


def with_query(checkout_url: str, query: str) -> str:
    """Add a query to a page that may have one of its own."""
    page = checkout_url.partition("#")[0]
    if not page:
        return query
    joint = "" if page.endswith(("?", "&")) else ("&" if "?" in page else "?")
    return f"{page}{joint}{query}"


def _readable(item: Wanted) -> str:
    """Name an item in a way that can be read again: one with a comma goes by the name it would have had, which is its alias."""
    return retailer_id(item.product_id, item.variant_id) if _UNREADABLE.search(item.retailer_id) else item.retailer_id


class Trial(NamedTuple):
    """A link to try, and which items it must lead to; `cut` tells that fewer pieces than asked for are right, `unknown` counts other lines."""

    name: str
    query: str
    leads_to: frozenset[str]
    cut: bool = False
    unknown: int = 0


class Sample(NamedTuple):
    """An item to try links with; `alias` is a former name of it."""

    retailer_id: str
    counted: bool
    alias: str | None


def trials(samples: Sequence[Sample]) -> list[Trial]:
    """List what Meta's links may look like, made of real items."""
    if not samples:
        return []
    first, names = samples[0].retailer_id, [one.retailer_id for one in samples]
    one, all_of = frozenset({first}), frozenset(names)
    several = ",".join(f"{name}:1" for name in names)
    tried = [
        Trial("ONE_ITEM", f"products={quote(f'{first}:1')}", one),
        Trial("SEVERAL_ITEMS", f"products={quote(several)}", all_of),
        Trial("NOT_ENCODED", f"products={several}", all_of),
        Trial("ENCODED_TWICE", f"products={quote(quote(several, safe=''), safe='')}", all_of),
        Trial("NO_QUANTITY", f"products={quote(first)}", one),
        Trial("SAME_ITEM_TWICE", f"products={quote(f'{first}:1,{first}:1')}", one),
        Trial("PREFIXED_ID", f"products={quote(f'SKU-1_{first}:1')}", one),
        Trial("UNKNOWN_ID", f"products={quote(f'{first}:1,{_NOBODY}:1')}", one, unknown=1),
        Trial(
            "COUPON_AND_TRACKING", f"products={quote(f'{first}:1')}&coupon=TEST&fbclid=test&utm_source=facebook", one
        ),
    ]
    counted = [sample.retailer_id for sample in samples if sample.counted][:1]
    tried += [
        Trial("TOO_MANY_PIECES", f"products={quote(f'{name}:{MOST_PIECES}')}", frozenset({name}), cut=True)
        for name in counted
    ]
    former = [sample for sample in samples if sample.alias][:1]
    tried += [Trial("FORMER_ID", f"products={quote(f'{old.alias}:1')}", frozenset({old.retailer_id})) for old in former]
    return tried
