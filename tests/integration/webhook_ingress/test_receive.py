"""Deliveries over real HTTP: what is kept, what is refused, and that 200 means committed."""

import asyncio
import base64
import gzip
import json
import os
import signal
import tarfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import psycopg
import pytest
from sqlalchemy import create_engine, make_url

import stack.postgres
from connector.db.schema import load_tables
from connector.graph.signatures import verify_webhook
from connector.runtime import Runtime, open_runtime
from connector.settings import Settings
from connector.values import Environment
from connector.vault import Secret
from connector.webhooks import actions
from tests.integration.webhook_ingress.conftest import Post, digest, sign
from webhook_ingress.app import LARGEST_BODY_BYTES, create_app
from webhook_ingress.serving import serving

SHARED = Path(__file__).parents[4] / "shared" / "fixtures"
BODY = b'{"object":"page","entry":[]}'
SIGNED = ("X-Hub-Signature-256", sign(BODY))
WRONG = ("X-Hub-Signature-256", sign(BODY, secret="wrong"))
OLD, OLD_WRONG = (
    ("X-Hub-Signature", sign(BODY, algorithm="sha1")),
    ("X-Hub-Signature", sign(BODY, secret="w", algorithm="sha1")),
)


@pytest.fixture
def kept(empty_database: str) -> Callable[[], list[bytes]]:
    """The bodies that are committed, in the order in which they came."""

    def read() -> list[bytes]:
        with psycopg.connect(empty_database) as connection:
            rows = connection.execute("SELECT body, digest FROM deliveries ORDER BY id").fetchall()
        assert all(digest(row[0]) == row[1] for row in rows)
        return [row[0] for row in rows]

    return read


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([SIGNED], 200),
        ([("x-hub-signature-256", SIGNED[1])], 200),
        ([SIGNED, OLD], 200),
        ([SIGNED, OLD_WRONG], 200),
        ([WRONG], 403),
        ([WRONG, OLD], 403),
        ([WRONG, OLD_WRONG], 403),
        ([OLD], 403),
        ([OLD_WRONG], 403),
        ([("X-Nothing", "1")], 403),
        ([SIGNED, SIGNED], 403),
        ([SIGNED, WRONG], 403),
        ([SIGNED, OLD, OLD], 403),
        ([("X-Hub-Signature-256", "")], 403),
        ([("X-Hub-Signature-256", "sha256=")], 403),
        ([("X-Hub-Signature-256", SIGNED[1].removeprefix("sha256="))], 403),
        ([("X-Hub-Signature-256", SIGNED[1].replace("sha256", "sha1"))], 403),
        ([("X-Hub-Signature-256", SIGNED[1][:-1])], 403),
        ([("X-Hub-Signature-256", "sha256=" + "é" * 64)], 403),
        ([("X-Hub-Signature-256", "sha256=" + "٣" * 64)], 403),
        ([SIGNED, ("Content-Encoding", "gzip")], 415),
        ([SIGNED, ("Content-Encoding", "identity")], 200),
    ],
)
async def test_only_what_meta_signed_is_kept(
    post: Post, kept: Callable[[], list[bytes]], headers: list[tuple[str, str]], expected: int
) -> None:
    """One SHA-256 signature of exactly these bytes opens the door; nothing else does, and nothing else is stored."""
    assert expected == await post(BODY, *headers)
    assert ([BODY] if expected == 200 else []) == kept()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([OLD], 200),
        ([OLD_WRONG], 403),
        ([SIGNED], 200),
        ([SIGNED, OLD], 200),
        ([SIGNED, OLD_WRONG], 200),
        ([WRONG], 403),
        ([WRONG, OLD], 403),
        ([WRONG, OLD_WRONG], 403),
        ([("X-Nothing", "1")], 403),
        ([OLD, OLD], 403),
        ([("X-Hub-Signature-256", ""), OLD], 403),
        ([("X-Hub-Signature-256", OLD[1])], 403),
        ([("X-Hub-Signature", SIGNED[1])], 403),
    ],
)
async def test_the_older_signature_counts_where_it_is_allowed(
    runtime: Runtime, headers: list[tuple[str, str]], expected: int
) -> None:
    """An app that is set to allow it takes a SHA-1 signature, but only where no SHA-256 header stands, right or wrong."""
    apps = {name: replace(app, sha1_allowed=True) for name, app in runtime.apps.items()}
    async with (
        serving(create_app(replace(runtime, apps=apps)), "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as http,
    ):
        sent = [("Content-Type", "application/json"), *headers]
        async with http.post(f"http://127.0.0.1:{port}/webhooks/facebook", data=BODY, headers=sent) as response:
            assert expected == response.status


async def test_every_flipped_bit_is_refused(post: Post, kept: Callable[[], list[bytes]]) -> None:
    """No body and no signature that differs in one bit from what Meta sent is accepted."""
    signature = sign(BODY)
    flipped = [
        bytes([*BODY[:at], BODY[at] ^ 1 << bit, *BODY[at + 1 :]]) for at in range(len(BODY)) for bit in (0, 3, 7)
    ]
    statuses = {await post(body, signature=signature) for body in flipped}
    for at in range(7, len(signature)):
        other = "0" if signature[at] != "0" else "1"
        statuses.add(await post(BODY, signature=signature[:at] + other + signature[at + 1 :]))
    assert ({403}, []) == (statuses, kept())


async def test_any_active_secret_verifies(settings: Settings, kept: Callable[[], list[bytes]]) -> None:
    """While a secret is rotated, deliveries signed with the old one and the new one are kept, for the app they belong to."""
    test = settings.apps[Environment.TEST]
    apps = {
        Environment.TEST: replace(test, secrets=(Secret("new"), *test.secrets)),
        Environment.PRODUCTION: replace(test, environment=Environment.PRODUCTION, secrets=(Secret("live"),)),
    }
    signatures = [sign(BODY, secret="new"), sign(BODY), sign(BODY, secret="live"), sign(BODY, secret="none")]
    found = [actions.sign_of(apps, BODY, signature) for signature in signatures]
    assert [Environment.TEST, Environment.TEST, Environment.PRODUCTION, None] == found


@pytest.mark.skipif(not SHARED.exists(), reason="the shared fixtures are not here")
async def test_published_signatures_verify() -> None:
    """Bodies escaped and signed as Meta does are recognised by their bytes."""
    for vector in json.loads((SHARED / "signatures" / "derived_escaped_unicode.json").read_text()):
        body = base64.b64decode(vector["body_b64"])
        assert verify_webhook(body, vector["X-Hub-Signature-256"], [Secret(vector["secret"])])


async def test_a_signed_gzip_body_is_refused(post: Post, kept: Callable[[], list[bytes]]) -> None:
    """A signature covers the bytes on the wire; nothing is decompressed before it is checked, or after."""
    body = gzip.compress(BODY)
    assert 415 == await post(body, ("X-Hub-Signature-256", sign(body)), ("Content-Encoding", "gzip"))
    assert 200 == await post(body, ("X-Hub-Signature-256", sign(body)))
    assert [body] == kept()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        b'{"t":"\\u0000\\ud83d"}',
        b"\r\n",
    ],
    ids=["empty", "not UTF-8", "brackets", "huge number", "BOM", "poison", "CRLF"],
)
async def test_what_is_signed_is_kept_byte_for_byte(post: Post, kept: Callable[[], list[bytes]], body: bytes) -> None:
    """A genuine delivery that nobody can read is kept exactly as it came, and answered with 200: sending it again cannot help."""
    assert (200, [body]) == (await post(body), kept())


