"""Makes, changes, enables, tries and ends pushes."""

import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from connector.db.schema import Tx
from connector.errors import FailedPrecondition, InvalidInput
from connector.events import db as events
from connector.events.model import Event
from connector.pushes import db
from connector.pushes.actions.alarming import drop_alert
from connector.pushes.actions.posting import open_post
from connector.pushes.actions.wording import write_post
from connector.pushes.model import FORMER_SECRET_SIGNS, Answer, Push, State, headers
from connector.runtime import Runtime
from connector.vault import Binding, Secret

_TRIAL_TIME = timedelta(seconds=8)  # less than a call's usual deadline
_WELL = {
    "state": State.ENABLED,
    "reason": "",
    "failing_since_time": None,
    "failures": 0,
    "outages": 0,
    "resume_time": None,
}


async def configure(
    runtime: Runtime, store_id: str, consumer: str, *, url: str, kinds: Sequence[str], secret: Secret
) -> Push:
    """Make a push, or change it; it is enabled. An empty secret keeps the one there is.

    Raises:
        InvalidInput: a new push without a secret.
        FailedPrecondition: CONSUMER_IN_USE.

    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        known = await db.find(tx, store_id, consumer)
    push_id = known.id if known else runtime.new_id()
    if known is None and not secret:
        raise InvalidInput.of("secret", "FIELD_REQUIRED", "is required for a new push")
    changed = bool(secret) and not (known and await _is_same(runtime, known, secret))
    sealed = await runtime.vault.seal(secret, binding(store_id, push_id)) if changed else b""
    async with runtime.db.begin() as tx:
        if not await events.adopt(tx, store_id, consumer):
            message = "This consumer has pulled or streamed events: take another name, or DeleteConsumer first"
            raise FailedPrecondition("CONSUMER_IN_USE", message, consumer=consumer)
        present = await db.find(tx, store_id, consumer, lock=True)
        if present is None:
            values = {"id": push_id, "store_id": store_id, "consumer": consumer, "create_time": now}
            await db.create(tx, **values, url=url, kinds=list(kinds), secret=sealed)
        else:
            if sealed and present.id == push_id:
                await db.replace_secret(tx, push_id, sealed, until=now + FORMER_SECRET_SIGNS)
            await db.change(tx, present.id, url=url, kinds=list(kinds))
        return await _enable(runtime, tx, await db.require(tx, store_id, consumer))


async def enable(runtime: Runtime, store_id: str, consumer: str) -> Push:
    """Let a push go on.

    Raises:
        NotFound: PUSH_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        return await _enable(runtime, tx, await db.require(tx, store_id, consumer, lock=True))


async def _enable(runtime: Runtime, tx: Tx, push: Push) -> Push:
    enabled = await db.change(tx, push.id, **_WELL)
    await db.ask(tx, push.id, at=runtime.now())
    await drop_alert(runtime, tx, push.store_id)
    return enabled


async def get(runtime: Runtime, store_id: str, consumer: str) -> Push:
    """Read a push.

    Raises:
        NotFound: PUSH_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        return await db.require(tx, store_id, consumer)


async def list_page(runtime: Runtime, store_id: str, *, after: str, size: int) -> tuple[list[Push], bool]:
    """List a store's pushes by consumer, and tell whether there are more."""
    async with runtime.db.begin() as tx:
        found = await db.list_page(tx, store_id, after=after, limit=size + 1)
    return found[:size], len(found) > size


async def end(runtime: Runtime, store_id: str, consumer: str) -> None:
    """End a push; its consumer stays where it is.

    Raises:
        NotFound: PUSH_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        await events.set_free(tx, store_id, consumer)  # first, as everybody locks a consumer before its push
        push = await db.require(tx, store_id, consumer, lock=True)
        await db.forget(tx, push.id)
        await drop_alert(runtime, tx, store_id)


async def try_out(runtime: Runtime, store_id: str, consumer: str) -> tuple[Answer, timedelta, UUID]:
    """Post a trial, outside of the log; tells what came back, how long it took, and the trial's id.

    Raises:
        NotFound: PUSH_NOT_FOUND.

    """
    push, now = await get(runtime, store_id, consumer), runtime.now()
    trial = Event(runtime.new_id(), store_id, None, "push", "push_tested", {"consumer": consumer}, 0, now)
    body, keys = write_post(trial), await signing_secrets(runtime, push)
    async with open_post(private=runtime.private_pushes, now=runtime.now, answer_time=_TRIAL_TIME) as post:
        began = time.monotonic()
        answer = await post(push.url, body, headers(str(trial.id), body, keys, attempt=1, at=now))
    return answer, timedelta(seconds=time.monotonic() - began), trial.id


async def signing_secrets(runtime: Runtime, push: Push) -> list[str]:
    """Open what signs now, the newest first."""
    async with runtime.db.begin() as tx:
        sealed = await db.secrets(tx, push.id, at=runtime.now())
    return [(await runtime.vault.open(one, binding(push.store_id, push.id))).reveal() for one in sealed]


def binding(store_id: str, push_id: UUID) -> Binding:
    """Tell what a push's secrets are bound to."""
    return Binding(store_id, str(push_id), db.SECRET)


async def _is_same(runtime: Runtime, push: Push, secret: Secret) -> bool:
    return (await signing_secrets(runtime, push))[0] == secret.reveal()
