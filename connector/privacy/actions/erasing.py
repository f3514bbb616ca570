"""Does a deletion, step by step and in pieces; ends when a whole round of the steps found nothing more."""

from datetime import datetime
from functools import partial
from uuid import UUID

from connector import log
from connector.db import audit
from connector.db.audit import Deed
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.pieces import Cursor, go_through
from connector.privacy.db import erasing, ledger
from connector.pseudonyms import Pseudonyms
from connector.runtime import Runtime

_NAMES = tuple(erasing.STEPS)


async def erase(runtime: Runtime, task: Taken) -> None:
    """Do as much of a deletion as fits into a turn.

    Raises:
        Unavailable: VAULT_UNAVAILABLE, the pepper cannot be opened.

    """
    await runtime.pseudonyms.ready()
    await go_through(runtime, task, partial(_piece, runtime.pseudonyms))


async def _piece(pseudonyms: Pseudonyms, tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    deletion_id, place = UUID(cursor["deletion_id"]), cursor.get("step", 0)
    subject = await ledger.subject_of(tx, deletion_id)
    if subject is None:
        return None
    step = _NAMES[place]
    search = erasing.Search(subject, pseudonyms, at)
    done = await erasing.STEPS[step](tx, search, cursor.get("after", 0))
    if done.touched:
        await ledger.count(tx, deletion_id, step.partition(".")[0], done.touched)
    found = cursor.get("found", 0) + done.touched + done.left
    if done.after is not None:
        return cursor | {"after": done.after, "found": found}
    if place + 1 < len(_NAMES):
        return cursor | {"step": place + 1, "after": 0, "found": found}
    if found:  # what was under way while the steps went by is found by the next round
        return cursor | {"step": 0, "after": 0, "found": 0}
    ended = await ledger.finish(tx, deletion_id, at=at)
    for store_id in sorted(subject.stores):
        said = audit.named(deletion_id=ended.id)
        await audit.append(tx, Deed(store_id, "DeletionDone", *audit.OURSELVES, objects=said), at=at)
    log.canonical(
        "deletion.done", deletion_id=str(ended.id), store_id=ended.store_id or "", removed=dict(ended.removed)
    )
    return None
