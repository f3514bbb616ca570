"""Every metric, with its meaning and unit, and the endpoint that shows them.

Labels are few and bounded: no store, no person, no id ever becomes one. A forked child counts for itself: it hands over what
it `grew` before it ends, and its parent shows the sum.
"""

import os
from collections.abc import Iterator

import orjson
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Sample

from connector.settings import SettingsError

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

rpcs = Histogram(
    "connector_rpc_seconds",
    "Duration of an RPC, in seconds, by method and status code",
    ["method", "code"],
    buckets=_SECONDS,
)
graph_calls = Histogram(
    "connector_graph_call_seconds",
    "Duration of a Graph call, in seconds, by bucket family and outcome",
    ["family", "method", "outcome"],
    buckets=_SECONDS,
)
tasks = Histogram(
    "connector_task_seconds",
    "Duration of a task, in seconds, by name and outcome",
    ["task", "outcome"],
    buckets=_SECONDS,
)
task_delay = Histogram(
    "connector_task_delay_seconds",
    "From a task being due to its start, in seconds, by lane",
    ["lane"],
    buckets=_SECONDS,
)
deliveries = Counter(
    "connector_deliveries", "Webhook deliveries, by what became of them: stored, forged, unavailable", ["outcome"]
)
pushes = Counter("connector_pushes", "Posts of events, by what the answer means: TAKEN, AGAIN, WAIT, GONE", ["verdict"])
callbacks = Counter(
    "connector_callbacks",
    "Meta's signed callbacks, by kind and outcome: done, forged, stale, wrong",
    ["kind", "outcome"],
)
late_deletions = Counter("connector_deletions_late", "Deletions of personal data that a sweep found past their day")
turned_away = Counter(
    "connector_ingress_turned_away", "Connections of the ingress ended by a limit: full, address, idle, slow", ["cause"]
)
key_sets = Counter("connector_key_sets", "Fetches of callers' keys, by outcome: fetched, failed", ["outcome"])
certificates = Counter(
    "connector_certificates", "New certificates of the gRPC server, by outcome: taken, refused", ["outcome"]
)
signals = Counter("connector_signals", "Signals read from deliveries, by kind and outcome", ["kind", "outcome"])
mails = Counter(
    "connector_mails", "Forwarded mails, by what the mail server said: accepted, refused, later", ["outcome"]
)
subscription_repairs = Counter(
    "connector_subscription_repairs",
    "Webhook subscriptions put right, by what was wrong: absent, lacking, surplus, app",
    ["cause"],
)
items = Counter("connector_items", "Items settled, by verdict: confirmed, rejected", ["verdict"])
budget_percent = Histogram(
    "connector_budget_percent",
    "Percent of Meta's allowance that is used, as told by each answer, by bucket family",
    ["family"],
    buckets=(10, 25, 50, 75, 80, 85, 90, 95, 99, 100),
)
budget_pauses = Counter(
    "connector_budget_pause_seconds",
    "Seconds for which tasks were put off, by bucket family and cause: paced, throttled, unavailable",
    ["family", "cause"],
)
breakers = Counter(
    "connector_breakers", "Changes of circuit breakers, by bucket family: opened, closed", ["family", "change"]
)
version_drifts = Counter(
    "connector_graph_version_drifts",
    "Times Meta began, and ended, to answer an app with another Graph version than it speaks: began, ended",
    ["change"],
)

rewrapped_tokens = Counter(
    "connector_rewrapped_tokens",
    "Tokens whose data keys were to be wrapped by the vault's newest key, by outcome: rewrapped, changed, damaged",
    ["outcome"],
)
sealed_tokens = Gauge(
    "connector_sealed_tokens",
    "Tokens by the key of the vault that they need, as last counted; shown by the relay. A key at 0 may be removed",
    ["key"],
)

Series = tuple[str, tuple[tuple[str, str], ...]]
_handed_over: dict[str, dict[Series, float]] = {}
"""What ended children counted, by metric."""


def counted() -> dict[Series, float]:
    """Tell how far every series of this process has grown."""
    return {_series(sample): sample.value for metric in _ours() for sample in _sums(metric)}


def grew(before: dict[Series, float]) -> bytes:
    """Write what was counted since, for the parent."""
    return orjson.dumps(
        [
            (metric.name, sample.name, sample.labels, sample.value - before.get(_series(sample), 0.0))
            for metric in _ours()
            for sample in _sums(metric)
            if sample.value != before.get(_series(sample))
        ]
    )


def take_over(growth: bytes) -> None:
    """Add what a child counted."""
    for name, sample, labels, amount in orjson.loads(growth):
        sums, series = _handed_over.setdefault(name, {}), (sample, tuple(labels.items()))
        sums[series] = sums.get(series, 0.0) + amount


class _Shown(Collector):
    """This process's metrics and those of its children, as one."""

    def collect(self) -> Iterator[Metric]:
        for metric in REGISTRY.collect():
            extra = dict(_handed_over.get(metric.name, {}))
            own = [sample._replace(value=sample.value + extra.pop(_series(sample), 0.0)) for sample in metric.samples]
            metric.samples = own + [Sample(name, dict(labels), value) for (name, labels), value in extra.items()]
            yield metric


_SHOWN = CollectorRegistry()
_SHOWN.register(_Shown())


def _ours() -> Iterator[Metric]:
    return (metric for metric in REGISTRY.collect() if metric.name.startswith("connector_"))


def _sums(metric: Metric) -> Iterator[Sample]:
    return (sample for sample in metric.samples if not sample.name.endswith("_created"))  # a time, not a sum


def _series(sample: Sample) -> Series:
    return sample.name, tuple(sample.labels.items())


def serve(address: tuple[str, int] | None) -> None:
    """Show this process's metrics over HTTP at `/metrics`; None shows nothing.

    Raises:
        SettingsError: the address cannot be listened on.

    """
    if address:
        try:
            server, _ = start_http_server(address[1], addr=address[0], registry=_SHOWN)
        except OSError as problem:
            raise SettingsError(f"METRICS_ADDRESS cannot be listened on: {problem.strerror}") from None
        # A forked child that outlives us would hold the address, and our successor could not have it.
        os.register_at_fork(after_in_child=server.socket.close)
