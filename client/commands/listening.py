"""Events: follow them, borrow them, acknowledge them."""

from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from client.output import moment, word
from client.session import session_of
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import (
    AckEventsRequest,
    ListConsumersRequest,
    ListDeadLettersRequest,
    PullEventsRequest,
    RedriveDeadLettersRequest,
    ReplayEventsRequest,
    SubscribeRequest,
    SubscribeResponse,
)

app = typer.Typer(no_args_is_help=True)

Consumer = Annotated[str, typer.Option(help="Whose acknowledgements count; empty means default.")]


def resume_behind(request: SubscribeRequest, answer: SubscribeResponse) -> None:
    """Let a broken stream go on behind the last event."""
    request.after_position = answer.event.position


@app.command()
def tail(
    context: typer.Context,
    after: Annotated[str, typer.Option(help="Only what comes behind this position.")] = "",
    consumer: Consumer = "",
) -> None:
    """Follow the store's events until Ctrl-C."""
    session = session_of(context)
    request = SubscribeRequest(after_position=after, consumer=consumer)
    for answer in session.caller.watch(session.caller.events.Subscribe, request, resume=resume_behind):
        session.output.show(answer.event, describe_event(answer.event))


@app.command()
def pull(
    context: typer.Context,
    max: Annotated[int, typer.Option(help="How many at the most.", min=1, max=100)] = 100,
    lease_seconds: Annotated[int, typer.Option(help="For how long they are yours.", min=1, max=600)] = 30,
    consumer: Consumer = "",
) -> None:
    """Borrow events that nobody acknowledged."""
    session = session_of(context)
    request = PullEventsRequest(consumer=consumer, max_events=max, lease_seconds=lease_seconds)
    answer = session.caller.call(session.caller.events.PullEvents, request)
    columns = {
        "event": lambda event: event.event_id,
        "time": lambda event: moment(event.create_time),
        "what": lambda event: event.WhichOneof("payload"),
        "key": lambda event: event.ordering_key,
    }
    session.output.list(answer.events, columns)


@app.command()
def ack(
    context: typer.Context,
    event_id: Annotated[list[str], typer.Argument(help="The events' ids.")],
    consumer: Consumer = "",
) -> None:
    """Acknowledge events; ends with 1 when one is not known."""
    session = session_of(context)
    request = AckEventsRequest(consumer=consumer, event_ids=event_id)
    answer = session.caller.call(session.caller.events.AckEvents, request)
    text = f"{answer.acknowledged_count} acknowledged, {answer.repeated_count} were before, {answer.unknown_count} unknown."
    session.output.show(answer, text)
    if answer.unknown_count:
        raise typer.Exit(1)


@app.command()
def consumers(context: typer.Context) -> None:
    """List who takes events, and how far they are."""
    session = session_of(context)
    columns = {
        "consumer": lambda one: one.consumer,
        "by": lambda one: word(one, "kind"),
        "waiting": lambda one: one.lag_count,
        "seconds": lambda one: one.lag_seconds,
        "on loan": lambda one: one.loan_count,
        "dead letters": lambda one: one.dead_letter_count,
        "position": lambda one: one.position,
    }
    caller = session.caller
    session.output.list(
        caller.list_all(caller.events.ListConsumers, ListConsumersRequest(), field="consumers"), columns
    )


@app.command()
def dead_letters(
    context: typer.Context,
    key: Annotated[str, typer.Option(help="Only those of this ordering key.")] = "",
    consumer: Consumer = "",
) -> None:
    """List what a consumer could not work off."""
    session = session_of(context)
    request = ListDeadLettersRequest(consumer=consumer, ordering_key=key)
    columns = {
        "event": lambda one: one.event.event_id,
        "what": lambda one: one.event.WhichOneof("payload"),
        "key": lambda one: one.event.ordering_key,
        "deliveries": lambda one: one.delivery_count,
        "since": lambda one: moment(one.dead_time),
        "reason": lambda one: one.reason,
        "message": lambda one: one.message,
    }
    caller = session.caller
    session.output.list(caller.list_all(caller.events.ListDeadLetters, request, field="dead_letters"), columns)


Reason = Annotated[str, typer.Option(help="Why, for the audit: a word, as a ticket's number.")]


@app.command()
def redrive(
    context: typer.Context,
    event_id: Annotated[list[str] | None, typer.Argument(help="The events' ids.")] = None,
    *,
    reason: Reason,
    key: Annotated[str, typer.Option(help="All of this ordering key.")] = "",
    all: Annotated[bool, typer.Option("--all", help="All of the consumer.")] = False,
    consumer: Consumer = "",
) -> None:
    """Hand dead letters out again."""
    session = session_of(context)
    request = RedriveDeadLettersRequest(consumer=consumer, event_ids=event_id, ordering_key=key, all=all, reason=reason)
    answer = session.caller.call(session.caller.events.RedriveDeadLetters, request)
    session.output.show(answer, f"{answer.redriven_count} come again.")


@app.command()
def replay(
    context: typer.Context,
    *,
    reason: Reason,
    after: Annotated[str, typer.Option(help="What comes behind this position.")] = "",
    since: Annotated[str, typer.Option(help="What was appended then or later, as 2026-11-21T08:00:00Z.")] = "",
    kind: Annotated[list[str] | None, typer.Option(help="Only these kinds, as message_received.")] = None,
    key: Annotated[str, typer.Option(help="Only of this ordering key.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how many.")] = False,
    consumer: Consumer = "",
) -> None:
    """Hand out again what was acknowledged, under the ids it had."""
    session = session_of(context)
    request = ReplayEventsRequest(
        consumer=consumer,
        after_position=after,
        from_time=_time(since) if since else None,
        kinds=kind,
        ordering_key=key,
        dry_run=dry_run,
        reason=reason,
    )
    answer = session.caller.call(session.caller.events.ReplayEvents, request)
    session.output.show(answer, f"{answer.event_count} {'would come' if dry_run else 'come'} again.")


def _time(text: str) -> Timestamp:
    time = Timestamp()
    try:
        time.FromJsonString(text)
    except ValueError:
        raise typer.BadParameter("must be a time as 2026-11-21T08:00:00Z", param_hint="--since") from None
    return time


def describe_event(event: Event) -> str:
    """Tell an event in one line."""
    kind = event.WhichOneof("payload") or "unknown"
    text = {
        "message_received": lambda: event.message_received.message.text,
        "message_state_changed": lambda: event.message_state_changed.message.message_id,
        "connection_changed": lambda: event.connection_changed.connection.connection_id,
        "items_settled": lambda: f"{len(event.items_settled.items)} items",
        "operation_changed": lambda: event.operation_changed.operation.operation_id,
        "alert_raised": lambda: event.alert_raised.alert.reason,
        "hold_expired": lambda: event.hold_expired.hold.hold_id,
        "push_tested": lambda: event.push_tested.consumer,
    }.get(kind, str)()
    return f"{moment(event.create_time)} {event.event_id} {kind} {text}"
