"""Mail servers as they are out there: with TLS from the first byte, with STARTTLS, with a password; and those that cannot be trusted."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector import smtp
from connector.settings import MailServer
from connector.settings.mail import Security
from connector.smtp import Letter, Told, Verdict
from connector.vault import Secret
from tests.integration.forwarding.post_office import PostOffice, open_post_office
from tests.integration.rpc.papers import paper, put

LETTERS = [Letter("staff@shop.example", b"Subject: Hello\r\n\r\n.\r\nwords\r\n"), Letter("b@shop.example", b"x\r\n")]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ssl.SSLContext, Path]]:
    """A server's certificate, and who signed it."""
    folder = tmp_path_factory.mktemp("papers")
    authority = paper("Authority")
    put(folder, paper("localhost", authority))
    (folder / "ca.crt").write_bytes(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    yield context, folder / "ca.crt"


def _server(office: PostOffice, security: Security, authorities: Path | None = None, password: str = "") -> MailServer:
    user, time = "us" if password else "", timedelta(seconds=5)
    sender = "StormCom <mail@stormcom.example>"
    return MailServer(security, "127.0.0.1", office.port, user, Secret(password), sender, "", time, authorities)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_mails_and_password_travel_encrypted(papers: tuple[ssl.SSLContext, Path], security: Security) -> None:
    """Whether TLS begins at once or is asked for, nothing is said before it; the mail arrives as it was written."""
    office = PostOffice(certificate=papers[0], implicit=security is Security.TLS, user="us", password="word")
    async with open_post_office(office):
        told = await smtp.send(_server(office, security, papers[1], "word"), LETTERS)
    assert [Told(Verdict.ACCEPTED, 250)] * 2 == told
    assert [True, True] == office.secure
    assert [(letter.address, letter.content) for letter in LETTERS] == office.taken
    assert 1 == office.sessions


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_server_that_nobody_vouches_for_gets_nothing(
    papers: tuple[ssl.SSLContext, Path], security: Security
) -> None:
    """A certificate of an unknown authority ends it before anything is said."""
    office = PostOffice(certificate=papers[0], implicit=security is Security.TLS, user="us", password="word")
    async with open_post_office(office):
        told = await smtp.send(_server(office, security, password="word"), LETTERS)
    assert ([Told(Verdict.LATER)] * 2, []) == (told, office.taken)


async def test_a_server_without_starttls_gets_nothing() -> None:
    """Where STARTTLS is demanded and not offered, as when somebody strips it on the way, nothing is sent in the open."""
    async with open_post_office(PostOffice()) as office:
        told = await smtp.send(_server(office, Security.STARTTLS), LETTERS)
    assert ([Told(Verdict.LATER)] * 2, []) == (told, office.taken)


async def test_a_wrong_password_is_ours_to_mend(papers: tuple[ssl.SSLContext, Path]) -> None:
    """That the server does not let us in says nothing about the addresses: they are tried again."""
    office = PostOffice(certificate=papers[0], implicit=True, user="us", password="word")
    async with open_post_office(office):
        told = await smtp.send(_server(office, Security.TLS, papers[1], "other"), LETTERS)
    assert [Told(Verdict.LATER, 535)] * 2 == told


async def test_a_silent_server_costs_its_timeout_only() -> None:
    """A port where nobody listens, or nobody speaks, is told as trouble for now."""
    office = PostOffice()
    async with open_post_office(office):
        server = _server(office, Security.PLAIN)
    assert [Told(Verdict.LATER)] == await smtp.send(server, LETTERS[:1])


@pytest.mark.parametrize(
    ("code", "verdict"), [(421, Verdict.LATER), (451, Verdict.LATER), (550, Verdict.REFUSED), (552, Verdict.REFUSED)]
)
async def test_replies_are_told_apart(code: int, verdict: Verdict) -> None:
    """4yz is for now, 5yz for good, of an address as of a mail; the next address is asked all the same where the server stays."""
    async with open_post_office(PostOffice(refused={LETTERS[0].address: code})) as office:
        told = await smtp.send(_server(office, Security.PLAIN), LETTERS)
        assert Told(verdict, code) == told[0]
        assert code == 421 or Told(Verdict.ACCEPTED, 250) == told[1]
        office.refused, office.refused_mails = {}, code
        assert Told(verdict, code) == (await smtp.send(_server(office, Security.PLAIN), LETTERS[:1]))[0]


async def test_what_was_taken_before_a_failure_counts() -> None:
    """When the server leaves after the first mail, only the second is tried again."""
    async with open_post_office(PostOffice(deaf=True)) as office:
        told = await smtp.send(_server(office, Security.PLAIN), LETTERS)
        assert [Told(Verdict.LATER)] * 2 == told  # nobody knows
        office.deaf = False
        server = replace(_server(office, Security.PLAIN), timeout=timedelta(seconds=1))
        office.refused = {LETTERS[1].address: 421}
        assert [Verdict.ACCEPTED, Verdict.LATER] == [one.verdict for one in await smtp.send(server, LETTERS)]
