"""A delivery to ourselves takes the way of Meta's to the last step, and tells where that way is broken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import select, text

from connector.db import self_tests
from connector.doctor import actions
from connector.doctor.actions import journeys
from connector.doctor.model.causes import CAUSES
from connector.doctor.model.values import Arrival, Kind
from connector.graph.signatures import sign_webhook
from connector.runtime import Runtime
from connector.values import Environment
from connector.vault import Secret
from connector.webhooks.model import write_self_test
from tests.integration.conftest import APP_SECRET, STORE
from tests.integration.doctor.patient import Patient, shown


async def test_a_delivery_of_ours_is_heard(patient: Patient) -> None:
    """It goes through ingress, store and worker; nothing of it looks as if Meta had told something."""
    async with patient.runtime.db.begin() as tx:
        before = (await tx.execute(text("SELECT name, time FROM observations WHERE name LIKE 'last_receive:%'"))).all()
    check = (await patient.run("WEBHOOK"))["WEBHOOK"]
    assert ("OK", "WEBHOOK_HEARD", "200") == (*shown(check), check.evidence["answer"])
    async with patient.runtime.db.begin() as tx:
        after = (await tx.execute(text("SELECT name, time FROM observations WHERE name LIKE 'last_receive:%'"))).all()
        kept = await tx.scalar(text("SELECT count(*) FROM signals"))
    assert (before, 0) == (after, kept)


@asynccontextmanager
async def elsewhere(runtime: Runtime, status: int) -> AsyncIterator[Runtime]:
    """The runtime, with somebody else's server at its public address."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "https://else.example/"} if status == 302 else {})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield replace(runtime, public_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


async def cause_of(runtime: Runtime) -> str:
    """Look at the webhook alone; tells the cause."""
    (cause,) = [report.cause async for _, report in actions.run(runtime, STORE, "", kinds=[Kind.WEBHOOK])]
    return cause


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (403, "WEBHOOK_REFUSED"),
        (404, "WEBHOOK_MISROUTED"),
        (302, "WEBHOOK_MISROUTED"),
        (502, "WEBHOOK_MISROUTED"),
        (503, "WEBHOOK_NOT_STORED"),
    ],
)
async def test_whoever_answers_instead_is_noticed(patient: Patient, status: int, cause: str) -> None:
    """A proxy, another service, an ingress with another secret or without its database: each has its cause, StormCom's to mend."""
    async with elsewhere(patient.runtime, status) as runtime:
        assert cause == await cause_of(runtime)
    assert "STORMCOM" == CAUSES[cause].owner


async def test_an_address_that_nobody_listens_at(patient: Patient) -> None:
    """A public address that cannot be reached is told, without a word of ours to whoever is there."""
    assert "WEBHOOK_UNREACHABLE" == await cause_of(replace(patient.runtime, public_url="http://127.0.0.1:9"))


async def test_a_plain_server_has_no_certificate(patient: Patient) -> None:
    """Where TLS is promised and not spoken, the certificate is what is missing."""
    async with elsewhere(patient.runtime, 200) as runtime:
        public_url = runtime.public_url.replace("http:", "https:")
        assert "WEBHOOK_UNTRUSTED" == await cause_of(replace(runtime, public_url=public_url))


@pytest.mark.parametrize(("seconds", "arrival"), [(14, Arrival.UNDER_WAY), (15, Arrival.ANSWERED)])
async def test_a_delivery_that_may_still_arrive_has_not_failed(
    patient: Patient, seconds: int, arrival: Arrival
) -> None:
    """Whoever does not want to wait longer is told that it is under way, until it is late."""
    async with elsewhere(patient.runtime, 200) as runtime:
        await journeys.begin(runtime, Environment.TEST)  # answered, and nobody there to work it off
        patient.clock.advance(seconds=seconds)
        assert arrival is (await journeys.wait(runtime, Environment.TEST, patience=timedelta())).arrival


async def test_deliveries_that_nobody_works_off_are_noticed(patient: Patient) -> None:
    """What is stored but not worked off within a quarter of a minute fails, and StormCom's operators are told who is missing."""
    async with elsewhere(patient.runtime, 200) as runtime:
        patient.runtime = runtime
        await patient.examine_as(runtime)
        assert ("FAILED", "WEBHOOK_NOT_PROCESSED") == shown((await patient.listed())["WEBHOOK"])


async def _post(patient: Patient, body: bytes, secret: str = APP_SECRET) -> int:
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign_webhook(body, Secret(secret))}
    url = f"{patient.runtime.public_url}/webhooks/facebook"
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as response:
        return response.status


async def test_a_number_that_nobody_waits_for_is_nothing(patient: Patient) -> None:
    """A self-test with a number of somebody's, one of another environment, or one that is too old, proves nothing and leaves nothing."""
    now, nonce = patient.runtime.now(), uuid4()
    async with patient.runtime.db.begin() as tx:
        await self_tests.begin(tx, Environment.PRODUCTION, nonce, at=now)
    for one in (uuid4(), nonce):
        assert 200 == await _post(patient, write_self_test(Environment.TEST, one, at=now))
    await patient.turn()
    async with patient.runtime.db.begin() as tx:
        assert [None] == (await tx.execute(select(self_tests.self_tests.c.hear_time))).scalars().all()
        assert 0 == await tx.scalar(text("SELECT count(*) FROM signals"))


async def test_an_old_delivery_told_again_is_not_heard(patient: Patient) -> None:
    """After ten minutes nobody waits for a number any more."""
    now, nonce = patient.runtime.now(), uuid4()
    async with patient.runtime.db.begin() as tx:
        await self_tests.begin(tx, Environment.TEST, nonce, at=now)
    patient.clock.advance(minutes=11)
    await _post(patient, write_self_test(Environment.TEST, nonce, at=now))
    await patient.turn()
    async with patient.runtime.db.begin() as tx:
        assert [None] == (await tx.execute(select(self_tests.self_tests.c.hear_time))).scalars().all()


async def test_a_forged_delivery_is_refused(patient: Patient) -> None:
    """Only who knows an app secret can send a self-test at all."""
    assert 403 == await _post(patient, write_self_test(Environment.TEST, uuid4(), at=patient.runtime.now()), "guessed")


async def test_one_delivery_serves_all_connections(patient: Patient) -> None:
    """Looks that come close together share one delivery: two at once, or a person's beside the hourly one."""
    await patient.examine()
    await patient.run("WEBHOOK")
    async with patient.working():
        await asyncio.gather(cause_of(patient.runtime), cause_of(patient.runtime))
    async with patient.runtime.db.begin() as tx:
        assert 1 == len((await tx.execute(select(self_tests.self_tests.c.nonce))).all())
