"""Sends a signed delivery to our own public address and sees how far it comes: name, certificate, proxy, ingress, store, workers.

It takes the way of Meta's webhooks to the last step, under an object that Meta does not have and a number that only we know. One
journey serves all connections of an environment, and nobody waits for it longer than `PATIENCE`.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from connector.connections import actions as connections
from connector.db import self_tests
from connector.db.self_tests import Sent
from connector.doctor.actions.asking import SHARED_FOR
from connector.doctor.model.values import Arrival, Journey
from connector.graph.signatures import sign_webhook
from connector.runtime import Runtime
from connector.values import Environment
from connector.webhooks.model import write_self_test

PATIENCE = timedelta(seconds=15)
"""How long a delivery may be on its way and in the queue, while nobody waits."""
PATIENCE_OF_PEOPLE = timedelta(seconds=8)
_LOOKED_AT_EVERY = timedelta(seconds=1)
_ANSWER_SECONDS = 5.0
_ANSWERS = {200: Arrival.ANSWERED, 403: Arrival.REFUSED, 503: Arrival.NOT_STORED}


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that is not worked off yet; look again at `until`."""

    until: datetime


async def begin(runtime: Runtime, environment: Environment) -> None:
    """Send a delivery to ourselves, unless one was sent a moment ago (by whoever is still alive)."""
    now, nonce = runtime.now(), runtime.new_id()
    async with runtime.db.begin() as tx:
        sent = await self_tests.latest(tx, environment, after=now - SHARED_FOR)
        if sent and (sent.answer or sent.send_time > now - PATIENCE):
            return
        await self_tests.begin(tx, environment, nonce, at=now)
    body = write_self_test(environment, nonce, at=now)
    answer, detail = await _post(runtime, body, sign_webhook(body, runtime.app(environment).secrets[0]))
    async with runtime.db.begin() as tx:
        await self_tests.note_answer(tx, nonce, answer, detail)


async def arrive(runtime: Runtime, environment: Environment) -> Journey | Pending:
    """Tell how far the last delivery came, sending one if there is none."""
    await begin(runtime, environment)
    now = runtime.now()
    async with runtime.db.begin() as tx:
        sent = await self_tests.latest(tx, environment, after=now - 2 * SHARED_FOR)
    if sent is None:
        return Pending(now + PATIENCE)
    return _journey(sent) if _settled(sent) or sent.send_time + PATIENCE <= now else Pending(sent.send_time + PATIENCE)


async def wait(runtime: Runtime, environment: Environment, *, patience: timedelta = PATIENCE_OF_PEOPLE) -> Journey:
    """Wait for the last delivery, sending one if there is none; one that may still arrive has not failed."""
    await begin(runtime, environment)
    async with runtime.db.begin() as tx:
        sent = await self_tests.latest(tx, environment, after=runtime.now() - 2 * SHARED_FOR)
    if sent is None:
        return Journey(Arrival.UNDER_WAY, {})
    with suppress(TimeoutError):
        async with asyncio.timeout(patience.total_seconds()):
            while not _settled(sent):
                ear = runtime.bell.ear(self_tests.CHANNEL, str(sent.nonce))
                sent = await _look_again(runtime, sent)
                if not _settled(sent):
                    await runtime.bell.wait(ear, _LOOKED_AT_EVERY)
    sent = await _look_again(runtime, sent)
    late = _settled(sent) or sent.send_time + PATIENCE <= runtime.now()
    return _journey(sent) if late else Journey(Arrival.UNDER_WAY, {})


async def _look_again(runtime: Runtime, sent: Sent) -> Sent:
    async with runtime.db.begin() as tx:
        return await self_tests.read(tx, sent.nonce)


async def _post(runtime: Runtime, body: bytes, signature: str) -> tuple[Arrival, str]:
    """Post the delivery; tells what came of it and the status or kind of error, never words of whoever answered."""
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    try:
        async with runtime.graph.http.post(
            connections.callback_url(runtime), data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return _ANSWERS.get(response.status, Arrival.MISROUTED), str(response.status)
    except aiohttp.ClientSSLError as problem:
        return Arrival.UNTRUSTED, type(problem).__name__
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        return Arrival.UNREACHABLE, type(problem).__name__


def _settled(sent: Sent) -> bool:
    return sent.hear_time is not None or sent.answer not in {"", Arrival.ANSWERED}


def _journey(sent: Sent) -> Journey:
    took = sent.hear_time and {
        "milliseconds": str(round((sent.hear_time - sent.send_time) / timedelta(milliseconds=1)))
    }
    arrival = Arrival.HEARD if sent.hear_time else Arrival(sent.answer or Arrival.UNREACHABLE)
    return Journey(arrival, {"answer": sent.detail} | (took or {}))
