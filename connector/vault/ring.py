"""Seals and opens tokens with a ring of keys: one seals, all open.

Both may ask a key service over the network, so neither belongs into a transaction.
"""

from collections.abc import Mapping
from types import MappingProxyType

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connector.vault.envelope import FIRST_FORMAT, FORMAT, Binding, Envelope, Unsealable, decrypt, encrypt
from connector.vault.keys import Key, unavailable
from connector.vault.secret import Secret


class Vault:
    """A ring of keys."""

    def __init__(self, ring: Mapping[int, Key], *, sealing_key_id: int | None = None) -> None:
        """Take keys by id, from 1 to 255; the first seals unless another is named."""
        if not ring or not all(0 < number < 256 for number in ring):
            raise ValueError("a vault needs keys, with ids from 1 to 255")
        self.ring = MappingProxyType(dict(ring))
        self.sealing_key_id = next(iter(ring)) if sealing_key_id is None else sealing_key_id
        self._sealing_key = self.ring[self.sealing_key_id]

    async def seal(self, secret: Secret, binding: Binding) -> bytes:
        """Seal a secret for one row, under a new random data key.

        Raises:
            Unavailable: VAULT_UNAVAILABLE, the key service does not answer.

        """
        data_key = AESGCM.generate_key(256)
        ciphertext = encrypt(data_key, secret.reveal().encode(), binding.encode())
        return await self._wrap(data_key, ciphertext, binding)

    async def open(self, sealed: bytes, binding: Binding) -> Secret:
        """Open what was sealed for this row.

        Raises:
            Unsealable: for every other row, or a damaged text.
            Unavailable: VAULT_UNAVAILABLE, its key is not in the ring, or the key service does not answer.

        """
        envelope = Envelope.decode(sealed)
        data_key = await self._unwrap(envelope, binding)
        text = decrypt(data_key, envelope.ciphertext, binding.encode(form=envelope.form))
        try:
            return Secret(text.decode())
        except UnicodeDecodeError:
            raise Unsealable("the stored token cannot be opened") from None

    async def rewrap(self, sealed: bytes, binding: Binding) -> bytes:
        """Wrap a token's data key with the sealing key; the token itself, if it is of our format, is neither opened nor changed.

        Raises:
            Unsealable, Unavailable: as `open`.

        """
        envelope = Envelope.decode(sealed)
        if envelope.form != FORMAT:  # bound in another way: the token has to be sealed anew
            return await self.seal(await self.open(sealed, binding), binding)
        return await self._wrap(await self._unwrap(envelope, binding), envelope.ciphertext, binding)

    @property
    def outdated(self) -> set[bytes]:
        """Tell how sealed tokens begin that are to be wrapped anew: of an older format, or by another key of the ring."""
        every = {bytes([form, key_id]) for form in (FIRST_FORMAT, FORMAT) for key_id in self.ring}
        return every - {bytes([FORMAT, self.sealing_key_id])}

    async def _wrap(self, data_key: bytes, ciphertext: bytes, binding: Binding) -> bytes:
        key_id = self.sealing_key_id
        wrapped = await self._sealing_key.wrap(data_key, binding.encode(key_id))
        return Envelope(key_id, wrapped, ciphertext).encode()

    async def _unwrap(self, envelope: Envelope, binding: Binding) -> bytes:
        key_id = envelope.key_id
        if key_id not in self.ring:
            message = f"Key {key_id} of the vault is not there: operators add it to VAULT_KEYS or VAULT_KMS again"
            raise unavailable(message)
        return await self.ring[key_id].unwrap(envelope.wrapped, binding.encode(key_id, form=envelope.form))
