"""Consumers, dead letters, replay."""

from datetime import timedelta

from connector.errors import InvalidInput
from connector.events import actions
from connector.events.model import (
    DEFAULT_DELIVERIES,
    MOST_DELIVERIES,
    AfterDeadLetter,
    Consumer,
    DeadLetter,
    Kind,
    Wanted,
    write_position,
)
from connector.events.rpc import fields
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as pb

_LARGEST_REDRIVE = 1000


async def list_consumers(runtime: Runtime, request: pb.ListConsumersRequest) -> pb.ListConsumersResponse:
    """List consumers by name."""
    size, scope = read.page_size(request.page_size), ("consumers", request.store_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    found, more = await actions.list_consumers(runtime, request.store_id, after=str(key[0]) if key else "", size=size)
    token = read.write_page_token([found[-1].name], *scope) if more else ""
    return pb.ListConsumersResponse(consumers=[_write(runtime, one) for one in found], next_page_token=token)


async def set_consumer(runtime: Runtime, request: pb.SetConsumerRequest) -> pb.SetConsumerResponse:
    """Make or change a consumer."""
    most = fields.within(request.most_deliveries, "most_deliveries", MOST_DELIVERIES)
    known = pb.AfterDeadLetter.values()
    if request.after_dead_letter not in known:
        raise InvalidInput.of("after_dead_letter", "FIELD_INVALID", "is none of AfterDeadLetter")
    goes_on = request.after_dead_letter == pb.AFTER_DEAD_LETTER_GO_ON
    changed = await actions.set_consumer(
        runtime,
        request.store_id,
        fields.consumer(request.consumer),
        most_deliveries=most or DEFAULT_DELIVERIES,
        after_dead_letter=AfterDeadLetter.GO_ON if goes_on else AfterDeadLetter.HOLD_KEY,
    )
    return pb.SetConsumerResponse(consumer=_write(runtime, changed))


async def delete_consumer(runtime: Runtime, request: pb.DeleteConsumerRequest) -> pb.DeleteConsumerResponse:
    """Forget a consumer."""
    await actions.forget_consumer(runtime, request.store_id, fields.consumer(request.consumer))
    return pb.DeleteConsumerResponse()


async def list_dead_letters(runtime: Runtime, request: pb.ListDeadLettersRequest) -> pb.ListDeadLettersResponse:
    """List dead letters, oldest event first."""
    size, consumer = read.page_size(request.page_size), fields.consumer(request.consumer)
    scope = ("dead letters", request.store_id, consumer, request.ordering_key)
    key = read.page_token(request.page_token, *scope, parts=1)
    found, more = await actions.list_dead_letters(
        runtime,
        request.store_id,
        consumer,
        ordering_key=request.ordering_key,
        after=int(key[0]) if key else 0,
        size=size,
    )
    token = read.write_page_token([found[-1].event.position], *scope) if more else ""
    return pb.ListDeadLettersResponse(dead_letters=map(_write_dead, found), next_page_token=token)


async def redrive_dead_letters(
    runtime: Runtime, request: pb.RedriveDeadLettersRequest
) -> pb.RedriveDeadLettersResponse:
    """Hand dead letters out again."""
    fields.reason(request.reason)
    if (bool(request.event_ids), bool(request.ordering_key), request.all).count(True) != 1:
        raise InvalidInput.of("event_ids", "FIELD_REQUIRED", "give exactly one of event_ids, ordering_key and all")
    if request.event_ids:
        read.entries(request.event_ids, "event_ids", limit=_LARGEST_REDRIVE)
    count = await actions.redrive(
        runtime,
        request.store_id,
        fields.consumer(request.consumer),
        ids=fields.event_ids(request.event_ids) if request.event_ids else None,
        ordering_key=request.ordering_key,
    )
    return pb.RedriveDeadLettersResponse(redriven_count=count)


async def replay_events(runtime: Runtime, request: pb.ReplayEventsRequest) -> pb.ReplayEventsResponse:
    """Hand events out again."""
    fields.reason(request.reason)
    behind = fields.position(request.after_position, "after_position")
    if (behind is None) != request.HasField("from_time"):
        raise InvalidInput.of("after_position", "FIELD_REQUIRED", "give exactly one of after_position and from_time")
    count = await actions.replay(
        runtime,
        request.store_id,
        fields.consumer(request.consumer),
        Wanted(behind or 0, fields.kinds(request.kinds), request.ordering_key),
        since=None if behind is not None else read.instant(request.from_time, "from_time"),
        dry_run=request.dry_run,
    )
    return pb.ReplayEventsResponse(event_count=count)


def _write(runtime: Runtime, consumer: Consumer) -> pb.Consumer:
    lag = runtime.now() - consumer.oldest_time if consumer.oldest_time else timedelta()
    kind = "KIND_UNSPECIFIED" if consumer.kind is Kind.NEW else f"KIND_{consumer.kind}"
    return pb.Consumer(
        consumer=consumer.name,
        kind=pb.Consumer.Kind.Value(kind),
        position=write_position(consumer.position) if consumer.position else "",
        lag_count=consumer.lag,
        lag_seconds=max(0, int(lag.total_seconds())),
        loan_count=consumer.loans,
        dead_letter_count=consumer.dead_letters,
        most_deliveries=consumer.most_deliveries,
        after_dead_letter=pb.AfterDeadLetter.Value(f"AFTER_DEAD_LETTER_{consumer.after_dead_letter}"),
    )


def _write_dead(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        event=actions.write_event(letter.event),
        delivery_count=letter.deliveries,
        reason=letter.reason,
        message=letter.message,
        dead_time=write.instant(letter.time),
    )
