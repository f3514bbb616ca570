"""Products and items: one row per item, for ever, with what is wanted, what was last sent and what Meta confirmed.

Where an item stands (`state`) and what it waits for (`content_due`, `offer_due`) is computed by the database from those three,
so no code can forget to change it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    func,
    select,
    text,
)

from connector.db.schema import Instant, Json, Tx, metadata
from connector.registry.model import MOST_SENDS

_STATE = """
CASE WHEN NOT wanted AND NOT stands THEN 'REMOVED'
     WHEN refused_by = 'META' THEN 'REJECTED'
     WHEN NOT wanted AND batch_id IS NOT NULL AND sent_content IS NULL THEN 'REMOVAL_SENT'
     WHEN NOT wanted THEN 'REMOVAL_PENDING'
     WHEN refused_by IS NOT NULL THEN 'REJECTED'
     WHEN confirmed_content = content_hash AND confirmed_offer = offer_hash
          AND (batch_id IS NULL OR (sent_content = content_hash AND sent_offer = offer_hash)) THEN 'CONFIRMED'
     WHEN batch_id IS NOT NULL AND sent_content = content_hash AND sent_offer = offer_hash THEN 'SENT'
     ELSE 'PENDING' END
"""
_CONTENT_DUE = """
batch_id IS NULL AND NOT held AND refused_by IS DISTINCT FROM 'META' AND
CASE WHEN wanted THEN refused_by IS NULL AND content_hash IS DISTINCT FROM sent_content ELSE stands END
"""
_OFFER_DUE = f"""
batch_id IS NULL AND wanted AND confirmed_content IS NOT NULL AND offer_tries < {MOST_SENDS} AND offer_hash IS DISTINCT FROM sent_offer
"""

_OFFERED = "CASE WHEN track_inventory THEN (offer::jsonb ->> 'quantity_to_sell_on_facebook')::integer ELSE NULL END"
_UNCONFIRMED = "wanted AND stands AND confirm_time IS NOT NULL AND offer_hash IS DISTINCT FROM confirmed_offer"
_EDGE_TIME = """
CASE WHEN NOT wanted OR offer IS NULL OR compare_at_price IS NULL OR compare_at_price <= price THEN NULL
     WHEN edge_look_time IS NULL OR sale_start_time > edge_look_time THEN coalesce(sale_start_time, sale_end_time)
     WHEN sale_end_time > edge_look_time THEN sale_end_time ELSE NULL END
