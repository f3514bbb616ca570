"""Traces."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connector import tracing

PROVIDER, EXPORTER = TracerProvider(), InMemorySpanExporter()
PROVIDER.add_span_processor(SimpleSpanProcessor(EXPORTER))


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    trace.set_tracer_provider(PROVIDER)
    EXPORTER.clear()
    yield EXPORTER


def test_one_trace_runs_from_the_caller_through_a_task_to_a_graph_call(spans: InMemorySpanExporter) -> None:
    """What a caller began, a task continues by the traceparent that was stored with it, and its Graph calls belong to it."""
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracing.span("rpc UpdateInventory", parent=caller):
        stored = tracing.current()
    with tracing.span("task SEND_STOCK", parent=stored), tracing.span("graph POST"):
        pass
    rpc, graph, task = spans.get_finished_spans()
    assert {0x0AF7651916CD43DD8448EB211C80319C} == {one.context.trace_id for one in (rpc, graph, task) if one.context}
    assert rpc.context is not None
    assert task.parent is not None
    assert graph.parent is not None
    assert task.context is not None
    assert (rpc.context.span_id, task.context.span_id) == (task.parent.span_id, graph.parent.span_id)


def test_without_a_span_there_is_nothing_to_hand_on() -> None:
    """Outside of any trace a task is stored without a traceparent."""
    assert tracing.current() is None


def test_nothing_is_exported_without_an_endpoint() -> None:
    """Tracing stays off unless the standard variable says where to."""
    tracing.configure("test", {})
