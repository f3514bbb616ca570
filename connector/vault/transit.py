"""A key of HashiCorp Vault's Transit engine, through hvac (extra `kms-transit`). Its type must be one with associated data (aes256-gcm96).

The credential is `VAULT_TRANSIT_TOKEN`; without one, the address is that of a Vault Agent or Proxy that adds its own. Each call is
made once, in a thread, within a few seconds: whether it is repeated is decided by whoever asked.
"""

import asyncio
import base64
from functools import cached_property
from typing import Any

import hvac
from hvac.exceptions import InvalidRequest, VaultError
from requests.exceptions import RequestException

from connector.vault.envelope import Unsealable
from connector.vault.keys import unavailable
from connector.vault.secret import Secret

_SECONDS = 5.0
# Unverified: Vault's words for a ciphertext that is damaged, of another key or with other data. A key that is gone is a 400 as well.
_DAMAGED = ("message authentication failed", "invalid ciphertext")


class TransitKey:
    """A key, named by `<url>/<mount>/<key>`."""

    def __init__(self, name: str, token: Secret) -> None:
        self._url, self._mount, self._key = name.rsplit("/", 2)
        self._token = token

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key; raises as `Key.wrap`."""
        answer = await self._ask("encrypt_data", plaintext=_written(data_key), associated_data=_written(aad))
        return str(answer["data"]["ciphertext"]).encode()

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key; raises as `Key.unwrap`."""
        try:
            ciphertext = wrapped.decode()
        except UnicodeDecodeError:
            raise Unsealable("the stored token cannot be opened") from None
        answer = await self._ask("decrypt_data", ciphertext=ciphertext, associated_data=_written(aad))
        return base64.b64decode(answer["data"]["plaintext"])

    @cached_property
    def _client(self) -> Any:
        return hvac.Client(url=self._url, token=self._token.reveal() or None, timeout=_SECONDS, allow_redirects=False)

    async def _ask(self, verb: str, **words: Any) -> Any:
        def ask() -> Any:
            return getattr(self._client.secrets.transit, verb)(name=self._key, mount_point=self._mount, **words)

        try:
            return await asyncio.to_thread(ask)
        except (VaultError, RequestException) as problem:
            if isinstance(problem, InvalidRequest) and any(words in str(problem) for words in _DAMAGED):
                raise Unsealable("the stored token cannot be opened") from None
            kind = type(problem).__name__
            raise unavailable(f"Vault Transit refuses the key, or cannot be asked ({kind})") from None


def _written(value: bytes) -> str:
    return base64.b64encode(value).decode()
