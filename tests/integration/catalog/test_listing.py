"""`ListItems` is led by an index to whatever is asked for, however many items there are."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from connector.catalog.db import listing
from connector.runtime import Runtime

CONNECTION = UUID(int=5)
# Of twenty thousand items every second has a warning, every thousandth is rejected, every fifth is gone.
_FILL = text(
    """
    INSERT INTO items (connection_id, retailer_id, product_id, variant_id, whole, heir, usual, wanted, stands, content, content_hash,
        offer, offer_hash, confirmed_content, confirmed_offer, desire_time, refused_by, faults, meta_faults)
    SELECT :connection, 'sc_p' || n, 'p' || n, '', TRUE, '', TRUE, n % 5 <> 4, n % 5 <> 4, '{}', 'a', '{}', 'b', 'a', 'b', now(),
        CASE WHEN n % 1000 = 1 THEN 'META' END,
        CASE WHEN n % 2 = 0 THEN '[{"reason": "TEXT_TRUNCATED"}]' ELSE '[]' END::jsonb,
        CASE WHEN n % 1000 = 1 THEN '[{"reason": "META_REJECTED"}]' ELSE '[]' END::jsonb
    FROM generate_series(1, 20000) AS n
    """
)
ASKED: dict[str, tuple[dict[str, Any], int]] = {
    "everything": ({}, 51),
    "states": ({"states": ["REJECTED", "SENT"]}, 20),
    "a product": ({"product_id": "p500"}, 1),
    "a rare reason": ({"reason": "META_REJECTED"}, 20),
    "a frequent reason": ({"reason": "TEXT_TRUNCATED"}, 51),
    "no such reason": ({"reason": "NOBODY"}, 0),
    "a reason in a state": ({"reason": "META_REJECTED", "states": ["CONFIRMED"]}, 0),
    "a product in a state": ({"product_id": "p500", "states": ["CONFIRMED", "PENDING"]}, 1),
    "all at once": ({"reason": "META_REJECTED", "states": ["REJECTED"], "product_id": "p1001"}, 1),
}


@pytest.fixture
async def full(runtime: Runtime) -> Runtime:
    """A database with many items, and what it knows of them."""
    async with runtime.db.begin() as tx:
        await tx.execute(_FILL, {"connection": CONNECTION})
        await tx.execute(text("ANALYZE items"))
    return runtime


async def test_every_list_is_led_by_an_index(full: Runtime) -> None:
    """By state, reason, product and all of these together: found, and never by looking at every item."""
    async with full.db.begin() as tx:
        for name, (fields, count) in ASKED.items():
            asked: dict[str, Any] = {"after": "", "limit": 51, "states": [], "product_id": "", "reason": ""} | fields
            wanted = listing.listed(CONNECTION, **asked)
            written = wanted.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
            plan = "\n".join(await tx.scalars(text(f"EXPLAIN {str(written).replace(':', chr(92) + ':')}")))
            assert (name, False, count) == (name, "Seq Scan" in plan, len(await listing.page(tx, CONNECTION, **asked)))
