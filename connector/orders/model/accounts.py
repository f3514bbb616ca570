"""The commerce account of a Page's shop, and who manages its orders."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Manager(StrEnum):
    """Who manages the orders of an account; in the words of the contract's OrderManagement.State."""

    FREE = "FREE"
    OURS = "OURS"
    TAKEN = "TAKEN"
    NO_ACCOUNT = "NO_ACCOUNT"


@dataclass(frozen=True, slots=True)
class Account:
    """A connection's commerce account, as it is kept.

    `currency_code` is the store's, as StormCom said it; empty means any. `watermark_time` is Meta's: every change up to it is known. `since_time` is how far the next look goes back instead.
    """

    connection_id: UUID
    store_id: str
    commerce_account_id: str
    name: str
    currency_code: str
    manager: Manager
    associate_time: datetime | None
    watermark_time: datetime | None
    since_time: datetime | None
    last_poll_time: datetime | None
