"""Many rows in one statement: they travel as one parameter, so that a hundred cost little more than one.

Written out row by row, most of an insert's time goes into its text and its parameters.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, Update, bindparam, column, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import JSON, Insert, insert

ROWS = "rows"


@lru_cache(maxsize=64)
def insertion(table: Table, names: tuple[str, ...]) -> Insert:
    """Write the insert of rows that have values for these columns; `rows` is its parameter, as `sent` makes it."""
    whole: ColumnElement[Any] = literal_column(f"NULL::{table.name}")
    given = func.json_populate_recordset(whole, bindparam(ROWS, type_=JSON))
    shown = given.table_valued(*(column(name, table.c[name].type) for name in names))
    return insert(table).from_select(names, select(*(shown.c[name] for name in names)))


@lru_cache(maxsize=64)
def alteration(table: Table, names: tuple[str, ...]) -> Update:
    """Write the update of these columns of rows that have an `id`, each with values of its own; `rows` is its parameter."""
    whole: ColumnElement[Any] = literal_column(f"NULL::{table.name}")
    given = func.json_populate_recordset(whole, bindparam(ROWS, type_=JSON))
    shown = given.table_valued(*(column(name, table.c[name].type) for name in ("id", *names))).alias("given")
    return update(table).where(table.c.id == shown.c.id).values({name: shown.c[name] for name in names})


def sent(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write rows as the parameter of an `insertion`: times, ids and enums become texts, which their columns read again."""
    return {ROWS: list(rows)}


def octets(value: bytes) -> str:
    """Write bytes for a row that is `sent`, as a column of bytes reads them again."""
    return f"\\x{value.hex()}"