"""

_REASONS = "jsonb_path_query_array(faults || meta_faults, '$[*].reason')"

products = Table(
    "products",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("source_version", BigInteger, nullable=False),
    Column("digest", LargeBinary, comment="of all that StormCom said but the version; NULL once deleted"),
    Column("refused", Boolean, nullable=False, server_default="false", comment="our checks refuse an item of it"),
    Column("deleted", Boolean, nullable=False, server_default="false"),
    Column("placement", Json, comment="its categories, and what it says of them itself; NULL without categories"),
    Column("update_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "product_id"),
)
items = Table(
    "items",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("retailer_id", Text, nullable=False, comment="our name for it at Meta; written once"),
    Column("product_id", Text, nullable=False),
    Column("variant_id", Text, nullable=False, comment="empty for a product without variants"),
    Column("whole", Boolean, nullable=False, comment="it stands, or stood, for a product without variants"),
    Column("heir", Text, nullable=False, comment="the one variant it stands, or stood, for; empty: none yet"),
    Column("usual", Boolean, nullable=False, comment="it is called what its product and variant would be called today"),
    Column("sku", Text, nullable=False, server_default="", comment="the stock keeping unit, to recognise items by"),
    Column(
        "clearing",
        Boolean,
        nullable=False,
        server_default="false",
        comment="fields of another wish may stand at Meta: the next send clears what it does not set",
    ),
    Column("wanted", Boolean, nullable=False, comment="whether it should stand in the catalog"),
    Column("title", Text, nullable=False, server_default=""),
    Column(
        "content",
        Text,
        comment="Meta's fields but id, stock and price: a JSON object; NULL until our checks let one pass",
    ),
    Column("content_hash", LargeBinary),
    Column("offer", Text, comment="Meta's fields of stock and price: a JSON object"),
    Column("offer_hash", LargeBinary),
    Column("currency_code", Text),
    Column("price", BigInteger, comment="minor units"),
    Column("compare_at_price", BigInteger, comment="minor units"),
    Column("sale_start_time", Instant),
    Column("sale_end_time", Instant),
    Column("track_inventory", Boolean, nullable=False, server_default="false"),
    Column("quantity", Integer, nullable=False, server_default="0"),
    Column("discontinued", Boolean, nullable=False, server_default="false"),
    Column(
        "counted",
        Boolean,
        nullable=False,
        server_default="false",
        comment="its stock was counted once: no longer counting must clear the quantity",
    ),
    Column("reserved", Integer, nullable=False, server_default="0", comment="pieces in active holds"),
    Column("offered", Integer, Computed(_OFFERED, persisted=True), comment="pieces as offered; NULL: not counted"),
    Column(
        "hidden", Boolean, nullable=False, server_default="false", comment="unconfirmed for long: shown out of stock"
    ),
    Column(
        "unconfirmed", Boolean, Computed(_UNCONFIRMED, persisted=True), comment="what Meta shows may not be the offer"
    ),
    Column("unconfirmed_time", Instant, comment="since when, while it is"),
    Column("edge_look_time", Instant, comment="when the edges of its sale were last looked at"),
    Column("edge_time", Instant, Computed(_EDGE_TIME, persisted=True), comment="the first edge of its sale after that"),
    Column(
        "price_version", BigInteger, nullable=False, server_default="0", comment="the inventory line that set the price"
    ),
    Column(
        "stock_version", BigInteger, nullable=False, server_default="0", comment="the inventory line that set the stock"
    ),
    Column("faults", Json, nullable=False, server_default="[]", comment="found by our checks"),
    Column("meta_faults", Json, nullable=False, server_default="[]", comment="Meta's last refusal"),
    Column("refused_by", Text, comment="CHECKS, META, or STOCK (Meta refused a stock change to the end)"),
    Column(
        "held",
        Boolean,
        nullable=False,
        server_default="false",
        comment="its sync was cancelled: waits for the next wish",
    ),
    Column("leaving", Text, comment="HIDE or DELETE: what becomes of it before the connection ends"),
    Column("stands", Boolean, nullable=False, server_default="false", comment="something of ours may stand at Meta"),
    Column("batch_id", Uuid, comment="the open batch that carries it"),
    Column("operation_id", Uuid, comment="the operation that waits for its verdict"),
    Column("sends", Integer, nullable=False, server_default="0", comment="sends in a row that never got a verdict"),
    Column("offer_tries", Integer, nullable=False, server_default="0", comment="refusals in a row of a stock change"),
    Column("sent_content", LargeBinary, comment="content_hash as last sent; NULL: send it again"),
    Column("sent_offer", LargeBinary),
    Column("sent_quantity", Integer),
    Column("confirmed_content", LargeBinary, comment="content_hash as Meta last accepted it"),
    Column("confirmed_offer", LargeBinary),
    Column("confirmed_quantity", Integer),
    Column("desire_time", Instant, nullable=False),
    Column("send_time", Instant),
    Column("confirm_time", Instant),
    Column("stock_time", Instant, comment="when the stock lane last heard a verdict"),
    Column("stock_error", Text, comment="why the stock lane's last change was refused"),
    Column("state", Text, Computed(_STATE, persisted=True)),
    Column("reasons", Json, Computed(_REASONS, persisted=True), comment="of all faults, to search by"),
    Column("content_due", Boolean, Computed(_CONTENT_DUE, persisted=True)),
    Column("offer_due", Boolean, Computed(_OFFER_DUE, persisted=True)),
    PrimaryKeyConstraint("connection_id", "retailer_id"),
    UniqueConstraint("connection_id", "product_id", "variant_id"),
    CheckConstraint("quantity >= 0", "quantity"),
    CheckConstraint("reserved >= 0", "reserved"),
    CheckConstraint("CASE variant_id WHEN '' THEN whole ELSE variant_id = heir END", "stands_for"),
    CheckConstraint("leaving IN ('HIDE', 'DELETE')", "leaving"),
    CheckConstraint("refused_by IN ('CHECKS', 'META', 'STOCK')", "refused_by"),
    CheckConstraint("refused_by IS NOT NULL OR NOT wanted OR (content IS NOT NULL AND offer IS NOT NULL)", "sendable"),
    Index("ix_items_connection_id_state", "connection_id", "state", "retailer_id"),
    Index("ix_items_unusual", "connection_id", "product_id", postgresql_where=text("NOT usual")),
    Index("ix_items_reasons", "reasons", postgresql_using="gin", postgresql_where=text("reasons <> '[]'")),
    Index("ix_items_held", "connection_id", "product_id", postgresql_where=text("held")),
    Index("ix_items_batch_id", "batch_id", postgresql_where=text("batch_id IS NOT NULL")),
    Index("ix_items_content_due", "connection_id", "retailer_id", postgresql_where=text("content_due")),
    Index("ix_items_unconfirmed", "connection_id", "unconfirmed_time", postgresql_where=text("unconfirmed")),
    Index("ix_items_leaving", "connection_id", "retailer_id", postgresql_where=text("leaving IS NOT NULL")),
    Index("ix_items_hidden", "connection_id", postgresql_where=text("hidden")),
    Index("ix_items_stock_error", "connection_id", "retailer_id", postgresql_where=text("stock_error IS NOT NULL")),
    Index(
        "ix_items_edge_time",
        "connection_id",
        "edge_time",
        "retailer_id",
        postgresql_where=text("edge_time IS NOT NULL"),
    ),
    Index("ix_items_faulty", "connection_id", "retailer_id", postgresql_where=text("reasons <> '[]'")),
    Index("ix_items_offer_due", "connection_id", "retailer_id", postgresql_where=text("offer_due")),
)
ROOM = "ALTER TABLE items SET (fillfactor = 70)"
"""Pages keep room for new versions of their items. Measured: a change of stock then costs PostgreSQL a third less."""
WITHIN_STOCK = (
    """
    CREATE OR REPLACE FUNCTION refuse_oversell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE check_violation USING MESSAGE = format('%s of %s are reserved of %s', NEW.reserved, NEW.quantity, NEW.retailer_id);
    END
    $$
    """,
    """
    CREATE TRIGGER within_stock AFTER UPDATE OF reserved ON items FOR EACH ROW
    WHEN (NEW.reserved > OLD.reserved AND NEW.track_inventory AND NEW.reserved > NEW.quantity) EXECUTE FUNCTION refuse_oversell()
    """,
)
"""Reserving never goes beyond what is there at that moment. A check could not say so: StormCom may count less later.

After, not before: a trigger before updates has PostgreSQL compute every computed column anew with every update.
"""
for _statement in (ROOM, *WITHIN_STOCK):
    event.listen(items, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call] # SQLAlchemy leaves DDL untyped


async def survey(tx: Tx) -> None:
    """Have PostgreSQL look how many products and items there are, after very many came at once.

    Plans made for few go through all of them for each piece, and its own look comes minutes later. Measured: a first sync of
    100,000 products costs it half without.
    """
    await tx.execute(text("SET LOCAL default_statistics_target = 10"))  # a glance: three thousand rows of each
    await tx.execute(text("ANALYZE (SKIP_LOCKED) products, items"))


async def lock_connection(tx: Tx, connection_id: UUID) -> None:
    """Let one transaction at a time change what is wanted of a connection's products."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"products:{connection_id}", 0))))


async def confirmed(tx: Tx, connection_id: UUID, names: Sequence[str]) -> frozenset[str]:
    """Tell which of these items Meta has confirmed as they are wanted."""
    mine = items.c.connection_id == connection_id, items.c.retailer_id.in_(names), items.c.state == "CONFIRMED"
    return frozenset(await tx.scalars(select(items.c.retailer_id).where(*mine)))
