"""Transactions as CSV: RFC 4180, UTF-8, in pieces of whole lines. Pure.

A cell that a spreadsheet would reckon begins with an apostrophe, as OWASP advises; our own numbers are left as they are.
"""

import csv
import io
from collections.abc import Iterable

from connector.payouts.model.values import Kept
from connector.values import Money, decimals_of

LARGEST_PIECE_BYTES = 64 * 1024
HEADS = (
    "transaction_time", "type", "external_order_id", "local_order_id", "order_id", "order_time", "currency", "net_amount",
    "processing_fee", "tax_rate", "region", "postal_code", "payout_reference_id", "transfer_id",
)  # fmt: skip
# https://owasp.org/www-community/attacks/CSV_Injection (read 2026-11-21)
_RECKONED = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_heads() -> bytes:
    """Write the first line."""
    return _write([HEADS])


def write_lines(rows: Iterable[Kept]) -> list[bytes]:
    """Write transactions as pieces."""
    pieces, piece = [], bytearray()
    for row in rows:
        line = _write([_cells(row)])
        if piece and len(piece) + len(line) > LARGEST_PIECE_BYTES:
            pieces.append(bytes(piece))
            piece.clear()
        piece += line
    return [*pieces, bytes(piece)] if piece else pieces


def _cells(row: Kept) -> tuple[str, ...]:
    one = row.transaction
    order_time = one.order_time.isoformat() if one.order_time else ""
    texts = one.tax_rate, one.region, one.postal_code, one.payout_reference_id, one.transfer_id
    return (
        one.transaction_time.isoformat(),
        *map(_guarded, (one.type, one.external_order_id, row.local_order_id)),
        str(row.order_id or ""),
        order_time,
        _guarded(one.currency_code),
        _amount(one.currency_code, one.net_amount),
        _amount(one.currency_code, one.processing_fee),
        *map(_guarded, texts),
    )


def _amount(currency_code: str, minor_units: int) -> str:
    if decimals_of(currency_code) is None:
        raise ValueError(f"{currency_code} is not an ISO 4217 currency")
    return str(Money(currency_code, minor_units)).partition(" ")[0]


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_RECKONED) else text


def _write(rows: Iterable[tuple[str, ...]]) -> bytes:
    paper = io.StringIO()
    csv.writer(paper, lineterminator="\r\n").writerows(rows)
    return paper.getvalue().encode()
