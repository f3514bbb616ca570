"""Meta's three signatures: webhooks in, signed requests in, proofs out. All HMAC-SHA256 with the app secret.

Works on the bytes received, compares in constant time, and answers False or None to whatever it cannot read: it never raises.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connector.vault import Secret


def appsecret_proof(token: Secret, app_secret: Secret) -> str:
    """Prove that we hold the app secret of a token.

    Source: https://developers.facebook.com/docs/graph-api/guides/secure-requests (read 2026-11-21).
    """
    return hmac.new(app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest()


def verify_webhook(body: bytes, header: str, secrets: Sequence[Secret]) -> bool:
    """Tell whether `X-Hub-Signature-256: sha256=<hex>` is the signature of exactly these bytes, under any of our secrets.

    Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21). Meta escapes non-ASCII
    before it signs, so only the bytes received will do. Several secrets are active while one is rotated.
    """
    scheme, _, given = header.partition("=")
    if scheme != "sha256" or len(given) != hashlib.sha256().digest_size * 2 or not given.isascii():
        return False
    matches = [
        hmac.compare_digest(hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest(), given.lower())
        for secret in secrets
    ]
    return any(matches)


def read_signed_request(signed: str, secrets: Sequence[Secret]) -> Mapping[str, Any] | None:
    """Read a `signed_request` of the deauthorize and data-deletion callbacks; None when it is not from Meta.

    The signature covers the second part as received, still encoded; any other algorithm than HMAC-SHA256 is refused.
    Source: https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback (read 2026-11-21).
    """
    signature, _, payload = signed.partition(".")
    given, content = _decode(signature), _decode(payload)
    if given is None or content is None:
        return None
    expected = [hmac.new(secret.reveal().encode(), payload.encode(), hashlib.sha256).digest() for secret in secrets]
    if not any([hmac.compare_digest(one, given) for one in expected]):  # noqa: C419 – no early exit: constant time
        return None
    try:
        read = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) and read.get("algorithm") == "HMAC-SHA256" else None


def _decode(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return None
