"""Names people by hashes that only this service can make: without its pepper nobody can try ids and addresses one by one.

The pepper is random, made when it is first needed, and sealed like a token: a copy of the database does not hold it in the open,
and it stays the same when keys of the vault are rotated, so that what is forgotten stays forgotten.
"""

import hashlib
import hmac
import secrets

from sqlalchemy.ext.asyncio import AsyncEngine

from connector.db import peppers, walls
from connector.vault import Binding, Secret, Vault

_BINDING = Binding("", "", peppers.KIND)  # the service's own


class Pseudonyms:
    """Makes the hashes."""

    def __init__(self, db: AsyncEngine, vault: Vault) -> None:
        self._db, self._vault = db, vault
        self._pepper = b""

    async def ready(self) -> None:
        """Open the pepper, once for as long as the process lives. It may ask a key service, so it belongs into no transaction.

        Raises:
            Unavailable: VAULT_UNAVAILABLE, the key service does not answer.

        """
        if not self._pepper:
            with walls.beyond():
                self._pepper = bytes.fromhex((await self._vault.open(await self._sealed(), _BINDING)).reveal())

    def of(self, *parts: str) -> bytes:
        """Name something by a hash; parts of other lengths never meet in one. Needs `ready` before."""
        if not self._pepper:
            raise RuntimeError("the pepper is not open: await ready() before the transaction")
        return hmac.digest(self._pepper, "\0".join(parts).encode(errors="surrogatepass"), hashlib.sha256)

    def of_person(self, environment: str, page_id: str, psid: str) -> bytes:
        """Name a person as one Page knows them."""
        return self.of("person", environment, page_id, psid)

    def of_bytes(self, digest: bytes) -> bytes:
        """Name bytes of Meta's by their digest."""
        return self.of("bytes", digest.hex())

    async def _sealed(self) -> bytes:
        async with self._db.begin() as tx:
            known = await peppers.read(tx)
        if known is not None:
            return known
        made = await self._vault.seal(Secret(secrets.token_hex(32)), _BINDING)
        async with self._db.begin() as tx:
            return await peppers.keep(tx, made)
