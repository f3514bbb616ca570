"""W3C trace context across caller, task and Graph call, when OpenTelemetry is installed and an exporter is configured.

Without either, every span is a no-op that costs a function call. Only names and ids become attributes: never tokens, bodies or people.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from connector.settings import SettingsError

try:
    from opentelemetry import context, propagate, trace
except ImportError:
    _INSTALLED = False  # the `otel` extra is missing
else:
    _INSTALLED = True

_ATTRIBUTE = str | int | bool


def configure(service: str, environ: Mapping[str, str] = os.environ) -> None:
    """Export spans over OTLP when the standard variable OTEL_EXPORTER_OTLP_ENDPOINT says where to.

    Raises:
        SettingsError: the variable is set but the `otel` extra is not installed.

    """
    if not environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 – only with an exporter
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 – only with an exporter
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 – only with an exporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 – only with an exporter
    except ImportError as error:
        raise SettingsError("OTEL_EXPORTER_OTLP_ENDPOINT is set: install the extra `otel` or unset it") from error
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _tracing() -> bool:
    return _INSTALLED and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def span(name: str, *, parent: str | None = None, **attributes: _ATTRIBUTE) -> AbstractContextManager[None]:
    """Open a span around a unit of work; `parent` is a W3C `traceparent` that came with it."""
    return _open(name, parent, attributes) if _tracing() else _NOTHING


_NOTHING = nullcontext()


@contextmanager
def _open(name: str, parent: str | None, attributes: Mapping[str, _ATTRIBUTE]) -> Iterator[None]:
    outer = propagate.extract({"traceparent": parent}) if parent else context.get_current()
    # An exception's words may be anything: a failed span tells its kind, or the reason given to `fail`.
    with trace.get_tracer("facebook-connector").start_as_current_span(
        name, context=outer, attributes=attributes, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield
        except Exception as error:
            fail(type(error).__name__)
            raise


def fail(reason: str) -> None:
    """Mark the current span as failed."""
    if _INSTALLED:
        trace.get_current_span().set_status(trace.Status(trace.StatusCode.ERROR, reason))


def current() -> str | None:
    """Tell the current `traceparent`, to hand on; None when nothing is traced."""
    if not _INSTALLED:
        return None
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def flush() -> None:
    """Send what was traced, before a process ends that runs no exit hooks."""
    flushing = getattr(trace.get_tracer_provider(), "force_flush", None) if _INSTALLED else None
    if flushing:
        flushing()
