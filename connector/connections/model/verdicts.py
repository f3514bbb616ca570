"""Decides what keeps each capability of a connection from working: grants, tasks, settings, dates, probes, refusals. Pure.

`weigh` looks at everything that is known and writes all blocks anew; a block that stays keeps its time. `consequence` says what a
refusal of Meta means for the capability it was about. Nothing here is ever told of throttling or of Meta's own failures.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from connector.connections.model.capabilities import Block, CapabilityKind, Cause, Probe
from connector.connections.model.connection import Connection
from connector.connections.model.needs import NEEDS, Asset, Need
from connector.graph import lifecycle
from connector.graph.faults import REASONS, Kind
from connector.settings import AppProfile
from connector.values import OPTIONAL

Blocks = Mapping[CapabilityKind, Block]

PROBE_RETIRED_EVERY = timedelta(days=7)
"""How often it is tried whether what Meta switched off answers again, or what it is about to switch off still does."""
PROBE_REFUSED_EVERY = timedelta(hours=6)
PROBE_POLICY_EVERY = timedelta(hours=24)
"""How long a policy block is left alone. Unverified: Meta does not say how long one lasts; a day is usual."""

VOUCHED_FOR = timedelta(days=30)
"""How long after Meta's date a try that was answered vouches for what cannot be tried any more."""


class Consequence(StrEnum):
    """What a refusal means."""

    NONE = "NONE"  # a matter of that one request
    LOGIN = "LOGIN"  # the token is dead
    BLOCK = "BLOCK"  # the capability it was about does not work
    LOOK = "LOOK"  # it may not work: a probe tells


_TAKING = {REASONS[kind] for kind in (Kind.PERMISSION, Kind.POLICY, Kind.RETIRED, Kind.APPROVAL)} | {
    "PIXEL_OUT_OF_REACH"
}
# https://developers.facebook.com/docs/messenger-platform/error-codes (read 2026-11-21): the permission, or one person's consent.
_DOUBTFUL = {(230, 0)}


def consequence(reason: str, code: int, subcode: int) -> Consequence:
    """Tell what a refusal means for what was being done."""
    if reason == REASONS[Kind.TOKEN]:
        return Consequence.LOGIN
    if (code, subcode) in _DOUBTFUL or (code, 0) in _DOUBTFUL:
        return Consequence.LOOK
    return Consequence.BLOCK if reason in _TAKING else Consequence.NONE


def weigh(connection: Connection, app: AppProfile, *, at: datetime) -> Blocks:
    """Tell what keeps each capability from working. Blocks that Meta's refusals set stay unless something else explains them."""
    blocks = {kind: _verdict(connection, kind, app, at=at) for kind in CapabilityKind}
    return {kind: _dated(block, connection.blocks.get(kind)) for kind, block in blocks.items() if block is not None}


def lift(connection: Connection, kind: CapabilityKind) -> Blocks:
    """Take away the block that a refusal set: a call of that kind has worked since."""
    return {
        name: block for name, block in connection.blocks.items() if name is not kind or block.cause is not Cause.REFUSAL
    }


def refused(connection: Connection, kind: CapabilityKind) -> bool:
    """Tell whether a refusal of Meta is what keeps a capability from working."""
    block = connection.blocks.get(kind)
    return block is not None and block.cause is Cause.REFUSAL


def probes_due(connection: Connection, app: AppProfile, *, at: datetime) -> tuple[CapabilityKind, ...]:
    """Tell which capabilities are worth a try now: those refused a while ago, and those that Meta ends or has ended."""
    return tuple(kind for kind in CapabilityKind if _due(connection, kind, app, at=at))


