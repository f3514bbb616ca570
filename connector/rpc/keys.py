"""The keys that verify callers' tokens: given once, or fetched from a URL where they may change at any time.

Only asymmetric keys count: whoever can verify must not be able to sign. A URL is read without redirects, up to a size, every
so often and when a token names a key we do not know; when it fails, the last good keys stay.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import aiohttp
import jwt

from connector import log, metrics
from connector.runtime import Now
from connector.settings import Settings, SettingsError

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"})
SOONEST = timedelta(seconds=10)
"""A token with an unknown key has the URL read again, but not more often than this."""

_LONGEST = timedelta(seconds=3)
_LARGEST_BYTES, _MOST_KEYS = 256 * 1024, 100

Ring = Mapping[str, jwt.PyJWK]


class Keys:
    """The keys as they are now. `generation` counts their changes: what was verified before one must be verified again."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self.generation = 0

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """Find a key by its id."""
        return self._ring.get(kid)


class FetchedKeys(Keys):
    """The keys behind a URL."""

    def __init__(self, http: aiohttp.ClientSession, url: str, now: Now) -> None:
        super().__init__({})
        self._http, self._url, self._now = http, url, now
        self._asked: datetime | None = None
        self._said = b""
        self._alone = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """Find a key by its id; an unknown one may be new."""
        if kid and kid not in self._ring:
            async with self._alone:
                if kid not in self._ring and (self._asked is None or self._now() - self._asked >= SOONEST):
                    await self._refresh()
        return self._ring.get(kid)

    async def refresh(self) -> bool:
        """Fetch the keys; tells whether that went well."""
        async with self._alone:
            return await self._refresh()

    async def _refresh(self) -> bool:
        self._asked = self._now()
        try:
            said = await self._fetch()
            ring = read_usable(said)
        except (
            aiohttp.ClientError,
            TimeoutError,
            OSError,
            ValueError,
            RecursionError,
        ) as error:  # the last: of JSON in JSON
            metrics.key_sets.labels("failed").inc()
            log.warn("keys.failed", cause=type(error).__name__, kept=len(self._ring))
            return False
        metrics.key_sets.labels("fetched").inc()
        if said != self._said:
            self._said, self._ring = said, ring
            self.generation += 1
            log.canonical("keys.changed", kids=sorted(ring))
        return True

    async def _fetch(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=_LONGEST.total_seconds())
        async with self._http.get(self._url, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(response.status)
            said = bytearray()
            async for chunk in response.content.iter_any():
                said += chunk
                if len(said) > _LARGEST_BYTES:
                    raise ValueError(len(said))
        return bytes(said)


@asynccontextmanager
async def open_keys(settings: Settings, now: Now) -> AsyncIterator[Keys]:
    """Provide the keys of the settings, followed while they are in use.

    Raises:
        SettingsError: there are none that could be used.

    """
    if not settings.caller_jwks_url:
        yield Keys(read_given(settings.caller_jwks))
        return
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        keys = FetchedKeys(http, settings.caller_jwks_url, now)
        if not await keys.refresh():
            raise SettingsError("CALLER_JWKS_URL: no usable keys can be fetched from there; no caller could be let in")
        following = asyncio.create_task(_follow(keys, settings.caller_jwks_period), name="keys")
        try:
            yield keys
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


async def _follow(keys: FetchedKeys, period: timedelta) -> None:
    while True:
        await asyncio.sleep(period.total_seconds())
        await keys.refresh()


def read_given(jwks: str) -> Ring:
    """Read a key set of ours, in which every key must be usable; an empty text has none.

    Raises:
        SettingsError: one is not.

    """
    try:
        return dict(_read(entry) for entry in (json.loads(jwks)["keys"] if jwks else ()))
    except ValueError:
        known = ", ".join(sorted(ALGORITHMS))
        raise SettingsError(f"CALLER_JWKS: every key needs a `kid` and an asymmetric algorithm: {known}") from None


def read_usable(said: bytes) -> Ring:
    """Read a key set of somebody else's, of which only some keys may be for us.

    Raises:
        ValueError: it is none, has too many keys, or none that we can use.

    """
    document = json.loads(said)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise ValueError(entries)
    ring = {}
    for entry in entries:
        with suppress(ValueError):
            kid, key = _read(entry)
            ring[kid] = key
    if not ring:
        raise ValueError(entries)
    return ring


def _read(entry: object) -> tuple[str, jwt.PyJWK]:
    try:
        key = jwt.PyJWK(entry)  # type: ignore[arg-type] # what it cannot read, it refuses
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(entry) from error
    if key.algorithm_name not in ALGORITHMS or not key.key_id:
        raise ValueError(entry)
    return key.key_id, key
