"""How a forwarded mail looks, whatever a stranger called themselves or wrote."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

import pytest

from connector.forwarding.model.letters import Digest, Line, Post, calm, write_digest, write_test

TIME = datetime(2026, 11, 21, 22, tzinfo=UTC)
POST = Post("StormCom <mail@stormcom.example>", "stormcom.example", "reply+abc@in.stormcom.example", "Kettles")
HOSTILE = (
    "Eve\r\nBcc: everybody@shop.example",
    "Eve\nContent-Type: text/html\n\n<script>",
    "\u202eevE",
    "Eve\u2028Subject: x",
    "=?utf-8?q?Eve=0ABcc=3A_x?=",
    '"; <evil@evil.example>',
    "x" * 5_000,
    "\x00\x07\x1b[31mEve",
    "মিনা 🫖 Ærøskøbing",
    "",
)


def _mail(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=default)


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def _digest(*, name: str = "Ann", texts: Sequence[str] = ("Hello",), include_text: bool = True) -> Digest:
    lines = [Line(TIME, text, ()) for text in texts]
    return Digest(UUID(int=1), UUID(int=2), name, lines, include_text, TIME)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_adds_no_header(name: str) -> None:
    """Whatever a person is called, a mail has the headers it always has, each once and in one line."""
    raw = write_digest(POST, _digest(name=name), "staff@shop.example")
    mail = _mail(raw)
    usual = _mail(write_digest(POST, _digest(), "staff@shop.example"))
    assert usual.keys() == mail.keys()
    assert "staff@shop.example" == mail["To"]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize("name", ["মিনা 🫖", "Ærøskøbing", "Ann O'Hara"])
def test_names_of_every_script_stay_readable(name: str) -> None:
    """A name that is only unusual stands in the subject as it is."""
    mail = _mail(write_digest(POST, _digest(name=name), "staff@shop.example"))
    assert f"{name} – Kettles" == mail["Subject"]


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", "<img src=x onerror=1>", "</p><a href='//e'>x</a>", "&lt;"]
)
def test_words_are_text_in_html(words: str) -> None:
    """Whatever a person writes, the page has no other elements than ours, and the plain text has the words as they are."""
    mail = _mail(write_digest(POST, _digest(texts=[words]), "staff@shop.example"))
    page, usual = _part(mail, "html"), _part(_mail(write_digest(POST, _digest(), "staff@shop.example")), "html")
    assert usual.count("<") == page.count("<")
    assert words in _part(mail, "plain")


def test_a_tab_parts_words() -> None:
    """A tab is left out of a mail, and the words beside it stay apart."""
    mail = _mail(write_digest(POST, _digest(texts=["blue\tred"]), "staff@shop.example"))
    assert ["blue", "red"] == _part(mail, "plain").splitlines()[3].split()


def test_a_mail_is_the_same_every_time() -> None:
    """Two tries of a mail are the same byte by byte, so that whoever keeps the first recognises the second."""
    assert write_digest(POST, _digest(), "a@shop.example") == write_digest(POST, _digest(), "a@shop.example")


def test_a_mail_names_its_conversation() -> None:
    """All mails of a conversation are one thread, answers go to its address, and no robot shall answer."""
    mail = _mail(write_digest(POST, _digest(texts=["one", "two"]), "staff@shop.example"))
    root = f"<conversation-{UUID(int=2)}@stormcom.example>"
    assert (root, root) == (mail["References"].strip(), mail["In-Reply-To"].strip())
    assert f"<message-{UUID(int=1)}@stormcom.example>" == mail["Message-ID"]
    assert "reply+abc@in.stormcom.example" == mail["Reply-To"]
    assert "auto-generated" == mail["Auto-Submitted"]
    assert "Ann wrote 2 messages to Kettles." in _part(mail, "plain")


def test_without_an_address_for_answers_a_mail_says_so() -> None:
    """Where answers reach nobody, a mail has no Reply-To and says so."""
    post = Post(POST.sender, POST.domain, "", POST.page_name)
    mail = _mail(write_digest(post, _digest(), "staff@shop.example"))
    assert mail["Reply-To"] is None
    assert "reach nobody" in _part(mail, "plain")


def test_what_has_no_text_is_named() -> None:
    """An attachment is told by its kind; something without anything is not left out."""
    lines = [Line(TIME, "", ("image",)), Line(TIME, "", ())]
    digest = Digest(UUID(int=1), UUID(int=2), "Ann", lines, True, TIME)
    plain = _part(_mail(write_digest(POST, digest, "staff@shop.example")), "plain")
    assert "(image)" in plain
    assert "(no text: look at the conversation)" in plain


def test_a_test_says_so() -> None:
    """Nobody takes a test for a message."""
    mail = _mail(write_test(POST, UUID(int=3), "staff@shop.example", at=TIME))
    assert "Test – Kettles" == mail["Subject"]
    assert "This is a test" in _part(mail, "plain")


def test_long_names_are_cut() -> None:
    """A name of any length takes a line's part only, and shows that it was cut."""
    assert 60 == len(calm("x" * 61))
    assert calm("x" * 61).endswith("…")
