"""An alert: what is wrong with a connection, in words that can be shown to the merchant, and what mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOST_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that needs a person. A connection has at most one open alert per `reason`, a value of ErrorReason.

    `fix_rpc` names the RPC that mends it, `link` the page at Meta where it is seen or mended; either may be empty.
    """

    reason: str
    title: str
    body: str
    fix_rpc: str = ""
    link: str = ""
    item_count: int = 0
    sample_retailer_ids: Sequence[str] = ()

    def document(self, *, since_time: datetime) -> dict[str, Any]:
        """Write it with the contract's field names."""
        texts = {name: getattr(self, name) for name in ("reason", "title", "body", "fix_rpc", "link", "item_count")}
        samples = list(self.sample_retailer_ids[:MOST_SAMPLES])
        return texts | {"sample_retailer_ids": samples, "since_time": since_time}
