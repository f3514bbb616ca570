"""Reads the environment, and collects every problem instead of stopping at the first; a secret `X` may stand in a file `X_FILE`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connector import taxonomy
from connector.settings import forms
from connector.settings.variables import VARIABLES
from connector.taxonomy import Kind, Taxonomy
from connector.values import OPTIONAL, CapabilityKind, Environment
from connector.vault import Secret
from connector.vault.services import Place


class SettingsError(Exception):
    """The environment cannot be used; the message names every problem."""


@dataclass(frozen=True, slots=True)
class AppProfile:
    """A Meta app: the first secret signs, all verify (rotation).

    `capabilities` are those that it asks merchants for beyond the basic ones; `login_config_id` is what Facebook Login
    for Business asks for instead, empty where it is not set up; `client_token` opens Meta Business Extension in an iframe, empty
    where the dialog is used; `keeps_webhooks` lets us set the app's webhooks where they are wrong.
    """

    environment: Environment
    app_id: str
    secrets: tuple[Secret, ...]
    verify_token: Secret
    graph_version: str
    capabilities: frozenset[CapabilityKind]
    login_config_id: str = ""
    client_token: Secret = field(default_factory=lambda: Secret(""))
    sha1_allowed: bool = False
    keeps_webhooks: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """The vault's keys by id: our own, those that live in a key service, and the one that seals."""

    keys: Mapping[int, bytes] = field(repr=False)
    places: Mapping[int, Place]
    sealing_key_id: int
    transit_token: Secret


class Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._variables = {variable.name: variable for variable in VARIABLES}
        self._problems: list[str] = []

    def require(self, holds: bool, problem: str) -> None:  # noqa: FBT001 – a condition is what this takes
        """Note a problem unless something holds."""
        if not holds:
            self._problems.append(problem)

    def finish(self) -> None:
        """Stop if there were problems.

        Raises:
            SettingsError: naming all of them.

        """
        if self._problems:
            raise SettingsError(
                "The settings cannot be used:\n" + "\n".join(f"  {problem}" for problem in self._problems)
            )

    def text(self, name: str) -> str:
        """Read a variable, or the file that a secret's `_FILE` names."""
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
        """Read a variable of a form; None when it is empty or has not the form."""
        value = self.text(name)
        try:
            return parse(value) if value else None
        except ValueError:
            self._problems.append(f"{name}: must be {form}")
            return None

    def choice(self, name: str, *allowed: str) -> str:
        """Read one of a few words."""
        value = self.text(name)
        self.require(value in allowed, f"{name}: must be one of {', '.join(word or 'empty' for word in allowed)}")
        return value

    def number(self, name: str, least: int, most: int) -> int:
        """Read a whole number within limits."""

        def parse(value: str) -> int:
            number = int(value)
            if not least <= number <= most:
                raise ValueError(value)
            return number

        return self.parsed(name, parse, f"a number from {least} to {most}") or least

    def period(self, name: str, *, most: timedelta = timedelta(hours=1)) -> timedelta:
        """Read a time in seconds, at least one."""
        return timedelta(seconds=self.number(name, 1, int(most.total_seconds())))

    def url(self, name: str, *schemes: str) -> str:
        """Read a whole URL, without a slash at its end."""
        value = self.text(name)
        if value:
            form = " or ".join(f"{scheme}://" for scheme in schemes)
            self.require(_leads_somewhere(value, schemes), f"{name}: must be a whole URL that begins with {form}")
        return value.rstrip("/")

    def address(self, name: str) -> tuple[str, int] | None:
        """Read host and port."""
        return self.parsed(name, _address, "host:port")  # type: ignore[no-any-return] # what _address returns, or None

    def taxonomy(self, kind: Kind) -> Taxonomy:
        """Load a list of categories."""
        name = f"{kind}_TAXONOMY_FILE"
        try:
            return taxonomy.load(kind, self.text(name))
        except (OSError, ValueError) as error:
            self._problems.append(f"{name}: cannot be read ({error})")
            return taxonomy.load(kind, "")

    def ring(self) -> Ring:
        """Read the vault's keys, and look that the clients of their key services are installed."""
        before = len(self._problems)
        keys: dict[int, bytes] = self.parsed("VAULT_KEYS", forms.keys, forms.KEYS) or {}
        places: dict[int, Place] = self.parsed("VAULT_KMS", forms.places, forms.PLACES) or {}
        self.require(bool(keys or places) or len(self._problems) > before, "VAULT_KEYS: required, or VAULT_KMS")
        self.require(not keys.keys() & places.keys(), "VAULT_KMS: a key has an id of one in VAULT_KEYS")
        for extra in sorted({place.missing_extra() for place in places.values()} - {""}):
            self.require(False, f"VAULT_KMS: the client is missing: install facebook-connector[{extra}]")
        ring = [*places, *keys]
        named = self.parsed("VAULT_SEALING_KEY", int, "the id of a key") or next(iter(ring), 0)
        self.require(named in ring or not ring, "VAULT_SEALING_KEY: must be the id of a key in VAULT_KEYS or VAULT_KMS")
        return Ring(keys, places, named, Secret(self.text("VAULT_TRANSIT_TOKEN")))

    def apps(self, default_version: str) -> Mapping[Environment, AppProfile]:
        """Read the apps that we are at Meta."""
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
                version = self.parsed(f"{prefix}GRAPH_VERSION", forms.version, "such as v26.0")
                optional = self.parsed(f"{prefix}CAPABILITIES", forms.optional, f"some of {', '.join(OPTIONAL)}")
                profiles[environment] = AppProfile(
                    environment,
                    app_id,
                    parts,
                    Secret(token),
                    version or default_version,
                    optional or frozenset(),
                    self.text(f"{prefix}LOGIN_CONFIG_ID"),
                    Secret(self.text(f"{prefix}CLIENT_TOKEN")),
                    self.choice(f"{prefix}SHA1_SIGNATURES", "on", "off") == "on",
                    self.choice(f"{prefix}WEBHOOKS", "watch", "keep") == "keep",
                )
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
