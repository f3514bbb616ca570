"""Meta's signatures: webhooks and signed requests in, proofs out. All HMAC-SHA256 with the app secret.

Works on the bytes received, compares in constant time, and answers False or None to whatever it cannot read: it never raises.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from connector.vault import Secret


def appsecret_proof(token: Secret, app_secret: Secret) -> str:
    """Prove that we hold the app secret of a token.

    Source: https://developers.facebook.com/docs/graph-api/guides/secure-requests (read 2026-11-21).
    """
    return hmac.new(app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest()


def sign_webhook(body: bytes, secret: Secret) -> str:
    """Write the header `X-Hub-Signature-256` that Meta would send with these bytes; for our self-test."""
    return f"sha256={hmac.digest(secret.reveal().encode(), body, 'sha256').hex()}"


def verify_webhook(body: bytes, header: str, secrets: Sequence[Secret], *, scheme: str = "sha256") -> bool:
    """Tell whether `X-Hub-Signature-256: sha256=<hex>` is the signature of exactly these bytes, under any of our secrets.

    Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21). Meta escapes non-ASCII
    before it signs, so only the bytes received will do. Several secrets are active while one is rotated. The older header
    `X-Hub-Signature: sha1=<hex>` is of the same form, with another scheme.
    """
    named, _, given = header.partition("=")
    if named != scheme or len(given) != hashlib.new(scheme).digest_size * 2 or not given.isascii():
        return False
    matches = [
        hmac.compare_digest(hmac.digest(secret.reveal().encode(), body, scheme).hex(), given.lower())
        for secret in secrets
    ]
    return any(matches)


def read_signed_request(text: str, secrets: Sequence[Secret]) -> Mapping[str, Any] | None:
    """Read what a `signed_request` says, when one of our secrets signed it; None for anything else.

    Source: https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback
    (read 2026-11-21). The signature covers the second part as it was received, still encoded. Only HMAC-SHA256 is taken.
    """
    signature, dot, said = text.partition(".")
    given, payload = _unpack(signature), _unpack(said)
    if not dot or given is None or payload is None:
        return None
    matches = [
        hmac.compare_digest(hmac.digest(secret.reveal().encode(), said.encode(), "sha256"), given) for secret in secrets
    ]
    if not any(matches):
        return None
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    pinned = isinstance(document, dict) and document.get("algorithm") == "HMAC-SHA256"
    return document if pinned else None


def _unpack(part: str) -> bytes | None:
    """Read base64url, with its padding or without; None when it is none."""
    if not part or len(part) > _LONGEST_PART:
        return None
    try:
        bare = part.rstrip("=").encode("ascii")
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


_LONGEST_PART = 16 * 1024
