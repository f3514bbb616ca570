"""Acts on what Meta said of a connection's tokens, in one transaction: state, scopes, warnings, work that waited."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.actions import standing
from connector.connections.model import Block, CapabilityKind, Connection, InstagramAccount, Problem, State
from connector.connections.model.needs import INSTAGRAM
from connector.connections.model.reach import Reach
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.graph.faults import find
from connector.runtime import Runtime
from connector.tokens import db
from connector.tokens.model import Care, Inspection, Look, data_access_alert, loss, token_alert, warned_days
from connector.values import Environment
from connector.vault import same_token

_MOMENT = timedelta(minutes=1)
"""Before work is tried again that Meta refused for a token it calls valid."""
_RECOVERABLE = frozenset({"META_TOKEN_INVALID", "DATA_ACCESS_EXPIRED"})
_TOLD = "state", "reason", "blocks", "granted_scopes", "page_tasks", "instagram_id", "token_expire_time"
"""What StormCom hears of when it changes."""


async def judge(runtime: Runtime, tx: Tx, connection: Connection, look: Look) -> tuple[Connection, bool]:
    """Keep a look and act on it; tells the connection as it is now, and whether Meta took away or gave back something.

    A look at tokens that were replaced meanwhile says nothing any more.
    """
    at, current = runtime.now(), await connections_db.by_id(tx, connection.id, lock=True)
    if current is None or not current.live:
        return current or connection, False
    if not same_tokens(current, connection):
        return current, False
    await db.note(tx, current.id, look.user, look.page)
    care = await db.care_of(tx, current.id)
    changed, care = await _act(tx, current, look, care, at=at)
    changed = await connections.weigh_anew(runtime, tx, changed)
    care = await _warn(tx, changed, look.user, care, at=at)
    await db.keep_care(tx, current.id, care)
    different = any(getattr(current, name) != getattr(changed, name) for name in _TOLD)
    if different:
        await connections.tell(tx, changed, at=at)
    return changed, different


async def judge_damage(tx: Tx, connection: Connection, damage: FailedPrecondition, *, at: datetime) -> None:
    """Have the merchant connect again when a sealed token cannot be opened any more; one that can be again works on by itself."""
    current = await connections_db.by_id(tx, connection.id, lock=True)
    if current is None or current.state is not State.CONNECTED or not same_tokens(current, connection):
        return
    await connections_db.note_problem(tx, current.id, connections.problem_of(damage, at=at))
    needs = {"state": State.NEEDS_LOGIN, "reason": damage.reason}
    await connections.tell(tx, await connections_db.change(tx, current.id, at=at, **needs), at=at)


def same_tokens(one: Connection, other: Connection) -> bool:
    """Tell whether nobody replaced, ended or wiped a token between two sights of a connection."""
    return same_token(one.user_token, other.user_token) and same_token(one.page_token, other.page_token)


async def _act(tx: Tx, current: Connection, look: Look, care: Care, *, at: datetime) -> tuple[Connection, Care]:
    """Write what a look means for the connection."""
    reason = loss(look, at=at)
    if current.state is State.CONNECTED and not reason and await _refused_again(tx, current, care, at=at):
        reason = "META_TOKEN_INVALID"
    changed = await _facts(tx, current, look, at=at)
    if reason and current.state is State.CONNECTED:
        await connections_db.note_problem(tx, current.id, _problem(look.user, reason, at))
        return await connections_db.change(tx, current.id, at=at, state=State.NEEDS_LOGIN, reason=reason), care
    if current.state is State.NEEDS_LOGIN and not reason and current.reason in _RECOVERABLE and not care.doubted(at):
        return await _recover(tx, changed, at=at), care
    if reason or current.state is not State.CONNECTED:
        return changed, care
    if await db.revive_refused(tx, current.id, at=at, after=_MOMENT) and not care.doubted(at):
        care = replace(care, doubt_time=at)
    return await _judge_page(tx, changed, look, at=at), care


async def _refused_again(tx: Tx, current: Connection, care: Care, *, at: datetime) -> bool:
    """Tell whether Meta refused the token again, which it still calls valid: then work is to be believed, not words."""
    settled = care.doubt_time is not None and at - care.doubt_time > _MOMENT
    return settled and care.doubted(at) and await db.refused(tx, current.id)


def facts(look: Look) -> dict[str, Any]:
    """Write the columns that tell what a living token may do, and until when."""
    return _seen(look) | {
        "granted_scopes": list(look.user.scopes),
        "reach": {scope: list(ids) for scope, ids in sorted(look.user.granular_scopes.items())},
        "token_kind": look.user.meta_type,
        "token_expire_time": look.user.expire_time,
        "data_access_expire_time": look.user.data_access_expire_time,
    }


def _seen(look: Look) -> dict[str, Any]:
    """Write the columns that tell of the Page. Its Instagram account stays as it was known where we may not see it."""
    if look.seen is None:
        return {}
    tasks = {"page_tasks": list(look.seen.tasks)}
    if INSTAGRAM not in look.user.scopes:
        return tasks
    account = look.seen.instagram or InstagramAccount("")
    return tasks | {"instagram_id": account.id, "instagram_username": account.username}


async def _facts(tx: Tx, current: Connection, look: Look, *, at: datetime) -> Connection:
    """Bring up to date what the connection says of its tokens, if anything changed."""
    known = facts(look) if look.user.valid else {}
    if look.page_token is not None:
        known |= {"page_token": look.page_token, "token_time": at}
    stale = {name: value for name, value in known.items() if _plain(getattr(current, name)) != value}
    return await connections_db.change(tx, current.id, at=at, **stale) if stale else current


def _plain(value: Any) -> Any:
    """Write a value the way its column takes it."""
    if isinstance(value, Reach):
        return {scope: list(ids) for scope, ids in value.targets.items()}
    return list(value) if isinstance(value, tuple) else value


async def _recover(tx: Tx, connection: Connection, *, at: datetime) -> Connection:
    """Let a connection work again whose token came back to life: what waited for it resumes."""
    working = await connections_db.change(tx, connection.id, at=at, state=State.CONNECTED, reason="", blocks={})
    key = f"subscribe:{connection.id}"
    await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=at, connection_id=connection.id, key=key)
    await outbox.revive(tx, connection.id, at=at)
    await standing.plan_examination(tx, connection, at=at)
    return working


async def _judge_page(tx: Tx, connection: Connection, look: Look, *, at: datetime) -> Connection:
    """Block messages while the Page's token is dead and cannot be had anew; lift that when it is alive."""
    block = connection.blocks.get(CapabilityKind.MESSAGING)
    lost = block is not None and block.reason == "PAGE_ACCESS_LOST"
    if look.page.valid and lost:
        await db.revive_refused(tx, connection.id, at=at, after=timedelta())
        kept = dict(connection.blocks)
        del kept[CapabilityKind.MESSAGING]
        return await connections_db.stand(tx, connection.id, kept, at=at)
    if look.page.valid or block is not None:
        return connection
    await connections_db.note_problem(tx, connection.id, _problem(look.page, "PAGE_ACCESS_LOST", at))
    blocks = {**connection.blocks, CapabilityKind.MESSAGING: Block("PAGE_ACCESS_LOST", at)}
    return await connections_db.stand(tx, connection.id, blocks, at=at)


