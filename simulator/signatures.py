"""Meta's signatures and Meta's way of writing JSON: what gets signed is the escaped text.

appsecret_proof · X-Hub-Signature(-256) · signed_request · escape
"""

import base64
import hashlib
import hmac
import json
from typing import Any

# https://developers.facebook.com/docs/messenger-platform/webhooks (read 2026-11-21): older texts also list these.
LEGACY_ESCAPES = {"<": "\\u003C", "%": "\\u0025", "@": "\\u0040"}


def appsecret_proof(secret: str, token: str, time: str = "") -> str:
    """Return the proof that the sender of a token also knows the app secret."""
    # https://developers.facebook.com/docs/graph-api/guides/secure-requests (read 2026-11-21); the time form: Unverified.
    message = f"{token}|{time}" if time else token
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def sign_body(secret: str, body: bytes, *, algorithm: str = "sha256") -> str:
    """Return the value of the X-Hub-Signature header of that algorithm."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def escape(document: Any, *, legacy: bool = False) -> bytes:
    r"""Write JSON as Meta does: non-ASCII as lower-case `\uXXXX`, and `/` as `\/`."""
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started (secondary: the escaping note)
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/")
    if legacy:
        for character, escaped in LEGACY_ESCAPES.items():
            text = text.replace(character, escaped)
    return text.encode("ascii")


def signed_request(secret: str, payload: dict[str, Any]) -> str:
    """Return `signature.payload`, both base64url without padding, as the deauthorize and deletion callbacks carry it."""
    encoded = _base64url(json.dumps({"algorithm": "HMAC-SHA256"} | payload, separators=(",", ":")).encode())
    return f"{_base64url(hmac.new(secret.encode(), encoded.encode(), hashlib.sha256).digest())}.{encoded}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
