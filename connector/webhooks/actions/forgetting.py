"""What is not taken in: of a person whose data was deleted since, or older than its store keeps messages."""

from collections.abc import Sequence
from datetime import datetime

from connector.db import forgotten, retentions
from connector.db.schema import Tx
from connector.messaging.model import PersonSignal
from connector.runtime import Runtime
from connector.webhooks import db
from connector.webhooks.actions.acting import Owners, Told, owner_of
from connector.webhooks.graph import read_signals, without
from connector.webhooks.model import Delivery, Signal, digest


async def gone(runtime: Runtime, tx: Tx, told: Sequence[Told], *, owners: Owners) -> set[int]:
    """Tell which signals are not taken in: of a person whose data was deleted since, or older than their store keeps messages.

    Whoever captured a webhook may post it again years later; what it would bring back must stay away.
    """
    persons = {place: _person(runtime, delivery, signal) for place, (delivery, signal) in enumerate(told)}
    raws = {place: runtime.pseudonyms.of_bytes(digest(signal.raw)) for place, (_, signal) in enumerate(told)}
    until = await forgotten.times_of(tx, [*filter(None, persons.values()), *raws.values()])
    unwelcome = {place for place, raw in raws.items() if raw in until}
    for place, person in persons.items():
        time = _time(told[place][1])
        if person in until and (time is None or time <= until[person]):
            unwelcome.add(place)
    return unwelcome | await _outlived(runtime, tx, told, owners)


async def _outlived(runtime: Runtime, tx: Tx, told: Sequence[Told], owners: Owners) -> set[int]:
    """Tell which signals are older than their store keeps messages; looks into old ones only, and there are hardly any."""
    ages = {place: runtime.now() - time for place, (_, signal) in enumerate(told) if (time := _time(signal))}
    old = {
        place: owner.store_id
        for place, age in ages.items()
        if age > retentions.SHORTEST and (owner := owner_of(*told[place], owners))
    }
    kept = await retentions.of_stores(tx, set(old.values())) if old else {}
    return {place for place, store_id in old.items() if ages[place] > kept[store_id]}


def _person(runtime: Runtime, delivery: Delivery, signal: Signal) -> bytes | None:
    content = signal.content
    person = content.psid if isinstance(content, PersonSignal) else getattr(content, "actor_id", "")
    return runtime.pseudonyms.of_person(delivery.environment, signal.page_id, person) if person else None


def _time(signal: Signal) -> datetime | None:
    content = signal.content
    names = ("send_time", "watermark", "time")
    return next((getattr(content, name) for name in names if hasattr(content, name)), None)


async def strip(runtime: Runtime, tx: Tx, delivery: Delivery, *, owners: Owners) -> None:
    """Take what is not taken in out of a delivery's bytes as well."""
    listed = read_signals(delivery.body)
    unwelcome = await gone(runtime, tx, [(delivery, signal) for signal in listed], owners=owners)
    unwanted = [listed[place] for place in unwelcome]
    kept, _ = without(delivery.body, lambda signal: signal in unwanted)
    await db.rewrite(tx, delivery.id, kept)
