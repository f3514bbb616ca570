"""The environment."""

import base64
from pathlib import Path

import pytest

from connector.settings import VARIABLES, Settings, SettingsError, read_database_url, write_example
from connector.taxonomy import Kind
from connector.values import CapabilityKind, Environment

KEY = base64.b64encode(bytes(32)).decode()
COMPLETE = {
    "DATABASE_URL": "postgresql://u:geheim@h/d",
    "REDIS_URL": "redis://h/0",
    "PUBLIC_URL": "https://fb.example/",
    "META_PRODUCTION_APP_ID": "1",
    "META_PRODUCTION_APP_SECRETS": "new, old",
    "META_PRODUCTION_VERIFY_TOKEN": "v",
    "VAULT_KEYS": f"2:{KEY},1:{KEY}",
    "CALLER_JWKS": '{"keys": []}',
}


def test_a_complete_environment_is_read() -> None:
    """Required values are taken, defaults fill the rest, lists keep their order."""
    settings = Settings.read(COMPLETE)
    assert not settings.development
    assert settings.grpc_address == ("127.0.0.1", 50051)
    assert settings.metrics_address is None
    assert settings.public_url == "https://fb.example"
    assert settings.graph_version == "v26.0"
    assert (list(settings.vault.keys), settings.vault.sealing_key_id) == ([2, 1], 2)
    assert [secret.reveal() for secret in settings.apps[Environment.PRODUCTION].secrets] == ["new", "old"]


def test_an_app_speaks_its_own_version_and_asks_for_what_it_is_set_to() -> None:
    """Without a version of its own an app speaks the common one; optional capabilities are off until they are named."""
    own = {"META_PRODUCTION_GRAPH_VERSION": "v25.0", "META_PRODUCTION_CAPABILITIES": "INSIGHTS, CONVERSIONS"}
    usual, special = (
        Settings.read(COMPLETE | more).apps[Environment.PRODUCTION] for more in ({"META_GRAPH_VERSION": "v24.0"}, own)
    )
    assert ("v24.0", frozenset()) == (usual.graph_version, usual.capabilities)
    optional = frozenset({CapabilityKind.INSIGHTS, CapabilityKind.CONVERSIONS})
    assert ("v25.0", optional) == (special.graph_version, special.capabilities)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("META_PRODUCTION_GRAPH_VERSION", "25"),
        ("META_PRODUCTION_CAPABILITIES", "MESSAGING"),
        ("META_PRODUCTION_CAPABILITIES", "EVERYTHING"),
    ],
)
def test_an_app_with_a_wrong_version_or_capability_is_refused(name: str, value: str) -> None:
    """What is no version, no capability, or one that is not optional, is named."""
    with pytest.raises(SettingsError, match=name):
        Settings.read(COMPLETE | {name: value})


def test_trusted_proxies_are_networks() -> None:
    """Nobody is trusted unless named, and a network is written as one."""
    named = Settings.read(COMPLETE | {"TRUSTED_PROXIES": "10.0.0.0/8, ::1/128"}).trusted_proxies
    assert ((), ["10.0.0.0/8", "::1/128"]) == (Settings.read(COMPLETE).trusted_proxies, [str(one) for one in named])
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES: must be networks"):
        Settings.read(COMPLETE | {"TRUSTED_PROXIES": "10.0.0.1/8"})


def test_a_taxonomy_is_read_from_its_file(tmp_path: Path) -> None:
    """The lists of categories that the variables name are read; a file that is none is a problem of the settings."""
    file = tmp_path / "google.txt"
    file.write_text("# Edition 1\n166 - Apparel & Accessories\n")
    assert "Edition 1" == Settings.read(COMPLETE | {"GOOGLE_TAXONOMY_FILE": str(file)}).taxonomies[Kind.GOOGLE].edition
    assert "" == Settings.read(COMPLETE).taxonomies[Kind.META].edition
    with pytest.raises(SettingsError) as caught:
        Settings.read(COMPLETE | {"GOOGLE_TAXONOMY_FILE": str(tmp_path), "META_TAXONOMY_FILE": str(tmp_path / "none")})
    assert all(f"{kind}_TAXONOMY_FILE: cannot be read" in str(caught.value) for kind in Kind)


