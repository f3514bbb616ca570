"""Sends one Graph call once. The only file that does HTTP to Meta.

One host, no redirects, a deadline for the whole call, at most 32 MiB of answer; the token travels in a header, `appsecret_proof` with
every call. It never retries: what comes next is decided by whoever asked.
"""

import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import orjson

from connector import deadline, log, metrics, tracing
from connector.errors import ConnectorError, OutcomeUnknown, Throttled, Unavailable
from connector.graph.call import Call, Effect
from connector.graph.decipher import Answer, decipher
from connector.graph.signatures import appsecret_proof
from connector.graph.usage import Usage, by_bucket
from connector.vault import Secret

T = TypeVar("T")

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
_CONNECT_SECONDS = 3.0
_MARGIN = timedelta(milliseconds=100)
_HURRIED = "DEADLINE_TOO_SHORT"


@dataclass(frozen=True, slots=True)
class Access:
    """On whose behalf a call is made: a token, and secret and id of the app it belongs to."""

    token: Secret
    app_secret: Secret
    app_id: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What one call taught: whether Meta failed, the gauges of buckets, and which one Meta refused calls of until when.

    `served` is the version Meta answered with, empty when it did not say; `asked` the one our app speaks.
    """

    bucket: str
    failed: bool
    usages: Mapping[str, Usage]
    pause: tuple[str, datetime] | None
    app_id: str = ""
    asked: str = ""
    served: str = ""


Listen = Callable[[Heard], Awaitable[None]]


async def unheard(_heard: Heard) -> None:
    """Listen to nothing."""


def app_bucket(app_id: str) -> str:
    """Name the rate limit of a whole app."""
    return f"app:{app_id}"


@dataclass(slots=True)
class GraphClient:
    """The way to Meta. `versions` are those of apps that do not speak `version`."""

    base_url: str
    version: str
    http: aiohttp.ClientSession
    now: Callable[[], datetime]
    listen: Listen
    versions: Mapping[str, str] = field(default_factory=dict)

    async def send(self, call: Call[T], access: Access | None) -> T:
        """Send the call once and read its answer; `access` is None only for calls that carry their own credentials.

        Raises:
            MetaRefused, FailedPrecondition: Meta understood and refuses.
            Throttled: Meta wants a pause of `call.bucket`.
            Unavailable: it did not happen, or may be repeated; DEADLINE_TOO_SHORT when the caller's deadline was in the way.
            OutcomeUnknown: a call that must not run twice may have happened.

        """
        begin, outcome, trace_id = time.perf_counter(), "OK", ""
        try:
            with tracing.span(f"graph {call.method}", path=call.path):
                return await self._send(call, access)
        except ConnectorError as error:
            outcome, trace_id = error.reason, error.metadata.get("fbtrace_id", "")
            raise
        finally:
            seconds = time.perf_counter() - begin
            family = call.bucket.partition(":")[0]
            metrics.graph_calls.labels(family, call.method, outcome).observe(seconds)
            log.canonical(
                "graph.called",
                method=call.method,
                path=call.path,
                outcome=outcome,
                fbtrace_id=trace_id,
                duration_ms=round(seconds * 1000, 1),
            )

    async def _send(self, call: Call[T], access: Access | None) -> T:
        """Send the call, and let whoever listens know what it taught before its result is used."""
        app_id = access.app_id if access else call.params.get("client_id", "")
        app, version = app_bucket(app_id), self.versions.get(app_id, self.version)
        bucket = app if call.bucket == "app" else call.bucket
        heard = Heard(bucket, failed=False, usages={}, pause=None, app_id=app_id, asked=version)
        try:
            answer = await self._exchange(call, access, version)
            usages = by_bucket(answer.headers, bucket=bucket, app_bucket=app)
            # https://developers.facebook.com/docs/graph-api/guides/versioning (read 2026-11-21): every answer carries it.
            served = answer.headers.get("facebook-api-version", "") if call.versioned else ""
            heard = replace(heard, usages=usages, served=served)
            result = decipher(call, answer, now=self.now())
        except ConnectorError as error:
            if error.reason == _HURRIED:  # that tells nothing of Meta
                raise
            failed, pause = isinstance(error, Unavailable | OutcomeUnknown), None
            if isinstance(error, Throttled):
                pause = app if error.bucket == "app" else error.bucket, error.until
            await self.listen(replace(heard, failed=failed, pause=pause))
            raise
        await self.listen(heard)
        return result

    async def _exchange(self, call: Call[Any], access: Access | None, version: str) -> Answer:
        params, headers = dict(call.params), {"Accept": "application/json"}
        if access:
            params["appsecret_proof"] = appsecret_proof(access.token, access.app_secret)
            headers["Authorization"] = f"Bearer {access.token.reveal()}"
        body = _written(call)
        if isinstance(body, io.BytesIO):
            headers["Content-Type"] = "application/json"
        url = f"{self.base_url}/{version}/{call.path}" if call.versioned else f"{self.base_url}/{call.path}"
        patience = _patience(call)
        timeout = aiohttp.ClientTimeout(total=patience.total_seconds(), sock_connect=_CONNECT_SECONDS)
        try:
            request = self.http.request(
                call.method, url, params=params, headers=headers, data=body, timeout=timeout, allow_redirects=False
            )
            async with request as response:
                return Answer(response.status, response.headers, await _bounded(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable("META_UNAVAILABLE", "Meta cannot be reached; work resumes by itself") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _lost(call, hurried=isinstance(error, TimeoutError) and patience < call.timeout) from error


def _written(call: Call[Any]) -> io.BytesIO | aiohttp.FormData | None:
    """Write the body: JSON, or with a file a form whose other fields are JSON each."""
    if call.file is None:
        # As a stream, which aiohttp writes in pieces: a batch of many megabytes in one piece would hold up the event loop.
        return None if call.body is None else io.BytesIO(orjson.dumps(call.body))
    form = aiohttp.FormData()
    for name, value in (call.body or {}).items():
        form.add_field(name, orjson.dumps(value).decode())
    one = call.file
    form.add_field(one.part, io.BytesIO(one.content), filename=one.name, content_type=one.content_type)
    return form


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("the answer is larger than any answer of Meta")
    return bytes(body)


def _patience(call: Call[Any]) -> timedelta:
    """Tell how long to wait for Meta: never longer than whoever waits for us, less the time to answer them."""
    left = deadline.left(margin=_MARGIN)
    if left is None:
        return call.timeout
    if left <= timedelta():
        raise Unavailable(_HURRIED, "The call's deadline leaves no time to ask Meta: repeat it with a longer one")
    return min(call.timeout, left)


def _lost(call: Call[Any], *, hurried: bool) -> ConnectorError:
    if call.effect is Effect.ONCE:
        return OutcomeUnknown(
            "META_OUTCOME_UNKNOWN", "Meta's answer was lost after the request left; it is settled in the background"
        )
    if hurried:
        return Unavailable(_HURRIED, "Meta did not answer within the call's deadline: repeat it with a longer one")
    return Unavailable("META_UNAVAILABLE", "Meta did not answer in time; work resumes by itself")


@asynccontextmanager
async def open_graph(
    base_url: str,
    version: str,
    *,
    now: Callable[[], datetime],
    listen: Listen = unheard,
    versions: Mapping[str, str] | None = None,
) -> AsyncIterator[GraphClient]:
    """Open a connection pool to the one host that `base_url` names."""
    connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=15)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
    ) as http:
        yield GraphClient(base_url, version, http, now, listen, versions or {})
