"""Posts one event: to public addresses only, once, without following anybody anywhere.

The name is resolved once per connection, every address it has must be public, and one of them is what is connected to. What a receiver
says beyond its status is not read.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from connector import links
from connector.pushes.model import ADDRESS_NOT_PUBLIC, BROKEN_OFF, CONNECTION_FAILED, TIMED_OUT, Answer
from connector.runtime import Now

ANSWER_TIME = timedelta(seconds=10)
_CONNECT_SECONDS = 5
_LARGEST_HEADERS = 16_384

Resolve = Callable[[str, int], Awaitable[list[str]]]


class NotPublicError(OSError):
    """A name leads to an address that is not public."""


async def resolve_name(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class _Guard(AbstractResolver):
    """Resolves names, and refuses those that lead anywhere but to the public."""

    def __init__(self, resolve: Resolve, *, private: bool) -> None:
        self._resolve, self._private = resolve, private

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 – aiohttp's; both kinds are wanted
    ) -> list[ResolveResult]:
        """Tell every address of a name; raises when one of them is not public."""
        addresses = await self._resolve(host, port)
        if not self._private and not all(map(links.is_public, addresses)):
            raise NotPublicError(f"{host} has an address that is not public")
        return [self._result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing is kept open."""

    @staticmethod
    def _result(host: str, port: int, address: str) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


@dataclass(slots=True)
class Post:
    """Posts one document after the other."""

    _http: aiohttp.ClientSession
    _now: Now
    _: KW_ONLY
    private: bool

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a document once, and judge the answer."""
        if not allowed(url, private=self.private):
            return ADDRESS_NOT_PUBLIC
        try:
            async with self._http.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return Answer.of_status(response.status, response.headers.get("Retry-After", ""), now=self._now())
        except aiohttp.ConnectionTimeoutError:
            return CONNECTION_FAILED
        except TimeoutError:
            return TIMED_OUT
        except aiohttp.ClientConnectorError as error:
            return ADDRESS_NOT_PUBLIC if isinstance(error.os_error, NotPublicError) else CONNECTION_FAILED
        except (aiohttp.ClientError, OSError, ValueError):  # the last: an address that only looks like one
            return BROKEN_OFF


@asynccontextmanager
async def open_post(
    *, private: bool, now: Now, resolve: Resolve = resolve_name, answer_time: timedelta = ANSWER_TIME
) -> AsyncIterator[Post]:
    """Open what posts; `private` allows http and addresses of this machine and its network, for development."""
    connector = aiohttp.TCPConnector(resolver=_Guard(resolve, private=private), use_dns_cache=False, limit=32)
    timeout = aiohttp.ClientTimeout(total=answer_time.total_seconds(), connect=_CONNECT_SECONDS)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        max_field_size=_LARGEST_HEADERS,
    ) as http:
        yield Post(http, now, private=private)


def allowed(url: str, *, private: bool) -> bool:
    """Tell whether an address may be posted to, as far as it can be told without asking for its name."""
    if private and url.startswith("http://"):
        return True
    try:
        return url.startswith("https://") and (private or links.absolute(url) == url)
    except ValueError:
        return False
