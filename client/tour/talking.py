"""The tour's second half: a buyer writes, StormCom learns it, answers, and the buyer sees the answer once."""

import uuid

from google.protobuf.duration_pb2 import Duration

from client.commands.connecting import describe_status
from client.commands.examining import sentence
from client.output import word
from client.tour.script import Listener, Stopwatch, Tour
from client.tour.selling import read_status
from stormcom.facebook.v1.check_pb2 import Check
from stormcom.facebook.v1.connection_pb2 import Capability, Connection
from stormcom.facebook.v1.connector_service_pb2 import ListMessagesRequest, SendMessageRequest
from stormcom.facebook.v1.conversation_pb2 import Message
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import (
    AckEventsRequest,
    ListDeadLettersRequest,
    NackEventsRequest,
    PullEventsRequest,
    RedriveDeadLettersRequest,
)
from stormcom.facebook.v1.health_service_pb2 import RunDiagnosticsRequest
from stormcom.facebook.v1.status_pb2 import ConnectionStatus

QUESTION = "আসসালামু আলাইকুম! Is the café mug still there? ☕"
_BASIC = (Capability.KIND_CATALOG_SYNC, Capability.KIND_INVENTORY, Capability.KIND_MESSAGING)
ANSWER = "Yes – three are left. Shall we keep one for you?"


def hear(tour: Tour, listener: Listener) -> Message:
    """Let the buyer write, and wait for the event."""
    tour.step("A buyer writes")
    watch = Stopwatch()
    mid = tour.simulation.write(tour.world, QUESTION)
    event = listener.wait_for(lambda event: event.message_received.message.mid == mid)
    tour.note("Message in → event", watch.read())
    message = tour.require(event, "The event arrives").message_received.message
    tour.expect(message.text == QUESTION, "The text is what the buyer wrote, letter by letter")
    tour.expect(message.origin == Message.ORIGIN_PERSON, "It is from the person")
    return message


def answer(tour: Tour, listener: Listener, question: Message) -> None:
    """Answer, and see that the buyer gets it exactly once and that Meta's echo is recognised as ours."""
    tour.step("Answer the buyer")
    request = SendMessageRequest(
        conversation_id=question.conversation_id, request_id=str(uuid.uuid4()), text=ANSWER, wait=Duration(seconds=15)
    )
    watch = Stopwatch()
    sent = tour.caller.call(tour.caller.connector.SendMessage, request).message
    tour.require(sent.mid, f"Meta took the message: {word(sent, 'state')}")
    tour.note("Reply → accepted by Meta", watch.read())
    event = listener.wait_for(lambda event: _delivered(event, sent.message_id))
    tour.note("Reply → echo and delivery", watch.read())
    tour.expect(event, "Echo and delivery report come back by webhook and are told by an event")
    again = tour.caller.call(tour.caller.connector.SendMessage, request).message
    tour.expect(again.message_id == sent.message_id, "The same request again is the same message")
    seen = [message["text"] for message in tour.simulation.messages(tour.world)]
    tour.expect(seen == [QUESTION, ANSWER], f"The buyer sees question and answer, each once: {seen}")
    kept = tour.caller.list_all(
        tour.caller.connector.ListMessages,
        ListMessagesRequest(conversation_id=question.conversation_id),
        field="messages",
    )
    origins = [message.origin for message in kept]
    tour.expect(
        origins == [Message.ORIGIN_STORMCOM, Message.ORIGIN_PERSON], "We keep both, the echo matched to our own"
    )


def _delivered(event: Event, message_id: str) -> bool:
    message = event.message_state_changed.message
    return message.message_id == message_id and message.state in {Message.STATE_DELIVERED, Message.STATE_READ}