def test_every_problem_is_named_at_once() -> None:
    """One message lists all missing and wrong variables, so that one restart is enough."""
    with pytest.raises(SettingsError) as caught:
        Settings.read(
            {
                "PROFILE": "staging",
                "GRPC_ADDRESS": "nowhere",
                "META_GRAPH_VERSION": "26",
                "VAULT_KEYS": "x",
                "LOG_LEVEL": "loud",
            }
        )
    named = {line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]}
    expected = {
        "PROFILE",
        "GRPC_ADDRESS",
        "META_GRAPH_VERSION",
        "VAULT_KEYS",
        "LOG_LEVEL",
        "DATABASE_URL",
        "REDIS_URL",
        "PUBLIC_URL",
        "CALLER_JWKS or CALLER_JWKS_URL",
    }
    assert expected | {"META_PRODUCTION_APP_ID or META_TEST_APP_ID"} == named


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"DATABASE_URL": "mysql://h/d"},
            "DATABASE_URL: must be a whole URL that begins with postgresql:// or postgres://",
        ),
        ({"DATABASE_URL": "postgresql://h:port/d"}, "DATABASE_URL: must be a whole URL"),
        ({"DATABASE_URL": "postgresql://"}, "DATABASE_URL: must be a whole URL"),
        ({"DATABASE_URL": "postgresql:d"}, "DATABASE_URL: must be a whole URL"),
        ({"REDIS_URL": "redis://"}, "REDIS_URL: must be a whole URL"),
        ({"REDIS_URL": "redis://h:99999"}, "REDIS_URL: must be a whole URL"),
        ({"PUBLIC_URL": "fb.example"}, "PUBLIC_URL: must be a whole URL"),
        (
            {"META_PRODUCTION_VERIFY_TOKEN": ""},
            "META_PRODUCTION_APP_ID, _APP_SECRETS, _VERIFY_TOKEN: all three or none",
        ),
        ({"VAULT_KEYS": f"1:{KEY},1:{KEY}"}, "VAULT_KEYS: must be"),
        ({"VAULT_KEYS": "1:c2hvcnQ="}, "VAULT_KEYS: must be"),
        ({"CALLER_JWKS": "[]"}, "CALLER_JWKS: must be"),
        ({"DEVELOPMENT_TOKEN": "t"}, "DEVELOPMENT_TOKEN: only with PROFILE=development"),
        ({"WEBHOOK_ADDRESS": "h:70000"}, "WEBHOOK_ADDRESS: must be host:port"),
    ],
)
def test_a_wrong_value_is_explained(change: dict[str, str], problem: str) -> None:
    """Each wrong value is answered with its name and the right form."""
    with pytest.raises(SettingsError, match=problem.replace("(", "\\(")):
        Settings.read({**COMPLETE, **change})


@pytest.mark.parametrize(
    "url", ["postgresql:///d?host=/run/postgresql", "postgresql://u@/d?host=%2Ftmp%2Fs", "postgres://u:p@[::1]:5432/d"]
)
def test_every_way_to_a_database_is_taken(url: str) -> None:
    """A socket's folder, an escaped one and an IPv6 address are whole URLs."""
    assert url == Settings.read({**COMPLETE, "DATABASE_URL": url}).database_url.reveal()


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    """`X_FILE` names a file that holds a secret; giving it twice is refused, a missing file named."""
    (tmp_path / "url").write_text("postgresql://from-file/d\n")
    rest = {name: value for name, value in COMPLETE.items() if name != "DATABASE_URL"}
    assert (
        Settings.read({**rest, "DATABASE_URL_FILE": str(tmp_path / "url")}).database_url.reveal()
        == "postgresql://from-file/d"
    )
    with pytest.raises(SettingsError, match="given twice"):
        Settings.read({**COMPLETE, "DATABASE_URL_FILE": str(tmp_path / "url")})
    with pytest.raises(SettingsError, match="DATABASE_URL_FILE: cannot be read"):
        Settings.read({**rest, "DATABASE_URL_FILE": str(tmp_path / "missing")})


def test_secrets_are_not_printed() -> None:
    """Printing the settings shows no secret."""
    shown = repr(Settings.read({**COMPLETE, "PROFILE": "development", "DEVELOPMENT_TOKEN": "tt-dev"}))
    assert "\\x00" not in shown
    assert not [secret for secret in ("geheim", "tt-dev", "new") if f"'{secret}" in shown or f"{secret}@" in shown]


def test_the_database_alone_can_be_read() -> None:
    """`migrate` needs nothing but DATABASE_URL."""
    assert read_database_url({"DATABASE_URL": "postgresql://h/d"}).reveal() == "postgresql://h/d"


def test_the_example_is_generated() -> None:
    """`.env.example` is exactly what the settings say, and names every variable."""
    example = Path(__file__).parents[3] / ".env.example"
    assert write_example() == example.read_text()
    assert all(f"\n{variable.name}=" in write_example() for variable in VARIABLES)