def _due(connection: Connection, kind: CapabilityKind, app: AppProfile, *, at: datetime) -> bool:
    block, probe = connection.blocks.get(kind), connection.probes.get(kind)
    if NEEDS[kind].asset is Asset.CATALOG and not connection.catalog_id:  # nothing to try it on
        return False
    if refused(connection, kind) and block is not None:
        wait = PROBE_POLICY_EVERY if block.reason == REASONS[Kind.POLICY] else PROBE_REFUSED_EVERY
        return at - max(block.since_time, probe.time if probe else block.since_time) >= wait
    ending = any(one.capability is kind for one in lifecycle.SUNSETS)
    if not ending or kind not in app.capabilities or _ungranted(connection, kind, at=at) is not None:
        return False
    return probe is None or at - probe.time >= PROBE_RETIRED_EVERY


def _verdict(connection: Connection, kind: CapabilityKind, app: AppProfile, *, at: datetime) -> Block | None:
    if (ended := _ended(connection, kind, app, at=at)) is not None:
        return ended
    if kind in OPTIONAL and kind not in app.capabilities:
        return Block("CAPABILITY_NOT_ENABLED", at, Cause.STANDING)
    if (ungranted := _ungranted(connection, kind, at=at)) is not None:
        return ungranted
    return connection.blocks[kind] if refused(connection, kind) else None


def _ended(connection: Connection, kind: CapabilityKind, app: AppProfile, *, at: datetime) -> Block | None:
    """Tell whether Meta has switched it off: what a probe found out counts, otherwise the date does."""
    probe, sunset = connection.probes.get(kind), lifecycle.retired(kind, app.graph_version, at=at)
    ending = any(one.capability is kind for one in lifecycle.SUNSETS)
    if not ending or (probe is not None and probe.alive) or (probe is None and sunset is None):
        return None
    explanation = sunset.explanation if sunset else ""
    return Block("CAPABILITY_RETIRED_BY_META", at, Cause.STANDING, explanation=explanation)


def past_hope(connection: Connection, kind: CapabilityKind, app: AppProfile, *, at: datetime) -> bool:
    """Tell whether work that waits for the merchant waits in vain: Meta has switched it off, or should have and nobody saw it since."""
    block, probe = connection.blocks.get(kind), connection.probes.get(kind)
    if block is not None and block.reason == REASONS[Kind.RETIRED]:
        return True
    if (sunset := lifecycle.retired(kind, app.graph_version, at=at)) is None:
        return False
    return probe is None or not probe.alive or probe.time < max(sunset.time, at - VOUCHED_FOR)


def _ungranted(connection: Connection, kind: CapabilityKind, *, at: datetime) -> Block | None:
    """Tell what the merchant has not granted. A connection without any permission was never inspected: nothing follows."""
    need = NEEDS[kind]
    if connection.granted_scopes and (missing := _missing_scopes(connection, need)):
        return Block("SCOPES_MISSING", at, Cause.STANDING, missing)
    if connection.page_tasks and (missing := tuple(task for task in need.tasks if task not in connection.page_tasks)):
        return Block("PAGE_TASK_MISSING", at, Cause.STANDING, missing)
    return None


def _missing_scopes(connection: Connection, need: Need) -> tuple[str, ...]:
    """List what was not granted at all, and what was granted for other assets only."""
    missing = [scope for scope in need.scopes if scope not in connection.granted_scopes]
    own = _own_assets(connection, need.asset)
    for scope in need.scopes:
        targets = connection.reach.targets.get(scope)
        if scope not in missing and targets and own and not set(own) & set(targets):
            missing.append(f"{scope}:{own[0]}")
    return tuple(missing)


def _own_assets(connection: Connection, asset: Asset | None) -> tuple[str, ...]:
    """List the ids that stand for an asset, its own first: whoever reaches a business reaches its catalogs."""
    if asset is Asset.CATALOG and connection.catalog_id:
        return (connection.catalog_id, *filter(None, [connection.business_id]))
    return (connection.page_id,) if asset is Asset.PAGE else ()


def _dated(block: Block, before: Block | None) -> Block:
    """Let a block that was there already keep its time."""
    return replace(block, since_time=before.since_time) if before and before.reason == block.reason else block


def found(connection: Connection, kind: CapabilityKind, probe: Probe) -> Mapping[CapabilityKind, Probe]:
    """Add what a probe brought to light to what earlier ones did."""
    return {**connection.probes, kind: probe}
