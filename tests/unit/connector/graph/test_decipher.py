"""What Meta's answers become."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConnectorError, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.graph.call import Call, Effect
from connector.graph.decipher import Answer, decipher
from connector.graph.faults import FAULTS, REASONS, SOURCES, Kind, find
from stormcom.facebook.v1 import error_reason_pb2

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
READ = Call("GET", "me", lambda answer: str(answer["id"]), bucket="page:1")
ONCE = Call("POST", "1/messages", lambda answer: str(answer["message_id"]), bucket="messenger:1", effect=Effect.ONCE)


def answer(status: int, document: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, orjson.dumps(document))


def error(code: int, subcode: int = 0, message: str = "(#0) words", **more: Any) -> dict[str, Any]:
    return {
        "error": {
            "message": message,
            "type": "OAuthException",
            "code": code,
            "error_subcode": subcode,
            "fbtrace_id": "Atrace",
            **more,
        }
    }


def fail(call: Call[str], given: Answer) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        decipher(call, given, now=NOW)
    return caught.value


def test_a_good_answer_becomes_its_value() -> None:
    """A successful answer is read by the call's own reader."""
    assert decipher(READ, answer(200, {"id": 42}), now=NOW) == "42"


@pytest.mark.parametrize(
    ("code", "subcode", "status", "kind", "reason"),
    [
        (190, 463, 401, MetaRefused, "META_TOKEN_INVALID"),
        (190, 99999, 400, MetaRefused, "META_TOKEN_INVALID"),
        (102, 0, 400, MetaRefused, "META_TOKEN_INVALID"),
        (10, 0, 403, MetaRefused, "META_PERMISSION_MISSING"),
        (299, 0, 403, MetaRefused, "META_PERMISSION_MISSING"),
        (10, 2018278, 400, MetaRefused, "MESSAGING_WINDOW_CLOSED"),
        (551, 0, 400, MetaRefused, "META_PERSON_UNREACHABLE"),
        (368, 0, 400, MetaRefused, "META_POLICY_BLOCKED"),
        (100, 33, 400, MetaRefused, "META_REJECTED"),
        (2635, 0, 400, MetaRefused, "GRAPH_VERSION_RETIRED"),
        (12, 0, 400, MetaRefused, "CAPABILITY_RETIRED_BY_META"),
        (3, 0, 400, MetaRefused, "META_APP_NOT_APPROVED"),
        (10, 0, 500, Unavailable, "META_UNAVAILABLE"),
        (190, 460, 503, Unavailable, "META_UNAVAILABLE"),
        (4, 0, 400, Throttled, "META_THROTTLED"),
        (80014, 0, 400, Throttled, "META_THROTTLED"),
        (613, 1996, 403, Throttled, "META_THROTTLED"),
        (1, 0, 500, Unavailable, "META_UNAVAILABLE"),
        (2, 0, 503, Unavailable, "META_UNAVAILABLE"),
        (2, 2018344, 400, MetaRefused, "META_PERMISSION_MISSING"),
        (987654, 0, 400, MetaRefused, "META_REJECTED"),
        (987654, 0, 500, Unavailable, "META_UNAVAILABLE"),
    ],
)
def test_the_code_decides(code: int, subcode: int, status: int, kind: type[ConnectorError], reason: str) -> None:
    """Meta's code and subcode decide what an error is; the HTTP status only where the code is new to us."""
    found = fail(READ, answer(status, error(code, subcode)))
    assert (kind, reason) == (type(found), found.reason)
    assert found.metadata["fbtrace_id"] == "Atrace"


def test_an_unknown_transient_error_may_be_repeated() -> None:
    """Meta's own `is_transient` makes a code that is new to us repeatable."""
    assert isinstance(fail(READ, answer(400, error(987654, is_transient=True))), Unavailable)


def test_too_much_data_is_told_from_an_unknown_error_by_its_words() -> None:
    """Code 1 with those words asks for less at once and is not repeated as it is."""
    fault = find(1, 0, "Please reduce the amount of data you're asking for, then retry your request")
    assert fault is not None
    assert fault.kind == Kind.TOO_LARGE
    assert isinstance(
        fail(READ, answer(500, error(1, message="Please reduce the amount of data you're asking for"))), MetaRefused
    )


