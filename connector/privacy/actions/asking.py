"""A caller asks for a person's data to be deleted, looks how far it is, or sets how long messages stay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from connector.db import outbox, retentions
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.messaging import db as messaging
from connector.privacy.actions.wiping import wipe
from connector.privacy.db import ledger, logins
from connector.privacy.model.deletions import TARGET, Deletion, Origin, Subject, SubjectKind
from connector.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a caller means: by one of the three words, or (`conversation_id`) as the person of a conversation."""

    kind: SubjectKind | None = None
    word: str = field(default="", repr=False)
    conversation_id: UUID | None = None


async def delete_person(runtime: Runtime, store_id: str, person: Person, *, request_id: str, caller: str) -> Deletion:
    """Open a deletion: its work begins within seconds, and ends within a day.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.
        Unavailable: VAULT_UNAVAILABLE.

    """
    await runtime.pseudonyms.ready()
    now = runtime.now()
    async with runtime.db.begin() as tx:
        if request_id and (known := await ledger.by_request(tx, store_id, request_id)):
            return known
        kind, word = person.kind or SubjectKind.PSID, person.word
        if person.conversation_id:
            word = (await messaging.require(tx, store_id, person.conversation_id)).psid
        mine = await logins.of_store(tx, store_id)
        # A merchant stands in webhooks of no Page; only who logged in for this store is looked for there.
        places = [(environment, page_id) for _, environment, page_id, _ in mine if page_id]
        places += await logins.accounts_of_store(tx, store_id)
        if kind is SubjectKind.META_USER:
            places = [(environment, "") for _, environment, _, user_id in mine if user_id == word]
        pages = tuple(sorted(set(places)))
        subject = Subject(kind, word, (store_id,), tuple(row[0] for row in mine), pages)
        if kind is SubjectKind.META_USER:
            for connection_id in sorted(row[0] for row in mine if row[3] == word):  # as Meta's callbacks lock them
                await wipe(tx, connection_id, "MERCHANT_DATA_DELETED", at=now)
        values = {"store_id": store_id, "request_id": request_id or None, "origin": Origin.CALLER, "caller": caller}
        return await open_deletion(runtime, tx, values, subject, runtime.pseudonyms.of(kind, word), at=now)


async def open_deletion(
    runtime: Runtime, tx: Tx, values: Mapping[str, Any], subject: Subject, digest: bytes, *, at: datetime
) -> Deletion:
    """Write a deletion into the ledger and ask for its work."""
    times = {"create_time": at, "due_time": at + TARGET}
    deletion = await ledger.create(tx, {"id": runtime.new_id(), **values, **times}, subject, digest)
    arguments = {"deletion_id": str(deletion.id)}
    await outbox.add(tx, Task.ERASE_PERSON, due=at, key=f"erase:{deletion.id}", arguments=arguments)
    return deletion


async def get_deletion(runtime: Runtime, store_id: str, deletion_id: UUID) -> Deletion:
    """Tell one deletion of a store.

    Raises:
        NotFound: DELETION_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        return await ledger.require(tx, store_id, deletion_id)


async def list_deletions(
    runtime: Runtime, store_id: str, *, size: int, after: tuple[datetime, UUID] | None
) -> list[Deletion]:
    """List a store's deletions, newest first; one more than `size` tells that there are more."""
    async with runtime.db.begin() as tx:
        return await ledger.list_page(tx, store_id, limit=size + 1, after=after)


async def read_setting(runtime: Runtime, store_id: str) -> int:
    """Tell for how many days a store keeps messages."""
    async with runtime.db.begin() as tx:
        return (await retentions.of_stores(tx, [store_id]))[store_id].days


async def set_setting(runtime: Runtime, store_id: str, message_days: int) -> None:
    """Set for how many days a store keeps messages."""
    async with runtime.db.begin() as tx:
        await retentions.keep(tx, store_id, message_days, at=runtime.now())
