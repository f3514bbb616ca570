"""A key in Google Cloud KMS, through google-cloud-kms (extra `kms-gcp`), over HTTPS. Credentials are the application's default ones.

Each call is made once, in a thread, within a few seconds: whether it is repeated is decided by whoever asked.
"""

import asyncio
from functools import cached_property
from typing import Any

from google.api_core.exceptions import BadRequest, GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud.kms_v1 import KeyManagementServiceClient
from requests.exceptions import RequestException

from connector.vault.envelope import Unsealable
from connector.vault.keys import unavailable
from connector.vault.secret import Secret

_SECONDS = 5.0
# Unverified: what a ciphertext answers that is damaged, of another key or with other data; a disabled key is FAILED_PRECONDITION.
_DAMAGED = "INVALID_ARGUMENT"


class GcpKey:
    """A symmetric key, named by its resource name without a version. A `client` of one's own may be given."""

    def __init__(self, name: str, _credential: Secret, *, client: Any = None) -> None:
        self._name, self._given = name, client

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key; raises as `Key.wrap`."""
        answer = await self._ask("encrypt", plaintext=data_key, additional_authenticated_data=aad)
        return bytes(answer.ciphertext)

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key; raises as `Key.unwrap`."""
        answer = await self._ask("decrypt", ciphertext=wrapped, additional_authenticated_data=aad)
        return bytes(answer.plaintext)

    @cached_property
    def _client(self) -> Any:
        return self._given or KeyManagementServiceClient(transport="rest")

    async def _ask(self, verb: str, **words: Any) -> Any:
        def ask() -> Any:
            return getattr(self._client, verb)(request={"name": self._name, **words}, timeout=_SECONDS, retry=None)

        try:
            return await asyncio.to_thread(ask)
        except BadRequest as refusal:
            if _status(refusal) == _DAMAGED:
                raise Unsealable("the stored token cannot be opened") from None
            raise unavailable(f"Google Cloud KMS refuses the vault's key ({_status(refusal)})") from None
        except (GoogleAPIError, GoogleAuthError, RequestException) as problem:
            kind = type(problem).__name__
            raise unavailable(f"Google Cloud KMS refuses the vault's key, or cannot be asked ({kind})") from None


def _status(refusal: BadRequest) -> str:
    """Read Google's word for what went wrong: over HTTPS the client tells no more than 400."""
    try:
        return str(refusal.response.json()["error"]["status"])
    except (AttributeError, ValueError, LookupError, TypeError):
        return "400"