@pytest.mark.skipif(not SHARED.exists(), reason="the shared fixtures are not here")
async def test_the_json_test_suite_is_kept_and_read(
    post: Post, kept: Callable[[], list[bytes]], turn: Callable[[], Awaitable[int]]
) -> None:
    """Every file of the JSON test suite, signed and posted, is stored byte for byte and worked off."""
    with tarfile.open(SHARED / "json" / "JSONTestSuite_test_parsing.tar.gz") as archive:
        bodies = [archive.extractfile(member).read() for member in archive if member.isfile()]  # type: ignore[union-attr] # files have contents
    assert {200} == set(await asyncio.gather(*(post(body) for body in bodies)))
    await turn()
    assert sorted(bodies) == sorted(kept())


async def test_size_is_looked_at_first(post: Post, kept: Callable[[], list[bytes]]) -> None:
    """What is larger than any delivery of Meta is refused, whoever signed it, before anybody asks who did."""
    body = b" " * (LARGEST_BODY_BYTES + 1)
    assert 413 == await post(body)
    assert 413 == await post(body, ("X-Nothing", "1"))
    assert 200 == await post(body[:-1])
    assert [LARGEST_BODY_BYTES] == [len(one) for one in kept()]


async def test_other_types_and_methods_are_refused(ingress: str) -> None:
    """Only POST with JSON carries a delivery; a refused connection is not used again."""
    async with aiohttp.ClientSession() as http:
        for method, headers, expected in [
            ("POST", {"Content-Type": "text/plain"}, 415),
            ("PUT", {}, 405),
            ("DELETE", {}, 405),
            ("HEAD", {}, 405),
        ]:
            url = f"{ingress}/webhooks/facebook"
            async with http.request(method, url, data=BODY, headers={**headers, SIGNED[0]: SIGNED[1]}) as response:
                assert (expected, "nosniff", "close") == (
                    response.status,
                    response.headers["X-Content-Type-Options"],
                    response.headers["Connection"],
                )


