"""What the connector does about personal data.

    Meta's callback ──▶ callbacks: tokens wiped, or a deletion opened ─┐
    DeletePersonalData ──▶ asking: a deletion opened ──────────────────┴──▶ erasing: step by step, in pieces ──▶ DONE
    every hour ──▶ sweeping: the data map's ages and rules, late deletions

Whoever is deleted is written down as a hash first, so that what still comes in about them stays away.
"""

from connector.privacy.actions.asking import delete_person, get_deletion, list_deletions, read_setting, set_setting
from connector.privacy.actions.callbacks import deauthorize, read_request, request_deletion, status_of
from connector.privacy.actions.erasing import erase
from connector.privacy.actions.sweeping import sweep

__all__ = [
    "deauthorize",
    "delete_person",
    "erase",
    "get_deletion",
    "list_deletions",
    "read_request",
    "read_setting",
    "request_deletion",
    "set_setting",
    "status_of",
    "sweep",
]
