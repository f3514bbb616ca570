"""The sealed columns of every table, whoever owns it: found by what they say of themselves (`schema.sealed`).

A column is changed only where it still holds what was read: a token that was replaced meanwhile stays as it is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Column, LargeBinary, Table, func, literal, select, union_all, update

from connector.db import observations
from connector.db.schema import SEALED, Tx, metadata
from connector.vault import Binding

_NOTED = "sealed_tokens"


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed tokens, in a table with a column `id`."""

    table: Table
    column: Column[bytes]

    @property
    def name(self) -> str:
        """Tell it as `table.column`."""
        return f"{self.table.name}.{self.column.name}"

    def binding(self, row: Any) -> Binding:
        """Tell what a row's token is bound to; what is no store's is bound to its kind."""
        kind = self.column.info[SEALED]
        if "store_id" not in self.table.columns:
            return Binding("", "", kind)
        # What belongs to no connection is bound to its own row.
        connection_id = row.connection_id if "connection_id" in self.table.columns else row.id
        return Binding(row.store_id, str(connection_id), kind if isinstance(kind, str) else kind(row))


@dataclass(frozen=True, slots=True)
class SealedToken:
    """A token where it stands."""

    id: UUID | int
    sealed: bytes
    binding: Binding


def columns() -> list[SealedColumn]:
    """List the sealed columns of all tables that are loaded."""
    tables = metadata.sorted_tables
    return [SealedColumn(table, column) for table in tables for column in table.columns if SEALED in column.info]


async def count(tx: Tx) -> dict[int, int]:
    """Count the tokens by the key that wraps their data keys."""
    keys = [select(_header(one.column).label("header")).where(one.column.is_not(None)) for one in columns()]
    every = union_all(*keys).subquery()
    rows = await tx.execute(select(every.c.header, func.count()).group_by(every.c.header))
    counts: dict[int, int] = {}
    for header, number in rows:
        counts[header[1]] = counts.get(header[1], 0) + number
    return counts


async def load(
    tx: Tx, column: SealedColumn, beginnings: Collection[bytes], *, after: str, limit: int
) -> list[SealedToken]:
    """Read tokens that begin in one of these ways, in the order of their ids; an empty `after` is the begin."""
    table, sealed = column.table, column.column
    later = [table.c.id > table.c.id.type.python_type(after)] if after else []
    wanted = select(table).where(_header(sealed).in_(beginnings), *later).order_by(table.c.id).limit(limit)
    return [SealedToken(row.id, row._mapping[sealed], column.binding(row)) for row in await tx.execute(wanted)]  # noqa: SLF001 – SQLAlchemy's documented way to a mapping


async def replace(tx: Tx, column: SealedColumn, changes: Sequence[tuple[SealedToken, bytes]]) -> int:
    """Write tokens anew where they are still the ones that were read and nobody is at work on their row; tells how many."""
    table, sealed = column.table, column.column
    arrays = (
        literal([token.id for token, _ in changes], ARRAY(table.c.id.type)),
        literal([token.sealed for token, _ in changes], ARRAY(LargeBinary)),
        literal([new for _, new in changes], ARRAY(LargeBinary)),
    )
    new = func.unnest(*arrays).table_valued("id", "old", "new", name="renewed").render_derived()
    free = (
        select(table.c.id, new.c.new)
        .join(new, (new.c.id == table.c.id) & (new.c.old == sealed))
        .with_for_update(of=table, skip_locked=True)
        .cte("free")
    )
    written = update(table).where(table.c.id == free.c.id).values({sealed.name: free.c.new}).returning(table.c.id)
    return len((await tx.execute(written)).all())


def _header(sealed: Column[bytes]) -> Any:
    return func.substring(sealed, 1, 2)


async def note(tx: Tx, counts: dict[int, int], *, at: datetime) -> None:
    """Keep how many tokens each key has, for whoever shows it."""
    await observations.note(tx, _NOTED, orjson.dumps(counts, option=orjson.OPT_NON_STR_KEYS).decode(), at=at)


async def noted(tx: Tx) -> dict[int, int]:
    """Tell how many tokens each key had when they were last counted."""
    counts = orjson.loads(await observations.read(tx, _NOTED) or "{}")
    return {int(key_id): number for key_id, number in counts.items()}
