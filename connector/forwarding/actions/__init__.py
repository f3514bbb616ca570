"""What the connector does about forwarding.

    a person writes ──▶ MAIL_MESSAGES, one task per conversation ──▶ gather ──▶ write down ──▶ send ──▶ settle
                                        ▲                                                         │
                                        └── a pause: the digest's, the hour's, the mail server's ─┘

Its files: `keeping` the settings, `mailing`, `settling`, `testing` on request, `resolving` answers.
"""

from connector.forwarding.actions.keeping import get_forwarding, set_forwarding
from connector.forwarding.actions.mailing import mail_messages
from connector.forwarding.actions.resolving import resolve
from connector.forwarding.actions.testing import try_out

__all__ = ["get_forwarding", "mail_messages", "resolve", "set_forwarding", "try_out"]
