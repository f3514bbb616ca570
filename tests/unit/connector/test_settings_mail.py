"""The mail server's settings."""

from pathlib import Path

import pytest

from connector.settings import Settings, SettingsError
from connector.settings.mail import Security
from tests.unit.connector.test_settings import COMPLETE

MAIL = {"SMTP_URL": "smtps://us:p%40ss@mail.example", "MAIL_FROM": "StormCom <mail@stormcom.example>"}


def test_without_a_mail_server_there_is_none() -> None:
    """Mail is optional."""
    assert Settings.read(COMPLETE).mail is None


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtps://us:word@mail.example", Security.TLS, 465),
        ("smtp://us:word@mail.example", Security.STARTTLS, 587),
        ("smtp://mail.example:2525", Security.STARTTLS, 2525),
    ],
)
def test_a_mail_server_is_read(url: str, security: Security, port: int) -> None:
    """The scheme says how the connection is protected; each has its usual port."""
    mail = Settings.read(COMPLETE | MAIL | {"SMTP_URL": url}).mail
    assert mail is not None
    assert (security, "mail.example", port) == (mail.security, mail.host, mail.port)


def test_the_password_is_read_and_hidden() -> None:
    """A password may hold any character, written as %XX, and no settings show it."""
    settings = Settings.read(COMPLETE | MAIL)
    assert settings.mail is not None
    assert "p@ss" == settings.mail.password.reveal()
    assert "p@ss" not in repr(settings)
    assert ("mail@stormcom.example", "stormcom.example") == (settings.mail.sender_address, settings.mail.domain)


def test_the_url_may_stand_in_a_file(tmp_path: Path) -> None:
    """A secret is best not in the environment."""
    (tmp_path / "smtp").write_text(MAIL["SMTP_URL"] + "\n")
    environ = {"SMTP_URL_FILE": str(tmp_path / "smtp"), "MAIL_FROM": MAIL["MAIL_FROM"]}
    assert Settings.read(COMPLETE | environ).mail is not None


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"MAIL_FROM": ""}, "SMTP_URL, MAIL_FROM: both or none"),
        ({"SMTP_URL": ""}, "SMTP_URL, MAIL_FROM: both or none"),
        ({"SMTP_URL": "http://mail.example"}, "SMTP_URL: must be"),
        ({"SMTP_URL": "smtps://us@mail.example"}, "SMTP_URL: must be"),
        ({"SMTP_URL": "smtps://mail.example:99999"}, "SMTP_URL: must be"),
        ({"SMTP_URL": "smtps://us:p%C3%A4ss@mail.example"}, "SMTP_URL: must be"),
        ({"SMTP_URL": "smtp+plain://mail.example"}, "SMTP_URL: smtp+plain:// would send"),
        ({"MAIL_FROM": "StormCom"}, "MAIL_FROM: must be such as"),
        ({"MAIL_FROM": "Stormcöm <mail@stormcom.example>"}, "MAIL_FROM: must be such as"),
        ({"MAIL_REPLY_TO": "reply@stormcom.example"}, "MAIL_REPLY_TO: must be such as"),
        ({"MAIL_REPLY_TO": "reply@{token}.stormcom.example"}, "MAIL_REPLY_TO: must be such as"),
        ({"MAIL_REPLY_TO": f"{'r' * 30}+{{token}}@stormcom.example"}, "MAIL_REPLY_TO: must be such as"),
        ({"SMTP_CA_FILE": "/no/such/file"}, "SMTP_CA_FILE: cannot be read"),
        ({"SMTP_TIMEOUT_SECONDS": "0"}, "SMTP_TIMEOUT_SECONDS: must be a number"),
    ],
)
def test_what_could_not_work_is_refused_at_the_start(environ: dict[str, str], problem: str) -> None:
    """Each contradiction is told by the variable and what mends it, without the URL's password."""
    with pytest.raises(SettingsError) as caught:
        Settings.read(COMPLETE | MAIL | environ)
    assert problem in str(caught.value)
    assert "p%40ss" not in str(caught.value)
