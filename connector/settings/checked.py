"""The settings as the service uses them, checked; secrets are never printed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from connector.settings import forms
from connector.settings.reader import AppProfile, Reader
from connector.taxonomy import Kind, Taxonomy
from connector.values import Environment
from connector.vault import Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, checked."""

    development: bool
    database_url: Secret
    redis_url: Secret
    grpc_address: tuple[str, int]
    webhook_address: tuple[str, int]
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
    vault_keys: Mapping[int, bytes] = field(repr=False)
    taxonomies: Mapping[Kind, Taxonomy] = field(repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check everything.

        Raises:
            SettingsError: naming every missing or wrong variable at once.

        """
        reader = Reader(environ)
        development = reader.choice("PROFILE", "production", "development") == "development"
        graph_version = reader.parsed("META_GRAPH_VERSION", forms.version, "such as v26.0") or ""
        settings = cls(
            development=development,
            database_url=Secret(reader.url("DATABASE_URL", "postgresql", "postgres")),
            redis_url=Secret(reader.url("REDIS_URL", "redis", "rediss", "unix")),
            grpc_address=reader.address("GRPC_ADDRESS") or ("", 0),
            webhook_address=reader.address("WEBHOOK_ADDRESS") or ("", 0),
            metrics_address=reader.address("METRICS_ADDRESS"),
            public_url=reader.url("PUBLIC_URL", "https", "http"),
            graph_url=reader.url("META_GRAPH_URL", "https", "http"),
            dialog_url=reader.url("META_DIALOG_URL", "https", "http"),
            graph_version=graph_version,
            batch_time=reader.parsed("META_BATCH_SECONDS", forms.seconds, "a number from 1 to 3600"),
            batch_window=reader.parsed("META_BATCH_WINDOW_SECONDS", forms.seconds, "a number from 1 to 3600"),
            apps=reader.apps(graph_version),
            taxonomies={kind: reader.taxonomy(kind) for kind in Kind},
            vault_keys=reader.parsed(
                "VAULT_KEYS", forms.keys, "`id:base64 of 32 bytes`, ids from 1 to 255, comma separated"
            )
            or {},
            caller_jwks=reader.parsed("CALLER_JWKS", forms.jwks, "a JSON object with a list `keys`") or "",
            caller_audience=reader.text("CALLER_AUDIENCE"),
            development_token=Secret(reader.text("DEVELOPMENT_TOKEN")),
            log_level=reader.choice("LOG_LEVEL", "debug", "info", "warning", "error"),
            log_format=reader.choice("LOG_FORMAT", "", "json", "console"),
        )
        reader.require(
            development or not settings.development_token, "DEVELOPMENT_TOKEN: only with PROFILE=development"
        )
        reader.require(
            bool(settings.caller_jwks) or (development and bool(settings.development_token)),
            "CALLER_JWKS: required, or no caller could be let in" + (" (or DEVELOPMENT_TOKEN)" if development else ""),
        )
        reader.finish()
        return settings


def read_database_url(environ: Mapping[str, str]) -> Secret:
    """Read only where the database is, for `migrate`."""
    reader = Reader(environ)
    url = Secret(reader.url("DATABASE_URL", "postgresql", "postgres"))
    reader.finish()
    return url
