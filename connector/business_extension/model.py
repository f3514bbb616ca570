"""What an installation is, what a shop tells Meta of itself, and what follows when Meta shows something else than before.

Pure. A notice of Meta's is never believed: it only asks for a look (`judge` decides by what the look shows).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.connections.model import Connection
from connector.connections.model.needs import NEEDS, Asset
from connector.values import CapabilityKind, ConnectionId, Environment

READ_EVERY = timedelta(days=1)
"""How old what we know of an installation may become."""
LOOK_AGAIN = timedelta(minutes=10)
"""Meta shows nothing, and nobody told us why: looked at again after this before it counts as uninstalled."""
EXTENSION_VERSION = "stormcom-1"
"""What we tell Meta of our version when an installation is repaired."""


class State(StrEnum):
    """Where an installation stands."""

    BEGUN = "BEGUN"
    INSTALLED = "INSTALLED"
    UNINSTALLED = "UNINSTALLED"


class Channel(StrEnum):
    """Which kind of shop Meta sets up."""

    DEFAULT = "DEFAULT"
    COMMERCE = "COMMERCE"
    COMMERCE_OFFSITE = "COMMERCE_OFFSITE"


ASSETS = (Asset.CATALOG, Asset.PAGE)
"""What a connection works with and an installation may lose."""


def needing(asset: Asset) -> tuple[CapabilityKind, ...]:
    """List the capabilities that end with an asset; all others go on."""
    return tuple(kind for kind, need in NEEDS.items() if need.asset is asset)


@dataclass(frozen=True, slots=True)
class CallToAction:
    """A button, or an entry of a menu."""

    text: str
    url: str
    below_text: str = ""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a shop tells Meta of itself."""

    business_name: str
    timezone: str
    currency: str
    domain: str
    channel: Channel = Channel.DEFAULT
    page_button: CallToAction | None = None
    instagram_button: CallToAction | None = None
    messenger_menu: CallToAction | None = None
    admin_url: str = ""
    country_code: str = ""


@dataclass(frozen=True, slots=True)
class Assets:
    """What Meta shows of an installation. Ids are Meta's; an empty one stands for none."""

    business_id: str = ""
    page_ids: tuple[str, ...] = ()
    catalog_id: str = ""
    pixel_id: str = ""
    instagram_profile_ids: tuple[str, ...] = ()
    ad_account_id: str = ""
    commerce_account_id: str = ""
    integration_id: str = ""
    onsite_eligible: bool = False
    shop_status: str = ""
    features: tuple[str, ...] = ()

    def names(self, asset: Asset, connection: Connection) -> bool:
        """Tell whether what the connection works with is among them."""
        if asset is Asset.CATALOG:
            return bool(connection.catalog_id) and self.catalog_id == connection.catalog_id
        return connection.page_id in self.page_ids

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names, as it is stored."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in ((name, getattr(self, name)) for name in self.__slots__)
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Assets":
        """Read what `document` wrote."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Installation:
    """One store's installation in one environment, as it is kept."""

    store_id: str
    environment: Environment
    external_business_id: str
    connection_id: ConnectionId | None
    state: State
    assets: Assets
    missing: frozenset[Asset]
    by_system_user: bool
    domain: str
    admin_url: str
    read_time: datetime | None
    install_time: datetime | None
    uninstall_time: datetime | None
    notice_time: datetime | None  # when Meta told that it was uninstalled, or we asked for it: to be looked at
    absence_time: datetime | None  # when Meta first showed nothing


@dataclass(frozen=True, slots=True)
class InstallNews:
    """What a webhook tells of an installation: that something happened, and perhaps that it was the end."""

    external_business_id: str
    uninstalled: bool


class Verdict(StrEnum):
    """What a look at Meta means."""

    STANDS = "STANDS"
    LOOK_AGAIN = "LOOK_AGAIN"
    GONE = "GONE"


def judge(installation: Installation, shown: Assets | None, *, at: datetime) -> Verdict:
    """Tell what it means that Meta shows these assets, or nothing.

    Nothing counts as the end at once when we were told of it; otherwise when it was so ten minutes ago already.
    """
    if shown is not None:
        return Verdict.STANDS
    first = installation.absence_time
    known = installation.notice_time is not None or (first is not None and at - first >= LOOK_AGAIN)
    return Verdict.GONE if known else Verdict.LOOK_AGAIN


def lost(installation: Installation, shown: Assets, connection: Connection) -> frozenset[Asset]:
    """Tell which assets of the connection the installation named once and does not name now.

    What it never named, such as a catalog attached by other means, cannot be lost by it.
    """
    before = installation.assets
    return frozenset(
        asset
        for asset in ASSETS
        if not shown.names(asset, connection) and (asset in installation.missing or before.names(asset, connection))
    )
