"""The client against a scripted server: what is sent, what is tried again, what a failure says.

grpc_testing plays the server. Time does not pass: pauses are collected, not slept.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Queue
from typing import Any

import grpc
import grpc_testing
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status

from client.call import Caller, find_pause
from client.failures import CallFailed
from stormcom.facebook.v1 import connector_service_pb2, event_service_pb2
from stormcom.facebook.v1.connector_service_pb2 import (
    GetStatusRequest,
    GetStatusResponse,
    ListConversationsRequest,
    ListConversationsResponse,
    SyncCatalogRequest,
    SyncCatalogResponse,
    WatchStatusRequest,
    WatchStatusResponse,
)
from stormcom.facebook.v1.conversation_pb2 import Conversation
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import SubscribeRequest, SubscribeResponse

CONNECTOR = connector_service_pb2.DESCRIPTOR.services_by_name["FacebookConnector"]
EVENTS = event_service_pb2.DESCRIPTOR.services_by_name["FacebookEvents"]
OK, UNAVAILABLE, ABORTED = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED
WAIT_SECONDS = 10


@dataclass
class Script:
    """The other side of the channel, and the clock."""

    channel: Any = field(
        default_factory=lambda: grpc_testing.channel([CONNECTOR, EVENTS], grpc_testing.strict_real_time())
    )
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    pauses: list[float] = field(default_factory=list)
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.pauses.append(seconds)
        self.now += seconds

    def caller(self, **settings: Any) -> Caller:
        """Return the client of this channel."""
        return Caller(
            channel=self.channel,
            token="secret",
            store_id="store-1",
            clock=lambda: self.now,
            sleep=self.sleep,
            **settings,
        )

    def run(self, call: Callable[[], Any]) -> Future[Any]:
        """Let the client call, as an engineer's thread would."""
        return self.pool.submit(call)

    def answer(
        self, method: str, response: Message | None, *, code: grpc.StatusCode = OK, details: tuple[Message, ...] = ()
    ) -> Any:
        """Take the next call of a method, answer it, and return its metadata and request."""
        metadata, request, rpc = self.channel.take_unary_unary(CONNECTOR.methods_by_name[method])
        rpc.send_initial_metadata(())
        rpc.terminate(response, failure(code, "no such luck", *details), code, "no such luck")
        return dict(metadata), request


def failure(code: grpc.StatusCode, message: str, *details: Message) -> tuple[tuple[str, bytes], ...]:
    """Write a failure's details as a server does."""
    if code is OK or not details:
        return ()
    status = Status(code=code.value[0], message=message)
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


@pytest.fixture
def script() -> Iterator[Script]:
    """Return a fresh channel; no thread outlives the test."""
    script = Script()
    yield script
    script.pool.shutdown(wait=True, cancel_futures=True)


def info(reason: str, **metadata: str) -> ErrorInfo:
    """Return the connector's word for a failure."""
    return ErrorInfo(reason=reason, domain="facebook.stormcom", metadata=metadata)


def sync(caller: Caller, **fields: Any) -> Callable[[], SyncCatalogResponse]:
    """Return the call that most tests make: it changes something, so it carries a `request_id`."""
    return lambda: caller.call(caller.connector.SyncCatalog, SyncCatalogRequest(**fields))


def test_store_and_token_travel_with_every_call(script: Script) -> None:
    """The store is filled in, the token goes into the metadata and nowhere else."""
    caller = script.caller()
    future = script.run(lambda: caller.call(caller.connector.GetStatus, GetStatusRequest()))
    metadata, request = script.answer("GetStatus", GetStatusResponse())
    assert ("Bearer secret", GetStatusRequest(store_id="store-1")) == (metadata["authorization"], request)
    assert GetStatusResponse() == future.result(WAIT_SECONDS)


def test_a_wish_keeps_its_request_id(script: Script) -> None:
    """Every attempt at one wish carries the same id, the next wish another one."""
    caller = script.caller()
    ids = []
    for _ in range(2):
        future = script.run(sync(caller))
        ids.append(script.answer("SyncCatalog", None, code=UNAVAILABLE)[1].request_id)
        ids.append(script.answer("SyncCatalog", None, code=UNAVAILABLE)[1].request_id)
        ids.append(script.answer("SyncCatalog", SyncCatalogResponse(send_count=3))[1].request_id)
        assert 3 == future.result(WAIT_SECONDS).send_count
    assert ids[0]
    assert [ids[0]] * 3 + [ids[3]] * 3 == ids
    assert ids[0] != ids[3]


