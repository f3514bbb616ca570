"""The commerce accounts of connections, and how far each was looked through."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Tx
from connector.orders.db.tables import order_accounts
from connector.orders.model.accounts import Account, Manager

_SHOWN = [order_accounts.c[name] for name in Account.__slots__]


def _read(row: Any) -> Account:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Account(**values | {"manager": Manager(values["manager"])})


async def find(tx: Tx, connection_id: UUID, *, lock: bool = False) -> Account | None:
    """Find a connection's account; `lock` keeps it from changing."""
    wanted = select(*_SHOWN).where(order_accounts.c.connection_id == connection_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _read(row)


async def keep(tx: Tx, connection_id: UUID, store_id: str, **values: Any) -> Account:
    """Write what is known of a connection's account."""
    wish = insert(order_accounts).values(connection_id=connection_id, store_id=store_id, **values)
    stored = wish.on_conflict_do_update(index_elements=["connection_id"], set_=values)
    return _read((await tx.execute(stored.returning(*_SHOWN))).one())


async def change(tx: Tx, connection_id: UUID, **values: Any) -> None:
    """Change what is known of a connection's account."""
    await tx.execute(update(order_accounts).where(order_accounts.c.connection_id == connection_id).values(**values))


async def mark(tx: Tx, account: Account, **values: Any) -> None:
    """Note how far an account was looked through, unless the Page has another shop by now: of that one it says nothing."""
    mine = order_accounts.c.connection_id == account.connection_id
    same = order_accounts.c.commerce_account_id == account.commerce_account_id
    await tx.execute(update(order_accounts).where(mine, same).values(**values))


async def of_commerce_account(tx: Tx, commerce_account_id: str) -> list[UUID]:
    """List the connections whose orders we manage in an account of Meta's."""
    mine = order_accounts.c.commerce_account_id == commerce_account_id, order_accounts.c.manager == Manager.OURS
    return list(await tx.scalars(select(order_accounts.c.connection_id).where(*mine)))
