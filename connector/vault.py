"""Seals tokens, each under a random data key of its own, bound to the row it stands in.

A sealed token is `1 ‖ key id ‖ sealed data key ‖ sealed token` (AES-256-GCM twice). The binding (store, connection, kind)
is authenticated with both, so that a ciphertext moved to another row does not open. Opening says nothing about why it failed.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = 1
_NONCE_BYTES = 12
_KEY_BYTES = 32
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + 16


class Secret:
    """A text that is never printed: `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Hand out the text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret does not travel")


class Unsealable(Exception):
    """The sealed text is damaged, stands in another row than it was sealed for, or its key is gone."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The row a sealed text belongs to."""

    store_id: str
    connection_id: str
    kind: str

    def encode(self) -> bytes:
        """Write it so that no two bindings look alike: every part with its length."""
        parts = [part.encode() for part in (self.store_id, self.connection_id, self.kind)]
        return bytes([_VERSION]) + b"".join(len(part).to_bytes(4) + part for part in parts)


class Vault:
    """A ring of keys: the first seals, all open."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """Take 32-byte keys by id (1 to 255), the sealing one first."""
        if not keys or any(len(key) != _KEY_BYTES or not 0 < number < 256 for number, key in keys.items()):
            raise ValueError("a vault needs keys of 32 bytes with ids from 1 to 255")
        self._keys = {number: AESGCM(key) for number, key in keys.items()}
        self._current = next(iter(keys))

    async def seal(self, secret: Secret, binding: Binding) -> bytes:
        """Seal a secret for one row, under a new random data key."""
        bound, data_key = binding.encode(), AESGCM.generate_key(256)
        wrapped = _encrypt(self._keys[self._current], data_key, bound)
        return bytes([_VERSION, self._current]) + wrapped + _encrypt(AESGCM(data_key), secret.reveal().encode(), bound)

    async def open(self, sealed: bytes, binding: Binding) -> Secret:
        """Open what was sealed for this row.

        Raises:
            Unsealable: for every other row, a damaged text, or a key no longer in the ring.

        """
        if len(sealed) < 2 + _WRAPPED_BYTES or sealed[0] != _VERSION or sealed[1] not in self._keys:
            raise Unsealable("the stored token cannot be opened: its key is not in the ring")
        bound, wrapped, text = binding.encode(), sealed[2 : 2 + _WRAPPED_BYTES], sealed[2 + _WRAPPED_BYTES :]
        try:
            data_key = _decrypt(self._keys[sealed[1]], wrapped, bound)
            return Secret(_decrypt(AESGCM(data_key), text, bound).decode())
        except (InvalidTag, ValueError):
            raise Unsealable("the stored token cannot be opened") from None


def _encrypt(key: AESGCM, text: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, text, bound)


def _decrypt(key: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
