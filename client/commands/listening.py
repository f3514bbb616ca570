"""Events: follow them, borrow them, acknowledge them."""

from typing import Annotated

import typer

from client.output import moment
from client.session import session_of
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import (
    AckEventsRequest,
    PullEventsRequest,
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
    }.get(kind, str)()
    return f"{moment(event.create_time)} {event.event_id} {kind} {text}"
