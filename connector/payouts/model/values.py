"""Payouts and transactions, as Meta tells them and as they are kept. Amounts are minor units of their own currency."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.values import Money

HORIZON = timedelta(days=180)
"""How far back the first reading looks."""
OVERLAP = timedelta(days=35)
"""How far behind the last reading the next one begins: Meta pays 2 to 30 days after shipping, and rows change until then."""
PULLED_EVERY = timedelta(days=1)
LONGEST_ROUND = timedelta(hours=12)
"""A reading that takes longer begins anew: its cursors are too old to be asked with."""
PAGE_SIZE = 100


class State(StrEnum):
    """Where a payout stands; in the words of the contract's Payout.State."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Surface(StrEnum):
    """Where Meta is asked: of the Page, or of its commerce account."""

    PAGE = "PAGE"
    ACCOUNT = "ACCOUNT"


@dataclass(frozen=True, slots=True)
class Payout:
    """Money that Meta transfers; without a time it is still in the balance, where each currency has one."""

    payout_reference_id: str
    transfer_id: str
    currency_code: str
    amount: int
    state: State
    payout_time: datetime | None

    @property
    def name(self) -> str:
        """Name it: the same payout has the same name at every reading; what is in the balance has none."""
        return self.payout_reference_id or self.transfer_id

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "payout_reference_id": self.payout_reference_id,
            "transfer_id": self.transfer_id,
            "amount": Money(self.currency_code, self.amount)._asdict(),
            "state": f"STATE_{self.state}",
            "payout_time": self.payout_time,
        }


@dataclass(frozen=True, slots=True)
class Transaction:
    """One movement of the merchant's balance, as Meta tells it: `net_amount` is what is left after `processing_fee`."""

    external_order_id: str
    type: str
    currency_code: str
    net_amount: int
    processing_fee: int
    tax_rate: str
    region: str
    postal_code: str
    payout_reference_id: str
    transfer_id: str
    transaction_time: datetime
    order_time: datetime | None

    def digest(self) -> bytes:
        """Name it by what never changes about it. Meta gives transactions no id, and tells payout and transfer later."""
        amounts = self.currency_code, self.net_amount, self.processing_fee
        parts = self.external_order_id, self.type, self.transaction_time.isoformat(), *amounts
        return hashlib.sha256("\n".join(map(str, parts)).encode()).digest()


class Kept(NamedTuple):
    """A transaction with our and StormCom's ids of its order, and where it stands in lists."""

    transaction: Transaction
    digest: bytes
    ordinal: int
    order_id: UUID | None
    local_order_id: str

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        one = self.transaction
        same = (
            "external_order_id", "type", "tax_rate", "region", "postal_code", "payout_reference_id", "transfer_id",
            "transaction_time", "order_time",
        )  # fmt: skip
        return {name: getattr(one, name) for name in same} | {
            "order_id": str(self.order_id or ""),
            "local_order_id": self.local_order_id,
            "net_amount": Money(one.currency_code, one.net_amount)._asdict(),
            "processing_fee": Money(one.currency_code, one.processing_fee)._asdict(),
        }


def number(rows: Iterable[Transaction], seen: Mapping[bytes, int]) -> list[tuple[bytes, int, Transaction]]:
    """Tell apart transactions that are alike in everything: the first, the second … of a reading. `seen` are those so far."""
    counted = Counter(seen)
    numbered = []
    for row in rows:
        digest = row.digest()
        numbered.append((digest, counted[digest], row))
        counted[digest] += 1
    return numbered
