"""What a development stack tells its processes."""

import socket
from pathlib import Path

from stack.environment import Ports, development_secrets, inherited


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """A checkout keeps its keys: what it sealed yesterday opens today."""
    first = development_secrets(tmp_path)
    assert development_secrets(tmp_path) == first
    assert (tmp_path / "development.env").stat().st_mode & 0o777 == 0o600


def test_checkouts_share_no_secret(tmp_path: Path) -> None:
    """Two checkouts have no key or token in common."""
    one, two = development_secrets(tmp_path / "one"), development_secrets(tmp_path / "two")
    assert not set(one.values()) & set(two.values())


def test_secrets_can_stand_behind_an_option(tmp_path: Path) -> None:
    """No secret begins with a dash, which a command line would take for an option of its own."""
    made = [development_secrets(tmp_path / str(number)) for number in range(200)]
    assert [] == [one for secrets in made for one in secrets.values() if one.startswith("-")]


def test_secrets_of_a_real_installation_are_withheld() -> None:
    """What stands in the shell for a real installation does not reach a development stack."""
    shell = {
        "PATH": "/bin",
        "META_PRODUCTION_APP_SECRETS": "real",
        "VAULT_KEYS_FILE": "/run/keys",
        "DATABASE_URL": "postgresql://real",
        "CALLER_JWKS": "{}",
    }
    assert inherited(shell) == {"PATH": "/bin"}


def test_taken_ports_are_passed_over() -> None:
    """A port somebody listens on is not given out, nor is a port given out twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        ports = Ports()
        given = [int(ports.next_free(taken).rpartition(":")[2]) for _ in range(3)]
        assert taken not in given
        assert len(set(given)) == len(given)
