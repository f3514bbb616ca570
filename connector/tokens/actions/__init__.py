"""Keeps a connection's tokens alive, and ends them.

    every 6 h, a refusal, news of permissions ─▶ look ─▶ alive ─▶ warn, renew ─▶ work resumes
                                                   └───▶ dead ──▶ NEEDS_LOGIN ──RotateToken, Connect──▶ CONNECTED
    RotateToken, renewal: verify the new ─▶ store it ─▶ two minutes ─▶ kill the old at Meta

The tokens of a connection that needs a login stay sealed until it is connected, rotated, revoked or disconnected: some deaths
are undone by the merchant at Meta, and the next look then finds them alive.
Its files: `looking`, `judging`, `rotating`, `killing`.
"""

from connector.tokens.actions.judging import notice
from connector.tokens.actions.killing import kill_tokens, revoke
from connector.tokens.actions.looking import inspect, inspect_tokens
from connector.tokens.actions.rotating import rotate

__all__ = ["inspect", "inspect_tokens", "kill_tokens", "notice", "revoke", "rotate"]
