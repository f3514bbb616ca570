"""Each key service's adapter against a server of its vendor's dialect, through the vendor's own client.

The clients are optional extras; where one is not installed its tests are skipped. What all adapters promise is the same.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from connector.errors import Unavailable
from connector.vault import Binding, Key, Secret, Unsealable, Vault
from connector.vault.services import SERVICES, Place
from tests.contract import key_services
from tests.contract.key_services import KeyService

ARN = "arn:aws:kms:eu-central-1:111122223333:key/"
PATH = "projects/p/locations/l/keyRings/r/cryptoKeys/"
DATA_KEY, AAD = bytes(range(32)), b"bound to a row"
DIALECTS = {"aws": key_services.aws, "gcp": key_services.gcp, "transit": key_services.transit}


@dataclass(frozen=True)
class Offered:
    """A key service, how a key of it is opened, and how one of a server that nobody listens at."""

    service: KeyService
    open: Callable[[str], Key]
    lost: Key


@pytest.fixture(params=sorted(SERVICES))
async def offered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Offered]:
    """Each key service whose client is installed."""
    name = request.param
    if extra := Place(name, "x").missing_extra():
        pytest.skip(f"the optional extra {extra} is not installed")
    service = KeyService()
    async with key_services.serve(service, DIALECTS[name]) as url:
        opened = {"aws": _aws, "gcp": _gcp, "transit": _transit}[name]
        yield Offered(service, opened(url, monkeypatch), opened("http://127.0.0.1:1", monkeypatch)("k"))


def _aws(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Key]:
    from connector.vault.aws import AwsKey

    variables = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_EC2_METADATA_DISABLED": "true"}

    def open_key(name: str) -> Key:
        for variable, value in {**variables, "AWS_ENDPOINT_URL_KMS": url}.items():
            monkeypatch.setenv(variable, value)
        key = AwsKey(f"{ARN}{name}", Secret(""))
        assert key._client.meta.endpoint_url == url
        return key

    return open_key


def _gcp(url: str, _monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Key]:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.kms_v1 import KeyManagementServiceClient
    from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport

    from connector.vault.gcp import GcpKey

    def open_key(name: str) -> Key:
        transport = KeyManagementServiceRestTransport(
            host=url.removeprefix("http://"), url_scheme="http", credentials=AnonymousCredentials()
        )
        return GcpKey(f"{PATH}{name}", Secret(""), client=KeyManagementServiceClient(transport=transport))

    return open_key


def _transit(url: str, _monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Key]:
    return lambda name: Place("transit", f"{url}/transit/{name}").open(Secret(key_services.TOKEN))


async def test_what_was_wrapped_unwraps(offered: Offered) -> None:
    """A data key comes back unchanged, each wrapping differs, and none shows the data key."""
    key = offered.open("one")
    first, second = await key.wrap(DATA_KEY, AAD), await key.wrap(DATA_KEY, AAD)
    assert [DATA_KEY, DATA_KEY] == [await key.unwrap(first, AAD), await key.unwrap(second, AAD)]
    assert first != second
    assert DATA_KEY not in first


async def test_a_wrapping_is_bound(offered: Offered) -> None:
    """With other associated data, another key, or a byte changed, a data key stays wrapped."""
    key = offered.open("one")
    wrapped = await key.wrap(DATA_KEY, AAD)
    damaged = wrapped[:-6] + bytes([wrapped[-6] ^ 1]) + wrapped[-5:]
    for other, sealed, aad in (
        (key, wrapped, b"another row"),
        (offered.open("two"), wrapped, AAD),
        (key, damaged, AAD),
    ):
        with pytest.raises(Unsealable):
            await other.unwrap(sealed, aad)


async def test_a_service_that_refuses_passes(offered: Offered) -> None:
    """A key that is disabled or gone is told as unavailable, without words of the service's or ours."""
    key = offered.open("one")
    wrapped = await key.wrap(DATA_KEY, AAD)
    offered.service.denies = True
    for verb, text in (("wrap", DATA_KEY), ("unwrap", wrapped)):
        with pytest.raises(Unavailable) as refused:
            await getattr(key, verb)(text, AAD)
        assert ("VAULT_UNAVAILABLE", True) == (refused.value.reason, key_services.TOKEN not in str(refused.value))
    offered.service.denies = False
    assert DATA_KEY == await key.unwrap(wrapped, AAD)


async def test_a_service_that_is_not_there_passes(offered: Offered) -> None:
    """Where nobody listens, a key is unavailable, and that is known soon."""
    with pytest.raises(Unavailable):
        await offered.lost.wrap(DATA_KEY, AAD)


async def test_each_call_is_made_once(offered: Offered) -> None:
    """The client does not repeat what was refused: whoever asked decides about that."""
    key, offered.service.denies = offered.open("one"), True
    with pytest.raises(Unavailable):
        await key.wrap(DATA_KEY, AAD)
    assert 1 == offered.service.calls


async def test_a_vault_works_with_it(offered: Offered) -> None:
    """A token sealed with the service's key opens, and moves to another key of it."""
    ring, binding = {1: offered.open("one"), 2: offered.open("two")}, Binding("s", "c", "page")
    sealed = await Vault(ring).seal(Secret("token"), binding)
    moved = await Vault(ring, sealing_key_id=2).rewrap(sealed, binding)
    assert Secret("token") == await Vault({2: ring[2]}).open(moved, binding)
