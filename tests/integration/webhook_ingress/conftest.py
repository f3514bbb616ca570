"""The ingress, really serving in this process, and Meta's way of signing."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO

import aiohttp
import pytest

from connector.runtime import Runtime
from tests.integration.conftest import APP_SECRET
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving

Post = Callable[..., Awaitable[int]]


def sign(body: bytes, *, secret: str = APP_SECRET, algorithm: str = "sha256") -> str:
    """Sign a body as Meta does."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def digest(body: bytes) -> bytes:
    """Name a body."""
    return hashlib.sha256(body).digest()


@pytest.fixture
async def ingress(runtime: Runtime) -> AsyncIterator[str]:
    """Where the ingress of this test answers."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def post(ingress: str) -> AsyncIterator[Post]:
    """Post a delivery, signed unless told otherwise; tells the status."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:

        async def post(body: bytes, *headers: tuple[str, str], signature: str | None = None) -> int:
            given = headers or (("X-Hub-Signature-256", sign(body) if signature is None else signature),)
            sent = [("Content-Type", "application/json"), *given]
            async with http.post(f"{ingress}/webhooks/facebook", data=BytesIO(body), headers=sent) as response:
                await response.read()
                return response.status

        yield post
