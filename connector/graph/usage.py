"""How much of Meta's allowance is used, read from the headers of an answer.

Every shape ends as a list of Usage. Headers that cannot be read are no reason to fail a call: they read as nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Usage:
    """The fullest gauge of one bucket: `percent` of its allowance, and how long until it is open again once it is shut."""

    family: str
    asset_id: str
    percent: float
    regain: timedelta


# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21): percentages of each allowance.
_GAUGES = ("call_count", "total_time", "total_cputime", "acc_id_util_pct")
_PLAIN = {"x-app-usage": "app", "x-page-usage": "pages", "x-ad-account-usage": "ads_management"}
# What we call the buckets is what Meta calls their type; of other types we make no calls.
_FAMILIES = {"app", "pages", "messenger", "catalog_management", "catalog_batch"}


def read_usage(headers: Mapping[str, str]) -> list[Usage]:
    """Read every usage header of an answer; the business header both keyed by asset (as documented) and flat (as some send it)."""
    found = []
    for name, family in _PLAIN.items():
        gauges = _load(headers.get(name))
        if isinstance(gauges, dict):
            found.append(_usage(family, "", gauges))
    by_asset = _load(headers.get("x-business-use-case-usage"))
    if isinstance(by_asset, dict):
        found += _business(by_asset)
    return found


def by_bucket(headers: Mapping[str, str], *, bucket: str, app_bucket: str) -> dict[str, Usage]:
    """Tell the gauge of each bucket after a call that counted against `bucket`.

    A gauge of the call's own family is the call's bucket's, whatever id it stands under.
    """
    # Unverified: whether the business header is keyed by the catalog or by the business that owns it.
    own, usages = bucket.partition(":")[0], [one for one in read_usage(headers) if one.family in _FAMILIES]
    alone = sum(usage.family == own for usage in usages) == 1
    found: dict[str, Usage] = {}
    for usage in usages:
        name = f"{usage.family}:{usage.asset_id}"
        if usage.family == "app":
            name = app_bucket
        elif usage.family == own and (alone or not usage.asset_id):
            name = bucket
        found[name] = max(usage, found.get(name, usage), key=lambda one: one.percent)
    return found


def longest_regain(headers: Mapping[str, str]) -> timedelta:
    """Tell the longest pause the headers ask for; zero when they ask for none."""
    return max((usage.regain for usage in read_usage(headers)), default=timedelta())


def _business(by_asset: dict[str, Any]) -> list[Usage]:
    if any(gauge in by_asset for gauge in _GAUGES):
        return [_usage(str(by_asset.get("type", "business")), "", by_asset)]
    return [
        _usage(str(gauges.get("type", "business")), asset_id, gauges)
        for asset_id, entries in by_asset.items()
        if isinstance(entries, list)
        for gauges in entries
        if isinstance(gauges, dict)
    ]


def _usage(family: str, asset_id: str, gauges: dict[str, Any]) -> Usage:
    percent = max((_number(gauges.get(gauge)) for gauge in _GAUGES), default=0.0)
    return Usage(family, asset_id, percent, timedelta(minutes=_number(gauges.get("estimated_time_to_regain_access"))))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e6 else 0.0


def _load(header: str | None) -> Any:
    try:
        return orjson.loads(header) if header else None
    except orjson.JSONDecodeError:
        return None
