"""Bytes and status into a value or one of our errors. The only place where Meta's answers become errors.

Decides by Meta's `code`, not by the HTTP status: throttles come as 400 and 403, and an answer of 200 may hold an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson

from connector.errors import ConnectorError, MetaRefused, OutcomeUnknown, Throttled, Unavailable
from connector.graph.call import Call, Effect
from connector.graph.faults import APP_WIDE, Fault, Kind, find
from connector.graph.usage import longest_regain
from connector.vault import hide_tokens

T = TypeVar("T")

# Our own figure for a throttle without a regain time: Meta's docs give none.
_UNTOLD_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (case-insensitive), body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def decipher(call: Call[T], answer: Answer, *, now: datetime) -> T:
    """Read the answer to a call.

    Raises:
        MetaRefused: Meta refuses; the reason tells token, permission, policy, window and plain refusal apart.
        Throttled: with the time Meta named, else in five minutes.
        Unavailable: Meta failed for now, or answered with what is not an answer.
        OutcomeUnknown: the same, for a call that must not run twice and whose effect may have happened.

    """
    if 300 <= answer.status < 400:  # whoever redirects is not Meta, whatever else it says
        raise _garbage(call, answer)
    try:
        parsed = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise _garbage(call, answer) from None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if error is not None or answer.status >= 400:
        raise _error(call, answer, error if isinstance(error, dict) else {}, now=now)
    try:
        return call.read(parsed)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as wrong:
        raise _garbage(call, answer) from wrong


def _garbage(call: Call[Any], answer: Answer) -> ConnectorError:
    """Something that is no Graph answer: a proxy's page, half a body. After a write that must not run twice, nobody knows."""
    if call.effect is Effect.ONCE and (answer.status < 400 or answer.status >= 500):
        return OutcomeUnknown(
            "META_OUTCOME_UNKNOWN",
            f"Meta answered {answer.status} with what cannot be read; it is settled in the background",
        )
    return Unavailable(
        "META_UNAVAILABLE", f"Meta answered {answer.status} with what cannot be read; work resumes by itself"
    )


def _error(call: Call[Any], answer: Answer, error: dict[str, Any], *, now: datetime) -> ConnectorError:
    code, subcode = _whole(error.get("code", error.get("error_code"))), _whole(error.get("error_subcode"))
    words = str(error.get("message", ""))
    traced = {"fbtrace_id": str(error.get("fbtrace_id") or answer.headers.get("x-fb-trace-id", ""))}
    fault = find(code, subcode, words) if code else None
    kind = _kind_of(answer, error, fault)
    told: dict[str, Any] = {"meta_code": code, "meta_subcode": subcode, **traced}
    match kind:
        case Kind.UNAVAILABLE if call.effect is Effect.ONCE and not code:
            return OutcomeUnknown(
                "META_OUTCOME_UNKNOWN", "Meta failed without a code; it is settled in the background", **told
            )
        case Kind.UNCERTAIN if call.effect is Effect.ONCE:
            return OutcomeUnknown(
                "META_OUTCOME_UNKNOWN", "Meta's own answer broke; it is settled in the background", **told
            )
        case Kind.UNAVAILABLE | Kind.UNCERTAIN:
            return Unavailable("META_UNAVAILABLE", f"Meta failed for now (code {code}); work resumes by itself", **told)
        case Kind.THROTTLED:
            until = now + (longest_regain(answer.headers) or _UNTOLD_PAUSE)
            bucket = "app" if (code, subcode) in APP_WIDE else call.bucket
            return Throttled(bucket, until, f"Meta asked for a pause (code {code}); work resumes by itself", **told)
        case _:
            return _refused(fault, code, subcode, error, traced)


def _refused(
    fault: Fault | None, code: int, subcode: int, error: dict[str, Any], traced: dict[str, str]
) -> MetaRefused:
    reason = fault.reason if fault else "META_REJECTED"
    meaning = fault.meaning if fault else "Meta refuses the request."
    words = hide_tokens(str(error.get("error_user_msg") or error.get("message") or ""))[:300]
    remedy = fault.remedy if fault else "Look up the code in Meta's documentation."
    return MetaRefused(
        reason, f"{meaning} {remedy}", code=code, subcode=subcode, fix=remedy, meta_message=words, **traced
    )


_LASTING = {Kind.TOKEN, Kind.PERMISSION, Kind.POLICY, Kind.RETIRED, Kind.APPROVAL, Kind.VERSION}


def _kind_of(answer: Answer, error: dict[str, Any], fault: Fault | None) -> Kind:
    """Classify by the table; a code that is new to us, by `is_transient`, then by status.

    What Meta itself calls transient, or fails with, takes nothing lasting away, whatever the code.
    """
    if fault is not None and fault.kind not in _LASTING:
        return fault.kind
    if error.get("is_transient") is True or answer.status >= 500:
        return Kind.UNAVAILABLE
    if answer.status == 429:
        return Kind.THROTTLED
    return fault.kind if fault is not None else Kind.REFUSED


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31 else 0
