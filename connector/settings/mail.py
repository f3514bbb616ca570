"""The mail server that forwards messages, if there is one: where it is, who we are to it, where answers go."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from connector import addresses
from connector.addresses import TOKEN
from connector.settings.reader import Reader
from connector.vault import Secret

_LONGEST_TOKEN = 42
_LONGEST_LOCAL_PART = 64
_URL = "smtps://user:password@host:465, smtp://… (STARTTLS is demanded), or in development smtp+plain://…"


class Security(StrEnum):
    """How the connection to the mail server is protected; each is a scheme of SMTP_URL."""

    TLS = "smtps"
    STARTTLS = "smtp"
    PLAIN = "smtp+plain"


_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.PLAIN: 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and as whom. `sender` may hold a name; `reply_to` is a template around {token}, or empty."""

    security: Security
    host: str
    port: int
    user: str
    password: Secret
    sender: str
    reply_to: str
    timeout: timedelta
    authorities: Path | None

    @property
    def sender_address(self) -> str:
        """The sender without a name."""
        return parseaddr(self.sender)[1]

    def answers_to(self, token: str) -> str:
        """Tell where answers go that carry a token; empty when they go nowhere."""
        return self.reply_to.replace(TOKEN, token)

    @property
    def domain(self) -> str:
        """The sender's domain, under which ids of mails are unique."""
        return self.sender_address.rpartition("@")[2]


def read_mail(reader: Reader, *, development: bool) -> MailServer | None:
    """Read it; None where mail is not set up."""
    url, sender, reply_to = reader.text("SMTP_URL"), reader.text("MAIL_FROM"), reader.text("MAIL_REPLY_TO")
    timeout, authorities = reader.period("SMTP_TIMEOUT_SECONDS"), reader.text("SMTP_CA_FILE")
    reader.require(bool(url) == bool(sender), "SMTP_URL, MAIL_FROM: both or none")
    reader.require(bool(url) or not (reply_to or authorities), "MAIL_REPLY_TO, SMTP_CA_FILE: need SMTP_URL")
    if not url or not sender:
        return None
    parts = reader.parsed("SMTP_URL", _server, _URL)
    reader.require(_is_sender(sender), "MAIL_FROM: must be such as `StormCom <mail@stormcom.example>`, in ASCII")
    reader.require(
        not reply_to or _is_template(reply_to), "MAIL_REPLY_TO: must be such as reply+{token}@mail.stormcom.example"
    )
    reader.require(not authorities or _are_authorities(authorities), "SMTP_CA_FILE: cannot be read as certificates")
    if parts is None:
        return None
    security, host, port, user, password = parts
    reader.require(
        development or security is not Security.PLAIN,
        "SMTP_URL: smtp+plain:// would send password and mails in plain text",
    )
    path = Path(authorities) if authorities else None
    return MailServer(security, host, port, user, Secret(password), sender, reply_to, timeout, path)


def _server(value: str) -> tuple[Security, str, int, str, str]:
    parts = urlsplit(value)
    security = Security(parts.scheme)
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.port == 0:
        raise ValueError(value)
    if bool(parts.username) != bool(parts.password):
        raise ValueError(value)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():  # smtplib could not sign in with them
        raise ValueError(value)
    return security, parts.hostname, parts.port or _PORTS[security], user, password


def _is_sender(value: str) -> bool:
    return value.isascii() and value.isprintable() and addresses.valid(parseaddr(value)[1])


def _is_template(value: str) -> bool:
    """Tell whether it is an address once the token stands in it, and not too long for mail servers."""
    filled = value.replace(TOKEN, "a" * _LONGEST_TOKEN)
    local, _, _ = filled.rpartition("@")
    fits = len(local) <= _LONGEST_LOCAL_PART and addresses.valid(filled)
    return value.count(TOKEN) == 1 and value.index(TOKEN) < value.find("@") and fits


def _are_authorities(path: str) -> bool:
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # also what is no certificate
        return False
    return True
