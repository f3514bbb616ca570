"""Meta's two callbacks about a merchant: they removed the app, or want their data deleted. Both irreversible, so both proven.

A request counts once, and only for logins that are older than it: a captured one that is sent again does nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.db import audit, forgotten
from connector.db.audit import Deed
from connector.db.schema import Tx
from connector.graph.signatures import read_signed_request
from connector.privacy.actions.asking import open_deletion
from connector.privacy.actions.wiping import wipe
from connector.privacy.db import ledger, logins
from connector.privacy.model.deletions import Deletion, Origin, Subject, SubjectKind, new_code
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import Environment

# Unverified: how long Meta tries to deliver a callback; a day covers what is known of its webhooks' first tries.
OLDEST = timedelta(hours=24)
AHEAD = timedelta(minutes=5)
SKEW = timedelta(minutes=1)
"""By how much Meta's clock and ours may differ when a login and a callback follow upon each other."""


class Stale(Exception):
    """The request is genuine, but too old or from the future."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A genuine request of Meta: about whom, in which environment, and when it was made."""

    environment: Environment
    user_id: str
    time: datetime
    payload: str = field(repr=False)


def read_request(runtime: Runtime, text: str) -> Wish | None:
    """Read a signed request, by any active secret of any of our apps; None for a forged one.

    Raises:
        ValueError: it is signed, but names no user.
        Stale: it is signed, but too old, or from the future.

    """
    for app in runtime.apps.values():
        said = read_signed_request(text, app.secrets)
        if said is not None:
            return _wish(app, said, text, at=runtime.now())
    return None


def _wish(app: AppProfile, said: Mapping[str, Any], text: str, *, at: datetime) -> Wish:
    # https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback (read 2026-11-21)
    user, issued = said.get("user_id"), said.get("issued_at")
    user_id = str(user) if isinstance(user, int | str) and not isinstance(user, bool) else ""
    if not (user_id.isascii() and user_id.isdecimal() and len(user_id) <= 64):
        raise ValueError("user_id")
    time = at
    if issued is not None:
        if isinstance(issued, bool) or not isinstance(issued, int | float) or not 0 <= issued < 1 << 40:
            raise Stale
        time = datetime.fromtimestamp(issued, UTC)
        if not at - OLDEST <= time <= at + AHEAD:
            raise Stale
    return Wish(app.environment, user_id, time, text.partition(".")[2])


async def deauthorize(runtime: Runtime, wish: Wish) -> int:
    """Wipe the tokens of every connection that this person made, at once; tells how many there were, of a repeated wish none.

    Raises:
        Unavailable: VAULT_UNAVAILABLE, the pepper cannot be opened by a process that just began; Meta sends again.

    """
    await runtime.pseudonyms.ready()
    async with runtime.db.begin() as tx:
        if not await _is_first(runtime, tx, wish, "deauthorize"):
            return 0
        return await _withdraw(runtime, tx, wish, "META_APP_REMOVED")


async def _is_first(runtime: Runtime, tx: Tx, wish: Wish, kind: str) -> bool:
    """Use a wish up. Both callbacks may be told of one in the same words, by a person who wants both in the same second."""
    return await forgotten.use_once(tx, runtime.pseudonyms.of(kind, wish.payload), at=runtime.now())


async def _withdraw(runtime: Runtime, tx: Tx, wish: Wish, reason: str) -> int:
    now = runtime.now()
    made = await logins.of_user(tx, wish.environment, wish.user_id, before=wish.time + SKEW)
    for connection_id in made:
        if wiped := await wipe(tx, connection_id, reason, at=now):
            who = Deed(wiped.store_id, "WithdrawConsent", *audit.META, connection_id=str(wiped.id))
            await audit.append(tx, replace(who, objects=audit.named(reason=reason)), at=now)
    return len(made)


async def request_deletion(runtime: Runtime, wish: Wish) -> Deletion:
    """Wipe the tokens and open a deletion of what is a merchant's own; one request, or one that came again, has one deletion.

    All of it or nothing: a request that was counted has its deletion.

    Raises:
        Unavailable: as `deauthorize`.

    """
    await runtime.pseudonyms.ready()
    now, about = runtime.now(), runtime.pseudonyms.of("meta user", wish.environment, wish.user_id)
    async with runtime.db.begin() as tx:
        await logins.lock(tx, about)
        first, known = (
            await _is_first(runtime, tx, wish, "data deletion"),
            await ledger.latest_of(tx, Origin.META, about),
        )
        if first:
            await _withdraw(runtime, tx, wish, "MERCHANT_DATA_DELETED")
        if known and (not first or known.finish_time is None or known.create_time > wish.time - SKEW):
            return known
        stores, made = await logins.stores_of_user(tx, wish.environment, wish.user_id)
        subject = Subject(SubjectKind.META_USER, wish.user_id, stores, made, ((wish.environment, ""),))
        values = {"store_id": None, "origin": Origin.META, "caller": "Meta", "code": new_code()}
        opened = await open_deletion(runtime, tx, values, subject, about, at=now)
        for store_id in sorted(stores):
            said = audit.named(deletion_id=opened.id)
            await audit.append(tx, Deed(store_id, "RequestDeletion", *audit.META, objects=said), at=now)
        return opened


async def status_of(runtime: Runtime, code: str) -> Deletion | None:
    """Find the deletion that a confirmation code is of."""
    async with runtime.db.begin() as tx:
        return await ledger.by_code(tx, code)
