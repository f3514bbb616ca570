"""Seals tokens, each under a random data key of its own, bound to the row it stands in.

    token ──data key──▶ sealed token         bound to store, connection, kind and format
    data key ──first key of the ring──▶ wrapped data key     bound to all that, and to the key's id

Rotating a key wraps data keys anew and touches no token. A key is 32 bytes of ours, or lives in a key service that never hands
it out. Its files: `secret`, `envelope`, `ring`, `keys`, `kept`, `services`, and a file per key service.
"""

from connector.vault.envelope import Binding, Unsealable, same_token, sealed_by
from connector.vault.kept import Kept
from connector.vault.keys import Key, LocalKey
from connector.vault.ring import Vault
from connector.vault.secret import Secret, hide_tokens

__all__ = [
    "Binding",
    "Kept",
    "Key",
    "LocalKey",
    "Secret",
    "Unsealable",
    "Vault",
    "hide_tokens",
    "same_token",
    "sealed_by",
]
