"""A key in AWS KMS, through boto3 (extra `kms-aws`). Credentials come from where AWS's SDKs look for them.

Each call is made once, in a thread, within a few seconds: whether it is repeated is decided by whoever asked.
"""

import asyncio
import base64
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from connector.vault.envelope import Unsealable
from connector.vault.keys import unavailable
from connector.vault.secret import Secret

# Unverified, recalled from https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html: what a ciphertext answers that is
# damaged, of another key or of another context.
_DAMAGED = {"InvalidCiphertextException", "IncorrectKeyException"}
_TIMES = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})


class AwsKey:
    """A symmetric key, named by its ARN."""

    def __init__(self, arn: str, _credential: Secret) -> None:
        self._arn = arn

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key; raises as `Key.wrap`."""
        answer = await self._ask("encrypt", Plaintext=data_key, EncryptionContext=_context(aad))
        return bytes(answer["CiphertextBlob"])

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key; raises as `Key.unwrap`."""
        answer = await self._ask("decrypt", CiphertextBlob=wrapped, EncryptionContext=_context(aad))
        return bytes(answer["Plaintext"])

    @cached_property
    def _client(self) -> Any:
        region = self._arn.split(":")[3]
        return boto3.session.Session().client("kms", region_name=region, config=_TIMES)

    async def _ask(self, verb: str, **words: Any) -> Any:
        try:
            return await asyncio.to_thread(lambda: getattr(self._client, verb)(KeyId=self._arn, **words))
        except ClientError as refusal:
            code = refusal.response.get("Error", {}).get("Code", "")
            if code in _DAMAGED:
                raise Unsealable("the stored token cannot be opened") from None
            raise unavailable(
                f"AWS KMS refuses the vault's key ({code}): operators look at its policy and state"
            ) from None
        except BotoCoreError as problem:
            raise unavailable(f"AWS KMS cannot be asked ({type(problem).__name__})") from None


def _context(aad: bytes) -> dict[str, str]:
    return {"facebook-connector": base64.b64encode(aad).decode()}
