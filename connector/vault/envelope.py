"""What a sealed token is made of: `2 ‖ key id ‖ length ‖ wrapped data key ‖ nonce ‖ ciphertext ‖ tag`, and what it is bound to.

Format 1, of releases before key services, is still read: its data keys have one length, which it does not tell, and are bound to
no key's id. Opening says nothing about why it failed. The only file that encrypts: AES-256-GCM with a random 96-bit nonce.
"""

import os
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIRST_FORMAT, FORMAT = 1, 2
_HEADER_BYTES = {FIRST_FORMAT: 2, FORMAT: 4}
_NONCE_BYTES, _TAG_BYTES = 12, 16
KEY_BYTES = 32
_FIRST_WRAPPED_BYTES = _NONCE_BYTES + KEY_BYTES + _TAG_BYTES
LONGEST_WRAPPED_BYTES = 0xFFFF


class Unsealable(Exception):
    """The sealed text is damaged, or stands in another row than it was sealed for."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The row a sealed text belongs to."""

    store_id: str
    connection_id: str
    kind: str

    def encode(self, key_id: int = 0, *, form: int = FORMAT) -> bytes:
        """Write it so that no two bindings look alike: format, key, and every part with its length.

        `key_id` is that of the key which wraps the data key; 0 stands for the token itself, which outlives those keys.
        """
        head = bytes([form]) if form == FIRST_FORMAT else bytes([form, key_id])
        parts = [part.encode() for part in (self.store_id, self.connection_id, self.kind)]
        return head + b"".join(len(part).to_bytes(4) + part for part in parts)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed token, taken apart."""

    key_id: int
    wrapped: bytes
    ciphertext: bytes
    form: int = FORMAT

    def encode(self) -> bytes:
        """Put it together, in the newest format."""
        if len(self.wrapped) > LONGEST_WRAPPED_BYTES:
            raise ValueError(f"a key service wrapped a data key into more than {LONGEST_WRAPPED_BYTES} bytes")
        return bytes([FORMAT, self.key_id]) + len(self.wrapped).to_bytes(2) + self.wrapped + self.ciphertext

    @classmethod
    def decode(cls, sealed: bytes) -> Self:
        """Take a sealed token apart.

        Raises:
            Unsealable: it is none.

        """
        form = sealed[0] if sealed else 0
        header = _HEADER_BYTES.get(form, 0)
        begin = header + (_FIRST_WRAPPED_BYTES if form == FIRST_FORMAT else int.from_bytes(sealed[2:header]))
        if not header or len(sealed) < begin + _NONCE_BYTES + _TAG_BYTES:
            raise Unsealable("the stored token cannot be opened: it is damaged, or of another version")
        return cls(sealed[1], sealed[header:begin], sealed[begin:], form)


def sealed_by(sealed: bytes) -> int:
    """Tell the id of the key that wraps a sealed token's data key."""
    return Envelope.decode(sealed).key_id


def same_token(one: bytes | None, other: bytes | None) -> bool:
    """Tell whether two columns hold the very same sealing of a token, whatever key wraps its data key by now."""
    if one is None or other is None or one == other:
        return one == other
    try:
        return Envelope.decode(one).ciphertext == Envelope.decode(other).ciphertext
    except Unsealable:  # a damaged one is like no other
        return False


def encrypt(key: bytes, text: bytes, bound: bytes) -> bytes:
    """Encrypt a text, bound to something."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, bound)


def decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """Decrypt what was encrypted for the same thing.

    Raises:
        Unsealable: for anything else.

    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise Unsealable("the stored token cannot be opened") from None
