"""What an item is called at Meta, what it costs and how many there are, and how items travel in batches. Pure.

Its files: `names`, `offers` (and the merchant's rules for them), `faults`, `items` (where one stands), `batches`, `clearing`.
"""

from connector.registry.model.batches import (
    ENVELOPE_BYTES,
    FEWEST_CHECKS,
    LARGEST_BATCH,
    LARGEST_BATCH_BYTES,
    MOST_SENDS,
    PATIENCE,
    REFUSED_STOCK_FACTOR,
    REFUSED_STOCK_PAUSE,
    BatchStatus,
    Cargo,
    Lane,
    Receipt,
    check_delay,
    fitting,
    gathering,
    narrower,
    wider,
)
from connector.registry.model.clearing import HIDDEN_MARK, cleared
from connector.registry.model.faults import (
    REMARKS,
    UNTOLD,
    ItemFault,
    Severity,
    meta_fault,
    meta_warning,
    stored,
    worst,
)
from connector.registry.model.items import Observed, State, digest, whole_hash
from connector.registry.model.names import OURS, item_group_id, ours, retailer_id
from connector.registry.model.offers import LARGEST_QUANTITY, Offer, Rules

__all__ = [
    "ENVELOPE_BYTES",
    "FEWEST_CHECKS",
    "HIDDEN_MARK",
    "LARGEST_BATCH",
    "LARGEST_BATCH_BYTES",
    "LARGEST_QUANTITY",
    "MOST_SENDS",
    "OURS",
    "PATIENCE",
    "REFUSED_STOCK_FACTOR",
    "REFUSED_STOCK_PAUSE",
    "REMARKS",
    "UNTOLD",
    "BatchStatus",
    "Cargo",
    "ItemFault",
    "Lane",
    "Observed",
    "Offer",
    "Receipt",
    "Rules",
    "Severity",
    "State",
    "check_delay",
    "cleared",
    "digest",
    "fitting",
    "gathering",
    "item_group_id",
    "meta_fault",
    "meta_warning",
    "narrower",
    "ours",
    "retailer_id",
    "stored",
    "whole_hash",
    "wider",
    "worst",
]
