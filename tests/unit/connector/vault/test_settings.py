"""Keys of the vault in the environment."""

import base64

import pytest

from connector.settings import Settings, SettingsError
from connector.vault import services
from connector.vault.services import Place

KEY = base64.b64encode(bytes(32)).decode()
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"
COMPLETE = {
    "DATABASE_URL": "postgresql://u@h/d",
    "REDIS_URL": "redis://h/0",
    "PUBLIC_URL": "https://fb.example/",
    "META_PRODUCTION_APP_ID": "1",
    "META_PRODUCTION_APP_SECRETS": "new",
    "META_PRODUCTION_VERIFY_TOKEN": "v",
    "CALLER_JWKS": '{"keys": []}',
}


def problems(change: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.read({**COMPLETE, "PROFILE": "development", "DEVELOPMENT_TOKEN": "t", **change})
    return str(caught.value)


def read(**change: str) -> Settings:
    return Settings.read({**COMPLETE, "PROFILE": "development", "DEVELOPMENT_TOKEN": "t", **change})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"aws:{ARN}", Place("aws", ARN)),
        (
            "gcp:projects/p/locations/l/keyRings/r/cryptoKeys/k",
            Place("gcp", "projects/p/locations/l/keyRings/r/cryptoKeys/k"),
        ),
        ("transit:https://v:8200/transit/fb", Place("transit", "https://v:8200/transit/fb")),
    ],
)
def test_a_place_is_read(text: str, place: Place) -> None:
    """Service and name of a key are told apart, whatever colons the name has."""
    assert place == Place.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aws",
        "aws:",
        "azure:x",
        "transit:https://v:8200",
        "transit:https://v",
        "transit:v/t/k",
        "aws:1234abcd",
        "aws:arn:aws:kms:eu:1:key/k",
        "gcp:projects/p",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    """An unknown service, or a key without a name, is refused."""
    with pytest.raises(ValueError) as refused:
        Place.read(text)
    assert text == str(refused.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, "VAULT_KEYS: required, or VAULT_KMS"),
        ({"VAULT_KMS": "aws:arn"}, "VAULT_KMS: must be"),
        ({"VAULT_KMS": f"1:aws:{ARN},1:aws:{ARN}"}, "VAULT_KMS: must be"),
        ({"VAULT_KMS": f"1:aws:{ARN}", "VAULT_KEYS": f"1:{KEY}"}, "VAULT_KMS: a key has an id of one in VAULT_KEYS"),
        ({"VAULT_KEYS": f"1:{KEY}", "VAULT_SEALING_KEY": "2"}, "VAULT_SEALING_KEY: must be the id of a key"),
        ({"VAULT_KEYS": f"1:{KEY}", "VAULT_SEALING_KEY": "x"}, "VAULT_SEALING_KEY: must be the id of a key"),
    ],
)
def test_a_wrong_ring_is_explained(change: dict[str, str], problem: str) -> None:
    """Each wrong value is answered with its name and the right form."""
    assert problem in problems(change)


def test_a_missing_client_is_named() -> None:
    """A key service without its client says which extra installs it, before anything starts."""
    missing = [name for name in services.SERVICES if Place(name, "x").missing_extra()]
    named = {"aws": ARN, "gcp": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "transit": "https://v/t/k"}
    for name in missing:
        told = problems({"VAULT_KMS": f"7:{name}:{named[name]}"})
        assert f"VAULT_KMS: the client is missing: install facebook-connector[{services.SERVICES[name].extra}]" in told


def test_the_first_key_seals_unless_another_is_named() -> None:
    """The order of VAULT_KEYS decides, or VAULT_SEALING_KEY; no key is ever printed."""
    keys = f"2:{KEY},1:{KEY}"
    assert 2 == read(VAULT_KEYS=keys).vault.sealing_key_id
    ring = read(VAULT_KEYS=keys, VAULT_SEALING_KEY="1").vault
    assert 1 == ring.sealing_key_id
    assert KEY not in repr(ring)
    assert "\\x00" not in repr(ring)
