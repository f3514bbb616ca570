"""Meta's signatures: webhooks in, proofs out. Both HMAC-SHA256 with the app secret.

Works on the bytes received, compares in constant time, and answers False to whatever it cannot read: it never raises.
"""

import hashlib
import hmac
from collections.abc import Sequence

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
        hmac.compare_digest(hmac.digest(secret.reveal().encode(), body, "sha256").hex(), given.lower())
        for secret in secrets
    ]
    return any(matches)
