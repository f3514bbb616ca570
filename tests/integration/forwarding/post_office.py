"""A mail server on a socket: EHLO, STARTTLS or TLS from the first byte, AUTH PLAIN, one mail after the other, as RFC 5321 has it.

It refuses what the test tells it to, and keeps what it takes. Nothing of ours is in it.
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass(slots=True)
class PostOffice:
    """What it asks for, what it refuses, what it took. `deaf` ends the line after a mail was taken, before it says so."""

    port: int = 0
    certificate: ssl.SSLContext | None = None
    implicit: bool = False
    user: str = ""
    password: str = ""
    refused: dict[str, int] = field(default_factory=dict)  # by address
    refused_mails: int = 0  # the reply to every DATA, if not 0
    deaf: bool = False
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    sessions: int = 0

    @property
    def mails(self) -> list[tuple[str, EmailMessage]]:
        """What was taken: to whom, and what."""
        return [(to, message_from_bytes(raw, policy=default)) for to, raw in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one session until the other side leaves."""
        self.sessions += 1
        session = _Session(self, reader, writer, secure=self.implicit)
        try:
            await session.run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the other side left, or did not trust us
        finally:
            writer.close()


@dataclass(slots=True)
class _Session:
    office: PostOffice
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    secure: bool
    let_in: bool = False
    to: str = ""

    async def run(self) -> None:
        """Answer, command by command."""
        await self.say("220 post.test ESMTP")
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode().rstrip("\r\n")
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    await self.say(*self.greeting())
                case "STARTTLS":
                    await self.say("220 go ahead")
                    assert self.office.certificate
                    await self.writer.start_tls(self.office.certificate)
                    self.secure = True
                case "AUTH":
                    await self.say("235 welcome" if self.knows(rest) else "535 who are you?")
                case "MAIL":
                    closed = bool(self.office.user) and not self.let_in
                    await self.say("530 sign in first" if closed else "250 ok")
                case "RCPT":
                    self.to = rest.partition("<")[2].partition(">")[0]
                    code = self.office.refused.get(self.to, 250)
                    await self.say(f"{code} {'ok' if code == 250 else 'not here'}")
                case "DATA":
                    await self.say("354 go on")
                    await self.take()
                case "RSET":
                    await self.say("250 ok")
                case "QUIT":
                    await self.say("221 bye")
                    return
                case _:
                    await self.say("500 what?")

    def greeting(self) -> list[str]:
        """Say what we can."""
        office, words = self.office, ["post.test"]
        words += ["STARTTLS"] if office.certificate and not self.secure else []
        words += ["AUTH PLAIN"] if office.user and self.secure else []
        return [f"250{' ' if place == len(words) - 1 else '-'}{word}" for place, word in enumerate(words)]

    def knows(self, rest: str) -> bool:
        """Tell whether somebody signs in as whom we know."""
        given = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self.let_in = given[1:] == [self.office.user, self.office.password]
        return self.let_in

    async def take(self) -> None:
        """Take a mail, or refuse it."""
        raw = (await self.reader.readuntil(b"\r\n.\r\n"))[:-3]
        if self.office.refused_mails:
            await self.say(f"{self.office.refused_mails} not this one")
            return
        self.office.taken.append((self.to, raw.replace(b"\r\n..", b"\r\n.")))
        self.office.secure.append(self.secure)
        if self.office.deaf:
            raise ConnectionResetError
        await self.say("250 taken")

    async def say(self, *lines: str) -> None:
        """Answer."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()


@asynccontextmanager
async def open_post_office(office: PostOffice) -> AsyncIterator[PostOffice]:
    """Open it on a free port of this machine."""
    context = office.certificate if office.implicit else None
    server = await asyncio.start_server(office.serve, "127.0.0.1", 0, ssl=context)
    office.port = server.sockets[0].getsockname()[1]
    async with server:
        yield office