def give_up_one(tour: Tour) -> None:
    """Refuse an event for good, as a consumer that cannot read it; it waits among the dead letters until it is redriven."""
    tour.step("Refuse an event, and have it again")
    caller = tour.caller
    (event,) = caller.call(caller.events.PullEvents, PullEventsRequest(lease_seconds=60, max_events=1)).events
    refuse = NackEventsRequest(event_ids=[event.event_id], reject=True, message="The tour cannot read it.")
    caller.call(caller.events.NackEvents, refuse)
    letters = caller.call(caller.events.ListDeadLetters, ListDeadLettersRequest()).dead_letters
    tour.expect([letter.event.event_id for letter in letters] == [event.event_id], "It waits among the dead letters")
    redrive = RedriveDeadLettersRequest(event_ids=[event.event_id], reason="tour")
    redriven = caller.call(caller.events.RedriveDeadLetters, redrive).redriven_count
    tour.expect(redriven == 1, "Redriven, it is among the events again")
    left = caller.call(caller.events.ListDeadLetters, ListDeadLettersRequest()).dead_letters
    tour.expect(not left, "No dead letter is left")


def acknowledge(tour: Tour) -> None:
    """Borrow and acknowledge every event; nothing must come twice."""
    tour.step("Acknowledge the events")
    caller = tour.caller
    count = 0
    while events := caller.call(caller.events.PullEvents, PullEventsRequest(lease_seconds=60)).events:
        request = AckEventsRequest(event_ids=[event.event_id for event in events])
        acknowledged = caller.call(caller.events.AckEvents, request)
        count += acknowledged.acknowledged_count
        if acknowledged.acknowledged_count != len(events):
            tour.require(False, f"Each borrowed event can be acknowledged once: {acknowledged}")
    tour.expect(count, f"All {count} events are acknowledged; none comes again")


_OURS = (
    Check.KIND_TOKEN,
    Check.KIND_SCOPES,
    Check.KIND_PAGE_TASKS,
    Check.KIND_PAGE_SUBSCRIPTION,
    Check.KIND_APP_SUBSCRIPTION,
    Check.KIND_WEBHOOK,
    Check.KIND_THREAD_OWNER,
    Check.KIND_CATALOG,
)


def examine(tour: Tour) -> None:
    """Have the connection looked at; what a shop and a verified business would add, this merchant has not."""
    tour.step("Ask the connection doctor")
    wish = RunDiagnosticsRequest(connection_id=tour.connection_id, kinds=_OURS)
    checks = [answer.check for answer in tour.caller.watch(tour.caller.health.RunDiagnostics, wish)]
    for check in checks:
        tour.console.print(f"  {sentence(check)}", markup=False, soft_wrap=True)
    well = sum(check.state == Check.STATE_OK for check in checks)
    tour.expect(well == len(_OURS), "Token, permissions, Page, webhooks and catalog are as they should be")


def look_back(tour: Tour) -> None:
    """See that the status tells all of it."""
    tour.step("Status")
    tour.wait_for(lambda: not _waiting(read_status(tour)) or None, "Every item is settled")
    status = read_status(tour)
    tour.console.print(describe_status(status), markup=False, soft_wrap=True)
    tour.expect(status.connection.state == Connection.STATE_CONNECTED, "The connection is connected")
    states = {capability.kind: capability.state for capability in status.connection.capabilities}
    tour.expect(
        {states.pop(kind, None) for kind in _BASIC} == {Capability.STATE_ACTIVE}, "Every basic capability is active"
    )
    tour.expect(Capability.STATE_BLOCKED not in states.values(), "No optional capability needs the merchant")
    tour.expect(not _waiting(status), "No item waits")
    tour.expect(not status.backlog.failed_task_count, "No work was given up")
    tour.expect(not status.webhooks.quarantined_signal_count, "No signal was given up")
    tour.note("Status", f"{status.items.confirmed} confirmed, {status.items.rejected} rejected, nothing waiting")


def _waiting(status: ConnectionStatus) -> int:
    return status.items.pending + status.items.sent + status.items.removing
