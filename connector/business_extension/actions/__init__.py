"""Installs, watches, repairs and ends what Meta calls an installation; the connection it makes is one like any other.

    begin ─▶ BEGUN ──complete──▶ INSTALLED ──uninstall, or Meta shows it no more──▶ UNINSTALLED ──begin, complete──▶ INSTALLED
                                   │   ▲
                                   └───┘ read back: daily, when Meta tells that something happened, when asked to

What Meta tells is never believed, only looked into. An asset that is gone blocks the capabilities that need it, no others.
Its files: `installing`, `watching`, `ending`.
"""

from connector.business_extension.actions.ending import repair, uninstall
from connector.business_extension.actions.installing import WAYS, Started, begin, complete, finish_login
from connector.business_extension.actions.watching import note_news, read_installation, refresh, standing, watch

__all__ = [
    "WAYS",
    "Started",
    "begin",
    "complete",
    "finish_login",
    "note_news",
    "read_installation",
    "refresh",
    "repair",
    "standing",
    "uninstall",
    "watch",
]