def test_a_throttle_lasts_as_long_as_meta_says() -> None:
    """The regain time of the usage header becomes the end of the pause; without one it is five minutes."""
    header = {
        "x-business-use-case-usage": orjson.dumps(
            {"77": [{"type": "catalog_batch", "call_count": 100, "estimated_time_to_regain_access": 19}]}
        ).decode()
    }
    told, untold = fail(READ, answer(400, error(80014), header)), fail(READ, answer(400, error(80014)))
    assert isinstance(told, Throttled)
    assert isinstance(untold, Throttled)
    assert ("page:1", NOW + timedelta(minutes=19)) == (told.bucket, told.until)
    assert NOW + timedelta(minutes=5) == untold.until


@pytest.mark.parametrize(
    ("code", "subcode", "bucket"),
    [
        (4, 0, "app"),
        (341, 0, "app"),
        (4, 2018022, "page:1"),
        (17, 0, "page:1"),
        (32, 0, "page:1"),
        (80001, 0, "page:1"),
    ],
)
def test_a_limit_of_the_app_pauses_the_app(code: int, subcode: int, bucket: str) -> None:
    """A throttle pauses the call's bucket, unless its code says that the whole app is meant."""
    found = fail(READ, answer(400, error(code, subcode)))
    assert isinstance(found, Throttled)
    assert bucket == found.bucket


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b'{"id":',
        b"null",
        b"[]",
        b'"text"',
        b'{"other": 1}',
        b"{" * 200_000,
        b"\xff\xfe",
        b'{"id": {"x": NaN}}',
    ],
)
@pytest.mark.parametrize("status", [200, 502])
def test_what_is_no_answer_is_never_a_crash(body: bytes, status: int) -> None:
    """Garbage is unavailable for a read, and an unknown outcome for a write that must not run twice."""
    assert isinstance(fail(READ, Answer(status, {}, body)), Unavailable)
    assert isinstance(fail(ONCE, Answer(status, {}, body)), OutcomeUnknown)


def test_an_error_within_200_is_an_error() -> None:
    """A successful status does not hide an error in the body."""
    assert isinstance(fail(READ, answer(200, error(190))), MetaRefused)


def test_a_coded_failure_of_a_send_did_not_happen() -> None:
    """Codes 1 and 2 of a send may be repeated; without a code, or where Meta says so, nobody knows."""
    assert isinstance(fail(ONCE, answer(500, error(2))), Unavailable)
    assert isinstance(fail(ONCE, answer(500, {"error": {}})), OutcomeUnknown)
    assert isinstance(fail(ONCE, answer(500, error(1, 1357046))), OutcomeUnknown)


@given(st.binary(), st.integers(100, 599))
def test_any_bytes_end_typed(body: bytes, status: int) -> None:
    """Whatever comes back, the outcome is a value or one of our errors."""
    with contextlib.suppress(ConnectorError):
        decipher(READ, Answer(status, {}, body), now=NOW)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_error_object_ends_typed(value: Any) -> None:
    """Whatever stands under `error`, and in each of its members, the outcome is one of our errors."""
    for document in (
        {"error": value or {"code": value}},
        {"error": {"code": value, "error_subcode": value, "message": value}},
    ):
        try:
            body = orjson.dumps(document)
        except TypeError:
            continue
        assert isinstance(fail(READ, Answer(400, {}, body)), ConnectorError)


def test_every_row_of_the_table_is_whole() -> None:
    """Each fault has words, a remedy, a source with its date or marked unverified, and a reason of the contract."""
    reasons = {
        name.removeprefix("ERROR_REASON_")
        for name in error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"].values_by_name
    }
    assert set(REASONS.values()) <= reasons
    for key, fault in FAULTS.items():
        assert key == (fault.code, fault.subcode)
        assert fault.meaning.endswith(".")
        assert fault.remedy.endswith(".")
        assert fault.reason in reasons
        assert "(read 2026-" in SOURCES[key] or SOURCES[key].startswith("Unverified")
