"""The key services a key of the ring may live in; each is an optional extra with its official client.

Clients are loaded with the first key, in the process that needs it: Google's brings gRPC along, which nobody may load who forks.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pkgutil import resolve_name

from connector.vault.keys import Key
from connector.vault.secret import Secret


@dataclass(frozen=True, slots=True)
class Service:
    """A key service: its client's module, the extra that installs it, our adapter, and how it names a key, for people and as a pattern."""

    module: str
    extra: str
    adapter: str
    form: str
    pattern: str


SERVICES: Mapping[str, Service] = {
    "aws": Service(
        "boto3",
        "kms-aws",
        "connector.vault.aws:AwsKey",
        "aws:arn:aws:kms:<region>:<account>:key/<key>",
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/\S+",
    ),
    "gcp": Service(
        "google.cloud.kms_v1",
        "kms-gcp",
        "connector.vault.gcp:GcpKey",
        "gcp:projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>",
        r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+",
    ),
    "transit": Service(
        "hvac",
        "kms-transit",
        "connector.vault.transit:TransitKey",
        "transit:https://<host>:8200/<mount>/<key>",
        r"https?://[^/\s]+(/[^/\s]+){2,}",
    ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key lives: a service of SERVICES, and the key's name there."""

    service: str
    name: str

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read `service:name`; raises ValueError for what has not the form."""
        service, _, name = text.partition(":")
        if service not in SERVICES or not re.fullmatch(SERVICES[service].pattern, name):
            raise ValueError(text)
        return cls(service, name)

    def missing_extra(self) -> str:
        """Tell which extra would have to be installed; empty when it is."""
        service = SERVICES[self.service]
        return "" if _installed(service.module) else service.extra

    def open(self, credential: Secret) -> Key:
        """Make the key ready to use; nothing is connected yet. The credential is that of Transit, others find their own."""
        adapter: Callable[[str, Secret], Key] = resolve_name(SERVICES[self.service].adapter)
        return adapter(self.name, credential)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False
