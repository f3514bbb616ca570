"""Brings our products together with what stood in the catalog before: `scanning` reads and recognises, `applying` plans and does."""

from connector.adoption.actions.applying import HELD, apply_adoption, carry_adoption, list_scanned, plan_adoption
from connector.adoption.actions.scanning import begin_scan, scan_catalog

__all__ = [
    "HELD",
    "apply_adoption",
    "begin_scan",
    "carry_adoption",
    "list_scanned",
    "plan_adoption",
    "scan_catalog",
]
