"""The seam to whatever keeps keys: it wraps data keys and unwraps them, and never hands its own key out."""

from typing import Protocol

from connector.errors import Unavailable
from connector.vault.envelope import KEY_BYTES, decrypt, encrypt


class Key(Protocol):
    """A key that wraps data keys. `aad` is authenticated with them: they unwrap with the same only."""

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key.

        Raises:
            Unavailable: VAULT_UNAVAILABLE, the key cannot be used for the moment.

        """
        ...

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key.

        Raises:
            Unavailable: VAULT_UNAVAILABLE, the key cannot be used for the moment.
            Unsealable: it was not wrapped so, with this key.

        """
        ...


class LocalKey:
    """A key of our own, from the settings."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key of the vault has {KEY_BYTES} bytes")
        self._key = key

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key."""
        return encrypt(self._key, data_key, aad)

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key; raises as `Key.unwrap`."""
        return decrypt(self._key, wrapped, aad)


def unavailable(message: str) -> Unavailable:
    """Say that a key cannot be used for the moment; operators mend it, and work goes on by itself."""
    return Unavailable("VAULT_UNAVAILABLE", message)
