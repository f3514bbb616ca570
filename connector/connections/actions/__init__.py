"""Links a store to its Page, keeps its tokens sealed, and notices when Meta takes something away.

    begin ─▶ AWAITING_LOGIN ──complete_login──▶ AWAITING_CHOICE ──choose──▶ CONNECTED ◀──begin, complete_login──┐
                   │                                                          │  └──token refused──▶ NEEDS_LOGIN
                   └── denied, expired, under-scoped ──▶ DISCONNECTED ◀── disconnect (from anywhere)

A login never disturbs a live connection: its token waits beside the old one until the Page is linked with it. A login
that grants the linked Page again links it at once; ids, catalog, history and waiting work stay.
Its files: `login`, `linking`, `subscription`, `refusals`, `tokens`, `news`.
"""

from connector.connections.actions.linking import choose, disconnect, look
from connector.connections.actions.login import Begun, begin, complete_login, own_callback
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.refusals import note_refusal, require_capability
from connector.connections.actions.subscription import subscribe_page, unsubscribe_page
from connector.connections.actions.tokens import access, require_open, require_room

__all__ = [
    "Begun",
    "access",
    "begin",
    "choose",
    "complete_login",
    "disconnect",
    "look",
    "note_refusal",
    "own_callback",
    "problem_of",
    "require_capability",
    "require_open",
    "require_room",
    "subscribe_page",
    "tell",
    "unsubscribe_page",
]
