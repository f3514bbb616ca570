"""The error catalogue: one table of everything that can be wrong with items, catalogs and calls, in one order."""

from collections.abc import Mapping

from connector.diagnostics.model.capability_reasons import CAPABILITY_REASONS
from connector.diagnostics.model.catalog_errors import CATALOG_ERRORS
from connector.diagnostics.model.item_errors import ITEM_ERRORS
from connector.diagnostics.model.reasons import REASONS
from connector.diagnostics.model.rows import Explanation, Kind, Where
from connector.graph.faults import FAULTS, Fault, Owner
from connector.graph.faults import Kind as FaultKind

VERSION = 2
"""Grows with every change of a row."""

_FIXES = {FaultKind.TOKEN: "Connect", FaultKind.PERMISSION: "Connect", FaultKind.REFUSED: ""}
_RETRYABLE = {FaultKind.UNAVAILABLE, FaultKind.THROTTLED, FaultKind.TOO_LARGE, FaultKind.UNCERTAIN}


def _of_fault(fault: Fault) -> Explanation:
    name = f"{fault.code}/{fault.subcode}" if fault.subcode else str(fault.code)
    where = Where.QUALITY if fault.kind is FaultKind.POLICY else Where.NOWHERE
    retryable, fix = fault.kind in _RETRYABLE, _FIXES.get(fault.kind, "")
    return Explanation(Kind.GRAPH_CODE, name, fault.meaning, fault.remedy, fault.owner, retryable, fix, where)


_TABLE = [*REASONS, *CAPABILITY_REASONS, *ITEM_ERRORS, *CATALOG_ERRORS, *map(_of_fault, FAULTS.values())]

EXPLANATIONS: Mapping[tuple[Kind, str], Explanation] = {
    (one.kind, one.name): one for one in sorted(_TABLE, key=lambda row: (row.kind, row.name))
}


def explain(kind: Kind, name: str) -> Explanation:
    """Explain an error. What Meta invented since is told as Meta tells it."""
    known = EXPLANATIONS.get((kind, name))
    if known is not None:
        return known
    cause = f"Meta says {name}, which this version does not know."
    remedy = "Read Meta's words beside it, and look at the item in Commerce Manager."
    return Explanation(kind, name, cause, remedy, Owner.MERCHANT, False, "", Where.ITEMS)
