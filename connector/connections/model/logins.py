"""How a merchant logs in: by which way, how far they came, and where it ended."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from connector.connections.model.assets import Offer
from connector.connections.model.connection import Connection
from connector.connections.model.consent import Loss
from connector.errors import ConnectorError
from connector.values import ConnectionId, Environment

LOGIN_TIME = timedelta(minutes=10)
CHOICE_TIME = timedelta(hours=1)
"""How long the token of a login waits for the merchant's choice."""


class Way(StrEnum):
    """How a merchant connects: who asks in Meta's dialog, and for what."""

    PAGE_LOGIN = "PAGE_LOGIN"
    BUSINESS_LOGIN = "BUSINESS_LOGIN"
    BUSINESS_EXTENSION = "BUSINESS_EXTENSION"


@dataclass(frozen=True, slots=True)
class Login:
    """One walk through Meta's dialog. Its state is kept only as a digest.

    `actor` is the caller that began it; `withdrawn`, that the store was disconnected since; `token`, sealed, what its code was
    exchanged for when Meta failed after that.
    """

    connection_id: ConnectionId
    store_id: str
    actor: str
    environment: Environment
    way: Way
    redirect_uri: str
    return_url: str
    expire_time: datetime
    token: bytes | None = field(default=None, repr=False)
    digest: bytes = field(default=b"", repr=False)
    used: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A login whose choice is open: its sealed token, what it granted, and until when it waits."""

    token: bytes
    offer: Offer
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a login ended: `outcome` is `CONNECTED`, `AWAITING_CHOICE`, or the reason it failed with.

    `return_url` is where the merchant's browser goes; empty for a state that nobody knows, or when none was given.
    `losses` is what it took away from live connections.
    """

    outcome: str
    connection: Connection | None
    offer: Offer
    return_url: str
    error: ConnectorError | None = None
    losses: tuple[Loss, ...] = ()
