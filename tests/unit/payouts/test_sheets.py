"""The CSV of transactions: any table program and any accountant reads it, and none reckons what somebody else wrote."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.payouts.model.sheets import HEADS, LARGEST_PIECE_BYTES, write_heads, write_lines
from connector.payouts.model.values import Kept, Transaction, number

ONE = Transaction(
    external_order_id="335200000000390", type="SALE", currency_code="USD", net_amount=-1_250, processing_fee=5, tax_rate="0.0625",
    region="MA", postal_code="02110", payout_reference_id="1", transfer_id="2", transaction_time=datetime(2026, 11, 21, tzinfo=UTC),
    order_time=None,
)  # fmt: skip


def kept(one: Transaction, local_order_id: str = "local-1") -> Kept:
    """A transaction of an order that only StormCom's id is known of."""
    return Kept(one, one.digest(), 0, None, local_order_id)


def rows(pieces: list[bytes]) -> list[list[str]]:
    """Read the CSV as anybody does."""
    return list(csv.reader(io.StringIO(b"".join(pieces).decode(), newline="")))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever stands in a text, the cell says the same and begins with none of the signs that are reckoned."""
    (cells,) = rows(write_lines([kept(replace(ONE, type=text, region=text, tax_rate=text), text)]))
    assert len(HEADS) == len(cells)
    for name in ("type", "region", "tax_rate", "local_order_id"):
        cell = cells[HEADS.index(name)]
        assert text == (cell[1:] if cell.startswith("'") and not text.startswith("'") else cell)
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_amounts_are_exact_numbers() -> None:
    """An amount is written with its currency's decimals, negative ones as numbers; lines end with CRLF."""
    head, line = rows([write_heads(), *write_lines([kept(ONE)])])
    assert list(HEADS) == head
    assert ("-12.50", "0.05", "USD") == tuple(
        line[HEADS.index(name)] for name in ("net_amount", "processing_fee", "currency")
    )
    yen = replace(ONE, currency_code="JPY", net_amount=1_250)
    assert "1250" == rows(write_lines([kept(yen)]))[0][HEADS.index("net_amount")]
    assert write_heads().endswith(b"\r\n")


def test_pieces_are_small_and_whole() -> None:
    """However many transactions: no piece is larger than promised, none ends within a line, none is lost."""
    pieces = write_lines([kept(replace(ONE, region="x" * 150))] * 1_000)
    assert all(len(piece) <= LARGEST_PIECE_BYTES and piece.endswith(b"\r\n") for piece in pieces)
    assert (1_000, True) == (len(rows(pieces)), len(pieces) > 1)


def test_alike_transactions_are_told_apart_and_known_again() -> None:
    """Two transactions alike in everything are two; one whose payout becomes known is the same as before."""
    paid = replace(ONE, payout_reference_id="", transfer_id="")
    assert [(ONE.digest(), 0), (ONE.digest(), 1)] == [
        (digest, ordinal) for digest, ordinal, _ in number([ONE, paid], {})
    ]
    assert [(ONE.digest(), 2)] == [(digest, ordinal) for digest, ordinal, _ in number([ONE], {ONE.digest(): 2})]
    assert ONE.digest() != replace(ONE, net_amount=-1_251).digest()
