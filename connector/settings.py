"""The environment, read once at the start of a process; every problem is reported in one message.

A secret `X` may stand in a file named by `X_FILE` instead. Secrets are never printed. `.env.example` is generated from here.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connector import taxonomy
from connector.taxonomy import Kind, Taxonomy
from connector.values import Environment
from connector.vault import Secret


class SettingsError(Exception):
    """The environment cannot be used; the message names every problem."""


@dataclass(frozen=True, slots=True)
class AppProfile:
    """A Meta app: the first secret signs, all verify (rotation)."""

    environment: Environment
    app_id: str
    secrets: tuple[Secret, ...]
    verify_token: Secret


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: its meaning, its default (None: required), and whether it is secret."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False
    example: str = ""


VARIABLES = (
    Variable("PROFILE", "`production`, or `development`: reflection on, development token allowed", "production"),
    Variable(
        "DATABASE_URL", "PostgreSQL ≥ 14", None, secret=True, example="postgresql://connector:…@localhost/connector"
    ),
    Variable(
        "REDIS_URL",
        "Redis ≥ 6.2 or Valkey; carries wake-ups only, may be emptied at any time",
        None,
        secret=True,
        example="redis://localhost:6379/0",
    ),
    Variable("GRPC_ADDRESS", "host:port of the gRPC server; port 0 takes a free one", "127.0.0.1:50051"),
    Variable("WEBHOOK_ADDRESS", "host:port of the webhook ingress", "127.0.0.1:8080"),
    Variable("METRICS_ADDRESS", "host:port of this process's Prometheus endpoint; empty turns it off", ""),
    Variable(
        "PUBLIC_URL",
        "base URL under which Meta and browsers reach the ingress",
        None,
        example="https://facebook.stormcom.example",
    ),
    Variable("META_GRAPH_URL", "the Graph API", "https://graph.facebook.com"),
    Variable("META_DIALOG_URL", "where the login dialog lives", "https://www.facebook.com"),
    Variable("META_GRAPH_VERSION", "the Graph API version we speak", "v26.0"),
    # Unverified: how long Meta takes at the most; about two minutes are usual.
    Variable(
        "META_BATCH_SECONDS",
        "how long Meta may work on a batch: items of one whose answer was lost rest that long before they are sent again",
        "240",
    ),
    # Unverified: an hour by the rate limits' documentation, a minute by that of batches.
    Variable(
        "META_BATCH_WINDOW_SECONDS", "the time in which Meta counts a catalog's batches for its rate limit", "3600"
    ),
    *(
        Variable(
            f"{whose}_TAXONOMY_FILE",
            f"{whose.title()}'s list of product categories, from {link}; empty checks their form only",
            "",
        )
        for whose, link in (
            ("GOOGLE", "https://www.google.com/basepages/producttype/taxonomy-with-ids.en-US.txt"),
            ("META", "https://www.facebook.com/products/categories/en_US.txt"),
        )
    ),
    *(
        variable
        for world, which in (("PRODUCTION", "live"), ("TEST", "test"))
        for variable in (
            Variable(f"META_{world}_APP_ID", f"id of the {which} app; one of the two profiles is required", ""),
            Variable(
                f"META_{world}_APP_SECRETS",
                f"secrets of the {which} app, comma separated: the first signs, all verify",
                "",
                secret=True,
            ),
            Variable(
                f"META_{world}_VERIFY_TOKEN",
                f"what Meta must say in the {which} app's webhook handshake",
                "",
                secret=True,
            ),
        )
    ),
    Variable(
        "VAULT_KEYS",
        "keys that seal tokens, `id:base64 of 32 bytes`, comma separated: the first seals, all open",
        None,
        secret=True,
        example="1:…",
    ),
    Variable("CALLER_JWKS", "JSON Web Key Set that verifies callers' tokens; required in production", "", secret=True),
    Variable("CALLER_AUDIENCE", "the audience callers' tokens must name", "facebook-connector"),
    Variable("DEVELOPMENT_TOKEN", "a bearer token that may do everything; development only", "", secret=True),
    Variable("LOG_LEVEL", "debug, info, warning or error", "info"),
    Variable("LOG_FORMAT", "json or console; empty decides by the terminal", ""),
)
"""Every variable the service reads, in the order of `.env.example`."""


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
        reader = _Reader(environ)
        development = reader.choice("PROFILE", "production", "development") == "development"
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
            graph_version=reader.parsed("META_GRAPH_VERSION", _version, "such as v26.0") or "",
            batch_time=reader.parsed("META_BATCH_SECONDS", _seconds, "a number from 1 to 3600"),
            batch_window=reader.parsed("META_BATCH_WINDOW_SECONDS", _seconds, "a number from 1 to 3600"),
            apps=reader.apps(),
            taxonomies={kind: reader.taxonomy(kind) for kind in Kind},
            vault_keys=reader.parsed("VAULT_KEYS", _keys, "`id:base64 of 32 bytes`, ids from 1 to 255, comma separated")
            or {},
            caller_jwks=reader.parsed("CALLER_JWKS", _jwks, "a JSON object with a list `keys`") or "",
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
    reader = _Reader(environ)
    url = Secret(reader.url("DATABASE_URL", "postgresql", "postgres"))
    reader.finish()
    return url


def write_example() -> str:
    """Write `.env.example`."""
    lines = ["# Every setting of the connector. A secret X may stand in a file named by X_FILE instead."]
    for variable in VARIABLES:
        kind = "required" if variable.default is None else f"default: {variable.default or 'empty'}"
        value = variable.example if variable.default is None else variable.default
        lines += [
            "",
            f"# {variable.meaning} ({kind}{', secret' if variable.secret else ''})",
            f"{variable.name}={value}",
        ]
    return "\n".join(lines) + "\n"


class _Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._variables = {variable.name: variable for variable in VARIABLES}
        self._problems: list[str] = []

    def require(self, holds: bool, problem: str) -> None:  # noqa: FBT001 – a condition is what this takes
        if not holds:
            self._problems.append(problem)

    def finish(self) -> None:
        if self._problems:
            raise SettingsError(
                "The settings cannot be used:\n" + "\n".join(f"  {problem}" for problem in self._problems)
            )

    def text(self, name: str) -> str:
        variable, value = self._variables[name], self._environ.get(name, "")
        path = self._environ.get(f"{name}_FILE", "")
        if variable.secret and path:
            self.require(not value, f"{name}: given twice, in itself and in {name}_FILE")
            try:
                return Path(path).read_text().strip()
            except OSError as error:
                self._problems.append(f"{name}_FILE: cannot be read ({error.strerror})")
                return ""
        if not value and variable.default is None:
            self._problems.append(f"{name}: required – {variable.meaning}")
        return value or variable.default or ""

    def parsed(self, name: str, parse: Callable[[str], Any], form: str) -> Any:
        value = self.text(name)
        try:
            return parse(value) if value else None
        except ValueError:
            self._problems.append(f"{name}: must be {form}")
            return None

    def choice(self, name: str, *allowed: str) -> str:
        value = self.text(name)
        self.require(value in allowed, f"{name}: must be one of {', '.join(word or 'empty' for word in allowed)}")
        return value

    def url(self, name: str, *schemes: str) -> str:
        value = self.text(name)
        if value:
            form = " or ".join(f"{scheme}://" for scheme in schemes)
            self.require(_leads_somewhere(value, schemes), f"{name}: must be a whole URL that begins with {form}")
        return value.rstrip("/")

    def address(self, name: str) -> tuple[str, int] | None:
        return self.parsed(name, _address, "host:port")  # type: ignore[no-any-return] # what _address returns, or None

    def taxonomy(self, kind: Kind) -> Taxonomy:
        name = f"{kind}_TAXONOMY_FILE"
        try:
            return taxonomy.load(kind, self.text(name))
        except (OSError, ValueError) as error:
            self._problems.append(f"{name}: cannot be read ({error})")
            return taxonomy.load(kind, "")

    def apps(self) -> Mapping[Environment, AppProfile]:
        profiles = {}
        for environment in Environment:
            prefix = f"META_{environment}_"
            app_id, secrets = self.text(f"{prefix}APP_ID"), self.text(f"{prefix}APP_SECRETS")
            token = self.text(f"{prefix}VERIFY_TOKEN")
            given = [bool(app_id), bool(secrets), bool(token)]
            self.require(
                all(given) or not any(given), f"{prefix}APP_ID, _APP_SECRETS, _VERIFY_TOKEN: all three or none"
            )
            if all(given):
                parts = tuple(Secret(part.strip()) for part in secrets.split(",") if part.strip())
                profiles[environment] = AppProfile(environment, app_id, parts, Secret(token))
        self.require(bool(profiles), "META_PRODUCTION_APP_ID or META_TEST_APP_ID: at least one app profile is required")
        return profiles


def _leads_somewhere(url: str, schemes: tuple[str, ...]) -> bool:
    """Tell whether a URL has one of the schemes, something behind it, and a port that is one."""
    try:
        parts = urlsplit(url)
        named = parts.hostname or parts.path.strip("/") or parts.query
        return parts.scheme in schemes and "://" in url and bool(named) and parts.port != 0
    except ValueError:
        return False


def _address(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not 0 <= int(port) < 65536:
        raise ValueError(value)
    return host.strip("[]"), int(port)


def _version(value: str) -> str:
    major, _, minor = value.removeprefix("v").partition(".")
    if not value.startswith("v") or not (major.isdecimal() and minor.isdecimal()):
        raise ValueError(value)
    return value


def _seconds(value: str) -> timedelta:
    seconds = int(value)
    if not 1 <= seconds <= 3600:
        raise ValueError(value)
    return timedelta(seconds=seconds)


def _keys(value: str) -> dict[int, bytes]:
    keys: dict[int, bytes] = {}
    for part in value.split(","):
        number, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError(value) from None
        if len(key) != 32 or not 0 < int(number) < 256 or int(number) in keys:
            raise ValueError(value)
        keys[int(number)] = key
    return keys


def _jwks(value: str) -> str:
    parsed = json.loads(value)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError(value)
    return value
