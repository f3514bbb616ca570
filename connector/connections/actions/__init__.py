"""Links a store to its Page, keeps its tokens sealed, and notices when Meta takes something away.

    begin ──▶ AWAITING_LOGIN ──complete_login──▶ AWAITING_CHOICE ──choose──▶ CONNECTED ◀──── choose, attach ────┐
                 │                  ▲                 │      ▲                  │  └──token refused,         NEEDS_LOGIN
                 │                  │              1 h over  └── attach ────    │     Page taken away──────────▶┘
                 │ declined,        └── begin ────┐   │                         │
                 │ under-scoped, 10 min over      │   ▼                         ▼
                 └─────────────────────────────▶ DISCONNECTED ◀──────────── disconnect (from anywhere)

The ways: a Page login (scopes), Login for Business (a configuration), and `attach`, a token made elsewhere; a feature above may
bring another (`begin(write_dialog=…)`, `complete_login(ways=…)`). Whichever it is, a token is examined (`granting`) before it is
kept (`keeping`), waits sealed beside what is linked, for an hour, and links in one transaction (`linking`). So a login never
disturbs a live connection, and one that fails leaves it as it was; one that grants the linked Page again links it at once; ids,
catalog, history and waiting work stay. A login begun before a disconnect or `RevokeTokens` links nothing after it. A disconnect that
hides or deletes our items goes by way of DISCONNECTING (drawn in `catalog.actions.leaving`); `RevokeTokens`, a removed app and a
deletion make CONNECTED a NEEDS_LOGIN, and an open choice DISCONNECTED. At Meta a consent replaces the
same person's earlier ones: all their connections are inspected at once.
Its files: `login`, `granting`, `keeping`, `linking`, `attaching`, `unlinking`, `subscription`, `app_webhooks`, `refusals`, `standing`,
`checks`, `tokens`, `news`.
"""

from connector.connections.actions.app_webhooks import callback_url, keep_app_webhooks, watch_app_webhooks
from connector.connections.actions.attaching import attach
from connector.connections.actions.checks import check_capabilities, watch_meta
from connector.connections.actions.granting import Grant, examine, exchange, list_catalogs, read_all, refuse_admin
from connector.connections.actions.keeping import lost
from connector.connections.actions.linking import choose, look
from connector.connections.actions.login import (
    OWN_WAYS,
    Begun,
    Redeem,
    WriteDialog,
    begin,
    complete_login,
    own_callback,
)
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.refusals import note_refusal, past_hope, require_capability
from connector.connections.actions.standing import note_success, plan_check, reweigh, weigh_anew
from connector.connections.actions.subscription import note_subscription, subscribe_page, unsubscribe_page
from connector.connections.actions.tokens import access, binding, open_token, require_open, require_room
from connector.connections.actions.unlinking import disconnect, stop_work, unlink

__all__ = [
    "OWN_WAYS",
    "Begun",
    "Grant",
    "Redeem",
    "WriteDialog",
    "access",
    "attach",
    "begin",
    "binding",
    "callback_url",
    "check_capabilities",
    "choose",
    "complete_login",
    "disconnect",
    "examine",
    "exchange",
    "keep_app_webhooks",
    "list_catalogs",
    "look",
    "lost",
    "note_refusal",
    "note_subscription",
    "note_success",
    "open_token",
    "own_callback",
    "past_hope",
    "plan_check",
    "problem_of",
    "read_all",
    "refuse_admin",
    "require_capability",
    "require_open",
    "require_room",
    "reweigh",
    "stop_work",
    "subscribe_page",
    "tell",
    "unlink",
    "unsubscribe_page",
    "watch_app_webhooks",
    "watch_meta",
    "weigh_anew",
]
