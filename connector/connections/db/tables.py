"""Connections, logins under way, and what went wrong.

A Page belongs to one live connection per environment: a unique index says so, whatever two merchants do at once.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    Uuid,
    text,
)

from connector.connections.model import Block, CapabilityKind, Connection, Probe, Reach, State
from connector.db.schema import SEALED, Instant, Json, metadata
from connector.values import Environment

CHANNEL = "connections"

connections = Table(
    "connections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("state_time", Instant, nullable=False),
    Column("successor_id", Uuid, comment="the connection that already stood for the Page chosen here"),
    Column("page_id", Text, nullable=False, server_default=""),
    Column("page_name", Text, nullable=False, server_default=""),
    Column("page_tasks", Json, nullable=False, server_default="[]"),
    Column("instagram_id", Text, nullable=False, server_default=""),
    Column("instagram_username", Text, nullable=False, server_default=""),
    Column("business_id", Text, nullable=False, server_default=""),
    Column("catalog_id", Text, nullable=False, server_default=""),
    Column("catalog_name", Text, nullable=False, server_default=""),
    Column("catalog_product_count", BigInteger, nullable=False, server_default="0"),
    Column("catalog_attach_time", Instant),
    Column("catalog_wish", Json, comment="a catalog that Meta was asked to create: looked for before asking again"),
    Column("catalog_go_time", Instant, comment="the explicit go: nothing is sent to the catalog before"),
    Column("user_id", Text, nullable=False, server_default="", comment="app-scoped id of who logged in"),
    Column("user_token", LargeBinary, comment="sealed", info={SEALED: "user"}),
    Column("page_token", LargeBinary, comment="sealed", info={SEALED: "page"}),
    Column("token_kind", Text, nullable=False, server_default="", comment="USER or SYSTEM_USER"),
    Column("granted_scopes", Json, nullable=False, server_default="[]"),
    Column(
        "reach", Json, nullable=False, server_default="{}", comment="assets a permission was granted for, if not all"
    ),
    Column("token_expire_time", Instant),
    Column("data_access_expire_time", Instant),
    Column(
        "token_time", Instant, comment="when the tokens were last replaced: what failed of the old ones is the past"
    ),
    Column("blocks", Json, nullable=False, server_default="{}", comment="what Meta took away from single capabilities"),
    Column("probes", Json, nullable=False, server_default="{}", comment="what tries of single capabilities told last"),
    Column("login_token", LargeBinary, comment="sealed; of a login whose choice is open", info={SEALED: "login"}),
    Column("login_offer", Json, comment="what that login granted: to choose from"),
    Column("login_expire_time", Instant, comment="until when the choice can be made"),
    Column("offer", Json, comment="what the login granted that the connection is linked with"),
    Column("subscribed_fields", Json, nullable=False, server_default="[]"),
    Column("subscription_check_time", Instant),
    Column(
        "forwards_mail",
        Boolean,
        nullable=False,
        server_default="false",
        comment="whether messages are forwarded by e-mail: so that who receives one need not look",
    ),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("state NOT IN ('CONNECTED', 'NEEDS_LOGIN', 'DISCONNECTING') OR page_id <> ''", "live_has_page"),
    CheckConstraint(
        "state NOT IN ('CONNECTED', 'DISCONNECTING') OR (user_token IS NOT NULL AND page_token IS NOT NULL)",
        "connected_has_tokens",
    ),
    Index(
        "uq_connections_environment_page_id",
        "environment",
        "page_id",
        unique=True,
        postgresql_where=text("state IN ('CONNECTED', 'NEEDS_LOGIN', 'DISCONNECTING')"),
    ),
    Index(
        "ix_connections_environment_instagram_id",
        "environment",
        "instagram_id",
        postgresql_where=text("instagram_id <> ''"),
    ),
    Index("ix_connections_store_id", "store_id"),
    Index("ix_connections_user_id", "user_id"),
    Index("ix_connections_catalog_id", "catalog_id"),
)
logins = Table(
    "logins",
    metadata,
    Column("state_digest", LargeBinary, primary_key=True, comment="SHA-256 of the state handed to Meta"),
    Column("id", BigInteger, Identity(), nullable=False, unique=True),
    Column("connection_id", Uuid, nullable=False),
    Column("store_id", Text, nullable=False),
    Column(
        "actor", Text, nullable=False, server_default="", comment="the caller that began it, and alone may complete it"
    ),
    Column("environment", Text, nullable=False),
    Column("way", Text, nullable=False, server_default="PAGE_LOGIN"),
    Column("redirect_uri", Text, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("expire_time", Instant, nullable=False, index=True),
    Column("use_time", Instant, comment="set once: a state is used once"),
    Column(
        "token", LargeBinary, comment="sealed; what the code was exchanged for, until it is kept", info={SEALED: "code"}
    ),
    Column("withdraw_time", Instant, comment="when the store was disconnected: the login links nothing any more"),
    Index("ix_logins_connection_id", "connection_id"),
)
problems = Table(
    "problems",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("subcode", Integer, nullable=False),
    Column("time", Instant, nullable=False),
    Index("ix_problems_connection_id_time", "connection_id", "time"),
)
SHOWN = [connections.c[field.name] for field in fields(Connection)]
"""The columns of a Connection."""


def shown(row: Row[Any]) -> Connection:
    """Read a connection from a row of SHOWN."""
    return read_connection(dict(row._mapping))  # noqa: SLF001 – SQLAlchemy's documented way to a mapping


def read_connection(columns: Mapping[str, Any]) -> Connection:
    """Read a connection from its row."""
    values = {field.name: columns[field.name] for field in fields(Connection)}
    facts = {
        "blocks": {CapabilityKind(kind): Block.of(entry) for kind, entry in values["blocks"].items()},
        "probes": {CapabilityKind(kind): Probe.of(entry) for kind, entry in values["probes"].items()},
    }
    lists = {name: tuple(values[name]) for name in ("page_tasks", "granted_scopes", "subscribed_fields")}
    words = {
        "environment": Environment(values["environment"]),
        "state": State(values["state"]),
        "reach": Reach.of(values["reach"]),
    }
    return Connection(**values | lists | words | facts)
