"""The rules of a connection's catalog, as callers say them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from connector.catalog import actions
from connector.catalog.actions import Settings
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb

T = TypeVar("T")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class _Number:
    """A rule that is a number for callers: what it is called for us, what it may be, and its unit."""

    rule: str
    most: int
    least: int = 0
    zero: bool = True
    unit: timedelta | None = None

    def read(self, value: int, field: str, faults: read.Faults) -> Any:
        """Read it, noting what is wrong."""
        if not (self.least <= value <= self.most or (self.zero and value == 0)):
            allowed = (
                f"{self.least} to {self.most:,}" if self.least in {0, 1} else f"0, or {self.least} to {self.most:,}"
            )
            faults.add(field, "FIELD_INVALID", f"must be {allowed}")
        return value * self.unit if self.unit else value

    def write(self, value: Any) -> int:
        """Write it."""
        return int(value // (self.unit or 1))


_NUMBERS: Mapping[str, _Number] = {
    "guard_percent": _Number("guard_percent", 100),
    "guard_items": _Number("guard_items", _MILLION),
    "full_sync_hours": _Number("full_sync_period", 720, unit=timedelta(hours=1)),
    "delta_sync_minutes": _Number("delta_sync_period", 1_440, 15, unit=timedelta(minutes=1)),
    "safety_stock": _Number("safety_stock", _MILLION),
    "last_units": _Number("last_units", _MILLION),
    "flip_alarm_percent": _Number("flip_alarm_percent", 100, 1, zero=False),
}


async def get_catalog_settings(
    runtime: Runtime, request: pb.GetCatalogSettingsRequest
) -> pb.GetCatalogSettingsResponse:
    """Tell the rules."""
    found = await actions.settings(runtime, request.store_id, request.connection_id)
    return _write(pb.GetCatalogSettingsResponse, found)


async def update_catalog_settings(
    runtime: Runtime, request: pb.UpdateCatalogSettingsRequest
) -> pb.UpdateCatalogSettingsResponse:
    """Change the rules that are set."""
    changes: dict[str, Any] = {}
    faults = read.Faults()
    for field, value in request.settings.ListFields():
        if number := _NUMBERS.get(field.name):
            changes[number.rule] = number.read(value, f"settings.{field.name}", faults)
        else:
            changes[field.name] = value
    faults.finish()
    changed = await actions.change_settings(runtime, request.store_id, request.connection_id, changes)
    return _write(pb.UpdateCatalogSettingsResponse, changed)


def _write(response: Callable[..., T], found: Settings) -> T:
    numbers = {name: number.write(getattr(found.rules, number.rule)) for name, number in _NUMBERS.items()}
    return response(
        settings=pb.CatalogSettings(**numbers, hide_unconfirmed=found.rules.hide_unconfirmed),
        next_full_sync_time=write.instant(found.next_full_sync_time),
        next_delta_sync_time=write.instant(found.next_delta_sync_time),
    )