def _problem(inspection: Inspection, reason: str, at: datetime) -> Problem:
    words = {"DATA_ACCESS_EXPIRED": "Our access to the merchant's data has ended, 90 days after the last login."}
    fault = find(inspection.code or 190, inspection.subcode, "")
    meaning = words.get(reason) or (fault.meaning if fault else "Meta does not accept the token.")
    return Problem(reason, meaning, at, inspection.code, inspection.subcode)


async def _warn(tx: Tx, connection: Connection, user: Inspection, care: Care, *, at: datetime) -> Care:
    """Announce ends that come near, at each number of days once; close what is over."""
    if not user.valid:  # Meta says nothing of the ends of a dead token: what was announced stays until it is renewed
        return care
    token = warned_days(user.expire_time, at=at)
    access = warned_days(user.data_access_expire_time, at=at)
    near = (
        _Near("TOKEN_EXPIRES_SOON", token, care.token_days),
        _Near("DATA_ACCESS_EXPIRES_SOON", access, care.data_access_days),
    )
    await _announce(tx, connection, near[0], token_alert(user, token) if token else None, at=at)
    await _announce(tx, connection, near[1], data_access_alert(user, access) if access else None, at=at)
    return replace(care, token_days=token, data_access_days=access)


class _Near(NamedTuple):
    """An end that may come near: within how many days it is announced now, and was before."""

    reason: str
    days: int | None
    said: int | None


async def _announce(tx: Tx, connection: Connection, near: _Near, alert: Alert | None, *, at: datetime) -> None:
    named = connection.store_id, connection.id
    if alert is None or near.days is None:
        await alerts.close_alert(tx, *named, near.reason, at=at)
        return
    new = await alerts.open_alert(tx, *named, alert, at=at)
    if not new and (near.said is None or near.days < near.said):
        await alerts.remind(tx, *named, near.reason, at=at)


async def notice(tx: Tx, environment: Environment, user_id: str, *, at: datetime) -> int:
    """Have every connection of a person inspected at once, for Meta reports a change of permissions; tells how many."""
    found = await connections_db.of_person(tx, environment, user_id)
    await standing.plan_inspections(tx, found, at=at)
    return len(found)
