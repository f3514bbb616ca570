"""Key services that speak their vendors' dialects over HTTP, as far as wrapping and unwrapping goes. Keys are made when first named."""

import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "token-of-vault"
Refuse = Callable[[str], web.Response]


class Damaged(Exception):
    """The ciphertext is not this key's, or not with this associated data."""


class KeyService:
    """What all have in common. `denies`: the key is disabled; `calls` counts them."""

    def __init__(self) -> None:
        self.denies = False
        self.calls = 0
        self._keys: dict[str, AESGCM] = {}

    def encrypt(self, name: str, text: bytes, aad: bytes) -> bytes:
        """Encrypt with a key."""
        nonce = os.urandom(12)
        return nonce + self._key(name).encrypt(nonce, text, aad)

    def decrypt(self, name: str, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt with a key; raises Damaged."""
        try:
            return self._key(name).decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, ValueError):
            raise Damaged from None

    def _key(self, name: str) -> AESGCM:
        return self._keys.setdefault(name, AESGCM(AESGCM.generate_key(256)))


@asynccontextmanager
async def serve(
    service: KeyService, answer: Callable[[KeyService, web.Request], Awaitable[web.Response]]
) -> AsyncIterator[str]:
    """Serve a dialect on a free port; tell the URL."""

    async def count(request: web.Request) -> web.Response:
        service.calls += 1
        return await answer(service, request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", count)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


# Unverified, recalled from https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html; boto3 1.44 accepts it
async def aws(service: KeyService, request: web.Request) -> web.Response:
    """AWS KMS: JSON 1.1, the verb in a header."""

    def refuse(kind: str) -> web.Response:
        return web.json_response({"__type": kind, "message": "refused"}, status=400)

    words = await request.json()
    context = words.get("EncryptionContext", {})
    aad = "\n".join(f"{name}={context[name]}" for name in sorted(context)).encode()
    if service.denies:
        return refuse("DisabledException")
    if request.headers["X-Amz-Target"] == "TrentService.Encrypt":
        sealed = service.encrypt(words["KeyId"], _read(words["Plaintext"]), aad)
        return web.json_response({"CiphertextBlob": _written(sealed), "KeyId": words["KeyId"]})
    try:
        text = service.decrypt(words["KeyId"], _read(words["CiphertextBlob"]), aad)
    except Damaged:
        return refuse("InvalidCiphertextException")
    return web.json_response({"Plaintext": _written(text), "KeyId": words["KeyId"]})


# Unverified, recalled from https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys/encrypt; google-cloud-kms 3.18 accepts it
async def gcp(service: KeyService, request: web.Request) -> web.Response:
    """Google Cloud KMS: REST, the verb behind a colon."""

    def refuse(status: int, kind: str) -> web.Response:
        return web.json_response({"error": {"code": status, "message": "refused", "status": kind}}, status=status)

    name, _, verb = request.path.removeprefix("/v1/").rpartition(":")
    words = await request.json()
    aad = _read(words.get("additionalAuthenticatedData", ""))
    if service.denies:
        return refuse(400, "FAILED_PRECONDITION")
    if verb == "encrypt":
        return web.json_response(
            {"name": name, "ciphertext": _written(service.encrypt(name, _read(words["plaintext"]), aad))}
        )
    try:
        text = service.decrypt(name, _read(words["ciphertext"]), aad)
    except Damaged:
        return refuse(400, "INVALID_ARGUMENT")
    return web.json_response({"plaintext": _written(text)})


# Unverified, recalled from https://developer.hashicorp.com/vault/api-docs/secret/transit#encrypt-data; hvac 2.4 accepts it
async def transit(service: KeyService, request: web.Request) -> web.Response:
    """Vault Transit: JSON, verb and key in the path, the token in a header."""

    def refuse(status: int, words: str) -> web.Response:
        return web.json_response({"errors": [words]}, status=status)

    _, _, mount, verb, name = request.path.split("/")
    words: dict[str, Any] = await request.json()
    aad = _read(words.get("associated_data", ""))
    if request.headers.get("X-Vault-Token") != TOKEN:
        return refuse(403, "permission denied")
    if service.denies:
        return refuse(400, "encryption key not found")
    if verb == "encrypt":
        sealed = service.encrypt(f"{mount}/{name}", _read(words["plaintext"]), aad)
        return web.json_response({"data": {"ciphertext": f"vault:v1:{_written(sealed)}", "key_version": 1}})
    try:
        text = service.decrypt(f"{mount}/{name}", _read(words["ciphertext"].removeprefix("vault:v1:")), aad)
    except (Damaged, ValueError):
        return refuse(400, "cipher: message authentication failed")
    return web.json_response({"data": {"plaintext": _written(text)}})


def _read(text: str) -> bytes:
    return base64.b64decode(text)


def _written(value: bytes) -> str:
    return base64.b64encode(value).decode()
