"""Items that go before their connection ends: hidden or deleted at Meta, while what is wanted of them stays for a later connection.

They travel in batches like any others. From the moment one is sent it counts as unconfirmed, so that whatever becomes of it, the
next sync sends it whole: a hidden item is shown again, with every field.
"""

from uuid import UUID

from sqlalchemy import func, select, text, update

from connector.db.schema import Tx
from connector.registry.db.catalogue import items

HIDDEN = '{"visibility":"hidden"}'
"""What is sent of an item that is to be hidden."""

LOADING = text(
    """
    UPDATE items SET batch_id = :batch, send_time = :at, clearing = TRUE, unconfirmed_time = NULL,
        sent_content = NULL, sent_offer = NULL, sent_quantity = NULL,
        confirmed_content = NULL, confirmed_offer = NULL, confirmed_quantity = NULL
    WHERE connection_id = :connection AND retailer_id = ANY(:names)
    """
)
_TOLD = "RETURNING retailer_id, product_id, variant_id, operation_id, meta_faults, TRUE AS final"
CONFIRM = text(
    f"""
    UPDATE items SET batch_id = NULL, sends = 0, leaving = NULL, operation_id = NULL, confirm_time = :at,
        stands = wanted AND leaving = 'HIDE', meta_faults = coalesce(cast(:warned AS jsonb) -> retailer_id, '[]')
    WHERE batch_id = :batch {_TOLD}
    """  # noqa: S608 – built of constants
)
REFUSE = text(
    f"""
    UPDATE items SET batch_id = NULL, sends = 0, leaving = NULL, operation_id = NULL, confirm_time = coalesce(confirm_time, :at),
        meta_faults = jsonb_build_array(cast(:faults AS jsonb) -> retailer_id)
    WHERE batch_id = :batch AND retailer_id = ANY(:names) {_TOLD}
    """  # noqa: S608 – built of constants
)


async def count_standing(tx: Tx, connection_id: UUID) -> int:
    """Count the items of ours that may stand in the catalog."""
    mine = items.c.connection_id == connection_id, items.c.stands
    return int(await tx.scalar(select(func.count()).where(*mine)) or 0)


async def mark(tx: Tx, connection_id: UUID, operation_id: UUID, choice: str, *, after: str, limit: int) -> str:
    """Have the next items that stand hidden or deleted, for an operation; tells the last one, empty when none is left."""
    mine = items.c.connection_id == connection_id, items.c.stands, items.c.batch_id.is_(None)
    named = select(items.c.retailer_id).where(*mine, items.c.retailer_id > after).order_by(items.c.retailer_id)
    names = list(await tx.scalars(named.limit(limit).with_for_update()))
    chosen = items.c.connection_id == connection_id, items.c.retailer_id == text("ANY(:names)")
    values = {"leaving": choice, "operation_id": operation_id}
    await tx.execute(update(items).where(*chosen).values(**values), {"names": names})
    return names[-1] if names else ""


async def count_marked(tx: Tx, connection_id: UUID, operation_id: UUID) -> int:
    """Count the items that an operation has hidden or deleted."""
    mine = items.c.connection_id == connection_id, items.c.leaving.is_not(None), items.c.operation_id == operation_id
    return int(await tx.scalar(select(func.count()).where(*mine)) or 0)
