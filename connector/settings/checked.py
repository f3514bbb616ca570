"""The settings as the service uses them, checked; secrets are never printed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from connector.settings import forms
from connector.settings.doors import Doors, read_doors
from connector.settings.mail import MailServer, read_mail
from connector.settings.reader import AppProfile, Reader, Ring
from connector.taxonomy import Kind, Taxonomy
from connector.values import Environment
from connector.vault import Secret


@dataclass(frozen=True, slots=True)
class Paces:
    """How many messages a second a Page sends at most, by what they hold; and how many bulk ones it begins."""

    text: int = 100
    media: int = 10
    bulk: int = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, checked."""

    development: bool
    database_url: Secret
    redis_url: Secret
    grpc_address: tuple[str, int]
    webhook_address: tuple[str, int]
    webhook_processes: int
    trusted_proxies: tuple[forms.Network, ...]
    metrics_address: tuple[str, int] | None
    public_url: str
    graph_url: str
    dialog_url: str
    graph_version: str
    batch_time: timedelta
    batch_window: timedelta
    apps: Mapping[Environment, AppProfile]
    caller_audience: str
    development_token: Secret
    log_level: str
    log_format: str
    caller_jwks: str = field(repr=False)
    caller_jwks_url: str
    caller_jwks_period: timedelta
    caller_token_limit: timedelta
    doors: Doors
    row_security: bool
    private_pushes: bool
    push_patience: timedelta
    vault: Ring
    taxonomies: Mapping[Kind, Taxonomy] = field(repr=False)
    mail: MailServer | None = None
    backfill_time: timedelta = timedelta(days=30)
    backfill_conversations: int = 500
    paces: Paces = Paces()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check everything.

        Raises:
            SettingsError: naming every missing or wrong variable at once.

        """
        reader = Reader(environ)
        development = reader.choice("PROFILE", "production", "development") == "development"
        graph_version = reader.parsed("META_GRAPH_VERSION", forms.version, "such as v26.0") or ""
        address = reader.address("GRPC_ADDRESS") or ("localhost", 0)
        settings = cls(
            development=development,
            database_url=Secret(reader.url("DATABASE_URL", "postgresql", "postgres")),
            redis_url=Secret(reader.url("REDIS_URL", "redis", "rediss", "unix")),
            grpc_address=address,
            doors=read_doors(reader, address, development=development),
            row_security=reader.choice("DATABASE_ROW_SECURITY", "required", "off") == "required",
            private_pushes=reader.choice("PUSH_ADDRESSES", "public", "any") == "any",
            push_patience=reader.period("PUSH_PATIENCE_SECONDS", most=timedelta(days=30)),
            webhook_address=reader.address("WEBHOOK_ADDRESS") or ("", 0),
            webhook_processes=reader.number("WEBHOOK_PROCESSES", 1, 64),
            trusted_proxies=reader.parsed("TRUSTED_PROXIES", forms.networks, "networks such as 10.0.0.0/8") or (),
            metrics_address=reader.address("METRICS_ADDRESS"),
            public_url=reader.url("PUBLIC_URL", "https", "http"),
            graph_url=reader.url("META_GRAPH_URL", "https", "http"),
            dialog_url=reader.url("META_DIALOG_URL", "https", "http"),
            graph_version=graph_version,
            batch_time=reader.period("META_BATCH_SECONDS"),
            batch_window=reader.period("META_BATCH_WINDOW_SECONDS"),
            apps=reader.apps(graph_version),
            taxonomies={kind: reader.taxonomy(kind) for kind in Kind},
            vault=reader.ring(),
            backfill_time=timedelta(days=reader.number("BACKFILL_DAYS", 1, 365)),
            backfill_conversations=reader.number("BACKFILL_CONVERSATIONS", 1, 10_000),
            mail=read_mail(reader, development=development),
            paces=Paces(
                text=reader.number("META_MESSAGES_PER_SECOND", 1, 10_000),
                media=reader.number("META_MEDIA_PER_SECOND", 1, 10_000),
                bulk=reader.number("BULK_MESSAGES_PER_SECOND", 1, 10_000),
            ),
            caller_jwks=reader.parsed("CALLER_JWKS", forms.jwks, "a JSON object with a list `keys`") or "",
            caller_jwks_url=reader.url("CALLER_JWKS_URL", "https", "http"),
            caller_jwks_period=reader.period("CALLER_JWKS_SECONDS"),
            caller_token_limit=reader.period("CALLER_TOKEN_SECONDS", most=timedelta(days=1)),
            caller_audience=reader.text("CALLER_AUDIENCE"),
            development_token=Secret(reader.text("DEVELOPMENT_TOKEN")),
            log_level=reader.choice("LOG_LEVEL", "debug", "info", "warning", "error"),
            log_format=reader.choice("LOG_FORMAT", "", "json", "console"),
        )
        reader.require(
            development or not settings.development_token, "DEVELOPMENT_TOKEN: only with PROFILE=development"
        )
        reader.require(
            development or not settings.private_pushes, "PUSH_ADDRESSES: `any` only with PROFILE=development"
        )
        _require_keys(reader, settings)
        reader.finish()
        return settings


def read_database_url(environ: Mapping[str, str]) -> Secret:
    """Read only where the database is, for `migrate`."""
    reader = Reader(environ)
    url = Secret(reader.url("DATABASE_URL", "postgresql", "postgres"))
    reader.finish()
    return url


def _require_keys(reader: Reader, settings: Settings) -> None:
    """Refuse settings by which nobody could be let in, or anybody who listens could choose the keys."""
    given, url = bool(settings.caller_jwks), settings.caller_jwks_url
    reader.require(
        given or bool(url) or (settings.development and bool(settings.development_token)),
        "CALLER_JWKS or CALLER_JWKS_URL: required, or no caller could be let in"
        + (" (or DEVELOPMENT_TOKEN)" if settings.development else ""),
    )
    reader.require(not (given and url), "CALLER_JWKS_URL: given beside CALLER_JWKS; which of them counts?")
    reader.require(
        settings.development or not url.startswith("http:"), "CALLER_JWKS_URL: must begin with https:// in production"
    )