def test_the_callers_own_request_id_counts(script: Script) -> None:
    """An id that the caller chose is not replaced, and the caller's message is not touched."""
    caller, request = script.caller(), SyncCatalogRequest(request_id="mine")
    future = script.run(lambda: caller.call(caller.connector.SyncCatalog, request))
    sent = script.answer("SyncCatalog", SyncCatalogResponse())[1]
    future.result(WAIT_SECONDS)
    assert ("mine", SyncCatalogRequest(request_id="mine")) == (sent.request_id, request)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "STORE_NOT_CONNECTED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "META_THROTTLED"),
        (grpc.StatusCode.UNKNOWN, "META_OUTCOME_UNKNOWN"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, ""),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
        (ABORTED, "SOMETHING_ELSE"),
    ],
)
def test_what_is_not_tried_again(script: Script, code: grpc.StatusCode, reason: str) -> None:
    """Whatever has an owner goes to the owner at once."""
    future = script.run(sync(script.caller()))
    script.answer("SyncCatalog", None, code=code, details=(info(reason),) if reason else ())
    with pytest.raises(CallFailed) as caught:
        future.result(WAIT_SECONDS)
    assert (code, reason, []) == (caught.value.code, caught.value.reason, script.pauses)


def test_a_wish_at_work_is_waited_for(script: Script) -> None:
    """While the connector works on the very same wish, the call waits and asks again."""
    future = script.run(sync(script.caller()))
    script.answer("SyncCatalog", None, code=ABORTED, details=(info("REQUEST_IN_PROGRESS"),))
    script.answer("SyncCatalog", SyncCatalogResponse(send_count=1))
    assert (1, 1) == (future.result(WAIT_SECONDS).send_count, len(script.pauses))


def test_the_pause_asked_for_is_kept(script: Script) -> None:
    """RetryInfo is the least to wait."""
    retry = RetryInfo(retry_delay=Duration(seconds=7))
    future = script.run(sync(script.caller()))
    script.answer("SyncCatalog", None, code=UNAVAILABLE, details=(info("META_UNAVAILABLE"), retry))
    script.answer("SyncCatalog", SyncCatalogResponse())
    future.result(WAIT_SECONDS)
    assert 7 < script.pauses[0] < 8


def test_patience_ends(script: Script) -> None:
    """A pause longer than the caller's patience is not begun: the failure says how long it would take."""
    retry = RetryInfo(retry_delay=Duration(seconds=90))
    future = script.run(sync(script.caller(patience=timedelta(seconds=60))))
    script.answer("SyncCatalog", None, code=UNAVAILABLE, details=(info("META_UNAVAILABLE"), retry))
    with pytest.raises(CallFailed) as caught:
        future.result(WAIT_SECONDS)
    assert (timedelta(seconds=90), []) == (caught.value.retry_after, script.pauses)


@pytest.mark.parametrize(("attempt", "least", "most"), [(1, 0.05, 0.1), (3, 0.2, 0.4), (50, 2.5, 5.0)])
def test_pauses_grow_to_a_limit(attempt: int, least: float, most: float) -> None:
    """Pauses double, differ among callers, and never exceed five seconds."""
    unreachable = CallFailed(method="GetStatus", code=UNAVAILABLE, message="")
    pauses = [find_pause(unreachable, attempt) for _ in range(50)]
    assert all(pause and least <= pause.total_seconds() <= most for pause in pauses)
    assert len(set(pauses)) > 1


def test_a_failure_tells_everything_in_one_line(script: Script) -> None:
    """Reason, message, fields, facts, links and the wish's id: what a person needs to act."""
    details = (
        info("FIELD_REQUIRED", field="products[3].title"),
        BadRequest(
            field_violations=[BadRequest.FieldViolation(field="products[3].title", description="must not be empty")]
        ),
        Help(links=[Help.Link(description="Fields", url="https://docs.example/fields")]),
    )
    future = script.run(sync(script.caller(), request_id="wish-1"))
    script.answer("SyncCatalog", None, code=grpc.StatusCode.INVALID_ARGUMENT, details=details)
    with pytest.raises(CallFailed) as caught:
        future.result(WAIT_SECONDS)
    assert (
        "SyncCatalog: FIELD_REQUIRED: no such luck products[3].title: must not be empty"
        " [field=products[3].title request_id=wish-1] Fields: https://docs.example/fields"
    ) == str(caught.value)
    assert "facebook.stormcom" == caught.value.domain