async def test_a_hundred_at_once_share_few_commits(
    post: Post, kept: Callable[[], list[bytes]], empty_database: str
) -> None:
    """Requests in flight together ride on the same commit, and each is kept once."""
    bodies = [b'{"object":"page","entry":[],"n":%d}' % n for n in range(100)]
    assert {200} == set(await asyncio.gather(*(post(body) for body in bodies)))
    with psycopg.connect(empty_database) as connection:
        commits = connection.execute("SELECT count(DISTINCT xmin::text) FROM deliveries").fetchone()
    assert sorted(bodies) == sorted(kept())
    assert commits is not None
    assert commits[0] < 50


async def test_a_full_disk_is_a_503(post: Post, kept: Callable[[], list[bytes]], empty_database: str) -> None:
    """While PostgreSQL has no room for what came, the answer is 503, and nothing is kept; with room again, 200."""
    full = "BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ {full} $$")
        connection.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
        try:
            assert (503, []) == (await post(BODY), kept())
        finally:
            connection.execute("DROP FUNCTION full_disk CASCADE")
    assert (200, [BODY]) == (await post(BODY), kept())


async def test_one_that_cannot_be_kept_harms_no_neighbour(
    post: Post, kept: Callable[[], list[bytes]], empty_database: str
) -> None:
    """A delivery the database refuses is answered 503; those that came with it are kept and answered 200."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("ALTER TABLE deliveries ADD CONSTRAINT no_poison CHECK (body <> 'poison')")
        try:
            bodies = [b"poison" if n == 20 else b"%d" % n for n in range(40)]
            statuses = await asyncio.gather(*(post(body) for body in bodies))
        finally:
            connection.execute("ALTER TABLE deliveries DROP CONSTRAINT no_poison")
    assert [503 if body == b"poison" else 200 for body in bodies] == statuses
    assert sorted(body for body in bodies if body != b"poison") == sorted(kept())


async def test_a_database_that_falls_silent_is_a_503_in_time(runtime: Runtime, empty_database: str) -> None:
    """When PostgreSQL stops in the middle, and does not even let go of a statement, the answer is 503 all the same; later, 200."""
    app = create_app(runtime, patience=timedelta(seconds=1))
    async with serving(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:

        async def send() -> int:
            url, headers = f"http://127.0.0.1:{port}/webhooks/facebook", {"Content-Type": "application/json"}
            async with http.post(url, data=BODY, headers={**headers, SIGNED[0]: SIGNED[1]}) as response:
                return response.status

        assert 200 == await send()
        with psycopg.connect(empty_database) as connection:
            others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            pids = [row[0] for row in connection.execute(others)]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            began = asyncio.get_running_loop().time()
            assert {503} == set(await asyncio.gather(send(), send()))
            assert asyncio.get_running_loop().time() - began < 4
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        async with asyncio.timeout(20):
            while await send() != 200:  # Meta, too, sends again  # noqa: ASYNC110 – another process has no event to wait for
                await asyncio.sleep(0.1)


async def test_200_means_committed(settings: Settings, postgres: stack.postgres.PostgresServer, tmp_path: Path) -> None:
    """While the database is down the answer is 503, within 5 s; when it is back, 200; and every 200 is in the database."""
    answered: list[bytes] = []
    with stack.postgres.postgres(tmp_path / "own") as own:
        url = own.ensure_database("ingress")
        _migrate(url)

        async with (
            open_runtime(replace(settings, database_url=Secret(url)), pool_size=2) as runtime,
            serving(create_app(runtime), "127.0.0.1", 0) as port,
            aiohttp.ClientSession() as http,
        ):

            async def send(number: int) -> int:
                body = b"%d" % number
                async with http.post(
                    f"http://127.0.0.1:{port}/webhooks/facebook",
                    data=body,
                    headers={"Content-Type": "application/json", "X-Hub-Signature-256": sign(body)},
                ) as response:
                    if response.status == 200:
                        answered.append(body)
                    return response.status

            assert [200] * 20 == await asyncio.gather(*(send(number) for number in range(20)))
            async with http.get(f"http://127.0.0.1:{port}/readyz") as response:
                assert 200 == response.status
            own.stop_immediately()
            began = asyncio.get_running_loop().time()
            assert [503] * 20 == await asyncio.gather(*(send(number) for number in range(20, 40)))
            assert asyncio.get_running_loop().time() - began < 5
            for path, expected in (("/readyz", 503), ("/healthz", 200)):
                async with http.get(f"http://127.0.0.1:{port}{path}") as response:
                    assert expected == response.status
            await asyncio.to_thread(own.start)
            async with asyncio.timeout(10):
                while await send(40) != 200:  # Meta, too, sends again  # noqa: ASYNC110 – another process has no event to wait for
                    await asyncio.sleep(0.1)
            assert [200] * 20 == await asyncio.gather(*(send(number) for number in range(41, 61)))
        with psycopg.connect(url) as connection:
            bodies = {row[0] for row in connection.execute("SELECT body FROM deliveries")}
    assert (41, set()) == (len(answered), set(answered) - bodies)


def _migrate(url: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    load_tables().create_all(engine)
    engine.dispose()
