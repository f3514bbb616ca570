"""The contract keeps its own rules."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from connector.rpc.callers import SERVICES
from stormcom.facebook.v1 import error_reason_pb2

ROOT = Path(__file__).parents[2]
METHODS = [method for service in SERVICES for method in service.methods]
REASONS = {
    name.removeprefix("ERROR_REASON_")
    for name in error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"].values_by_name
}
NAMES = [method.name for method in METHODS]


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_every_request_names_its_store_first(method: MethodDescriptor) -> None:
    """`store_id` is field 1 of every request: that is where permission is checked."""
    assert method.input_type.fields_by_number[1].name == "store_id"


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_every_method_says_whether_it_may_be_repeated(method: MethodDescriptor) -> None:
    """`idempotency_level` is set on every method; those that change something, and no others, take a `request_id`."""
    assert method.GetOptions().HasField("idempotency_level")
    changing = method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS
    assert changing == ("request_id" in method.input_type.fields_by_name)


@pytest.mark.parametrize(
    "method", [method for method in METHODS if method.name.startswith("List")], ids=lambda method: method.name
)
def test_every_list_is_paged(method: MethodDescriptor) -> None:
    """Every List takes `page_size` and `page_token` and answers with `next_page_token`."""
    assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
    assert "next_page_token" in method.output_type.fields_by_name


def test_nothing_streams_in() -> None:
    """Bulk goes in as batches: no method streams requests."""
    assert [method.name for method in METHODS if method.client_streaming] == []


def _messages() -> Iterator[Descriptor]:
    for service in SERVICES:
        for method in service.methods:
            yield from (method.input_type, method.output_type)


def test_times_and_states_are_named_alike() -> None:
    """Timestamps end in `_time`, nothing is called `…_at` or `is_…`, and `state` fields are enums."""
    fields = [field for message in _reachable(list(_messages())) for field in message.fields]
    assert fields
    for field in fields:
        stamp = field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp"
        assert not stamp or field.name == "time" or field.name.endswith("_time")
        assert not field.name.endswith("_at")
        assert not field.name.startswith("is_")
        if (
            field.name == "state"
            and field.containing_type is not None
            and field.containing_type.name != "CompleteConnect"
        ):
            assert field.type == FieldDescriptor.TYPE_ENUM


def _reachable(begin: list[Descriptor]) -> list[Descriptor]:
    found: dict[str, Descriptor] = {}
    while begin:
        message = begin.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            begin += [field.message_type for field in message.fields if field.message_type is not None]
    return [message for name, message in found.items() if name.startswith("stormcom.")]


RAISED = re.compile(
    r"(?:NotFound|AlreadyExists|Conflict|FailedPrecondition|Unauthenticated|Forbidden|Unavailable|OutcomeUnknown|MetaRefused)\(\s*\"([A-Z_]+)\""
    r"|InvalidInput\.of\([^,()]*(?:\([^()]*\))?[^,()]*,\s*\"([A-Z_]+)\"|(?:Violation|Fault|ItemFault|faults\.add)\([^\"]*\"?[^\"]*\"?,?\s*\"([A-Z][A-Z_]+)\"|reason=\"([A-Z][A-Z_]+)\""
)


def test_every_reason_we_give_is_documented() -> None:
    """A reason that the code gives is a value of ErrorReason."""
    sources = [path for folder in ("connector", "jobs", "webhook_ingress") for path in (ROOT / folder).rglob("*.py")]
    given = {next(filter(None, found.groups())) for path in sources for found in RAISED.finditer(path.read_text())}
    assert len(given) > 15
    assert set() == given - REASONS


def test_every_documented_reason_is_given() -> None:
    """No value of ErrorReason is a promise without code."""
    code = "\n".join(
        path.read_text()
        for folder in ("connector", "jobs", "webhook_ingress")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert set() == {reason for reason in REASONS if f'"{reason}"' not in code} - {"UNSPECIFIED"}


def test_every_reason_has_words_and_a_code() -> None:
    """Above each reason stands its gRPC code, or what else it is given with, and what it means."""
    kinds = r"[A-Z_]+|a warning on an item|(?:An alert|A fault of an item|Why a mail was not sent), no status of a call"
    text = (ROOT / "protos/stormcom/facebook/v1/error_reason.proto").read_text()
    documented = re.findall(rf"  // (?:{kinds}): .+\n  ERROR_REASON_([A-Z_]+) =", text)
    assert REASONS - {"UNSPECIFIED"} == set(documented)