def test_a_failure_without_details_is_told_too(script: Script) -> None:
    """What comes from gRPC itself, or from a proxy, has a code and a text."""
    caller = script.caller()
    future = script.run(lambda: caller.call(caller.connector.GetStatus, GetStatusRequest()))
    script.answer("GetStatus", None, code=grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(CallFailed, match=r"^GetStatus: PERMISSION_DENIED: no such luck$"):
        future.result(WAIT_SECONDS)


def test_details_that_contradict_the_status_are_not_believed(script: Script) -> None:
    """A status whose details are another call's does not lend its reason."""
    caller = script.caller()
    future = script.run(lambda: caller.call(caller.connector.GetStatus, GetStatusRequest()))
    _, _, rpc = script.channel.take_unary_unary(CONNECTOR.methods_by_name["GetStatus"])
    rpc.send_initial_metadata(())
    rpc.terminate(None, failure(grpc.StatusCode.NOT_FOUND, "x", info("ITEM_NOT_FOUND")), grpc.StatusCode.INTERNAL, "y")
    with pytest.raises(CallFailed) as caught:
        future.result(WAIT_SECONDS)
    assert (grpc.StatusCode.INTERNAL, "") == (caught.value.code, caught.value.reason)


def test_lists_are_read_page_by_page(script: Script) -> None:
    """All pages come, each asked for with the token of the one before and the same filter."""
    caller = script.caller()
    request = ListConversationsRequest(unread_only=True)
    future = script.run(
        lambda: list(caller.list_all(caller.connector.ListConversations, request, field="conversations"))
    )
    pages = [("", ["a", "b"], "next"), ("next", ["c"], "")]
    for token, ids, following in pages:
        answer = ListConversationsResponse(
            conversations=[Conversation(conversation_id=name) for name in ids], next_page_token=following
        )
        asked = script.answer("ListConversations", answer)[1]
        assert (token, True) == (asked.page_token, asked.unread_only)
    assert ["a", "b", "c"] == [conversation.conversation_id for conversation in future.result(WAIT_SECONDS)]


def test_a_broken_stream_goes_on_behind_its_last_answer(script: Script) -> None:
    """Nothing is told twice and nothing is left out when the connection breaks in between."""
    caller = script.caller()

    def resume(request: SubscribeRequest, answer: SubscribeResponse) -> None:
        request.after_position = answer.event.position

    stream = caller.watch(caller.events.Subscribe, SubscribeRequest(), resume=resume)
    heard: Queue[str] = Queue()

    def follow() -> None:
        for answer in stream:
            heard.put(answer.event.position)

    future = script.run(follow)
    asked, told = [], []
    for position, code in (("1", UNAVAILABLE), ("2", OK)):
        _, request, rpc = script.channel.take_unary_stream(EVENTS.methods_by_name["Subscribe"])
        asked.append(request.after_position)
        rpc.send_initial_metadata(())
        rpc.send_response(SubscribeResponse(event=Event(position=position)))
        told.append(heard.get(timeout=WAIT_SECONDS))
        rpc.terminate((), code, "")
    future.result(WAIT_SECONDS)
    assert (["", "1"], ["1", "2"]) == (asked, told)


def test_a_stream_that_is_refused_ends(script: Script) -> None:
    """A watch fails as a call does when it is no use to try again."""
    caller = script.caller()
    future = script.run(lambda: list(caller.watch(caller.connector.WatchStatus, WatchStatusRequest())))
    _, _, rpc = script.channel.take_unary_stream(CONNECTOR.methods_by_name["WatchStatus"])
    rpc.send_initial_metadata(())
    rpc.send_response(WatchStatusResponse())
    code = grpc.StatusCode.NOT_FOUND
    rpc.terminate(failure(code, "gone", info("CONNECTION_NOT_FOUND")), code, "gone")
    with pytest.raises(CallFailed, match="CONNECTION_NOT_FOUND"):
        future.result(WAIT_SECONDS)


def test_a_silent_stream_may_break_at_any_age(script: Script) -> None:
    """A stream that had nothing to tell for hours is opened again like any other; so is the next."""
    caller = script.caller(patience=timedelta(seconds=60))
    stream = caller.watch(caller.events.Subscribe, SubscribeRequest())
    future = script.run(lambda: list(stream))
    for code in (UNAVAILABLE, UNAVAILABLE, OK):
        _, _, rpc = script.channel.take_unary_stream(EVENTS.methods_by_name["Subscribe"])
        rpc.send_initial_metadata(())
        script.now += 7_200
        rpc.terminate((), code, "")
    assert ([], 2) == (future.result(WAIT_SECONDS), len(script.pauses))


def test_a_stream_that_never_opens_ends(script: Script) -> None:
    """A connector that is not there is asked for as long as patience lasts, no longer."""
    caller = script.caller(patience=timedelta(seconds=1))
    future = script.run(lambda: list(caller.watch(caller.events.Subscribe, SubscribeRequest())))
    retry = RetryInfo(retry_delay=Duration(nanos=300_000_000))
    for _ in range(3):  # two pauses of 0.3 s and some fit into a second, a third does not
        _, _, rpc = script.channel.take_unary_stream(EVENTS.methods_by_name["Subscribe"])
        rpc.send_initial_metadata(())
        rpc.terminate(failure(UNAVAILABLE, "away", info("META_UNAVAILABLE"), retry), UNAVAILABLE, "away")
    with pytest.raises(CallFailed, match="UNAVAILABLE"):
        future.result(WAIT_SECONDS)
    assert 2 == len(script.pauses)
