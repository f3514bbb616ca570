"""Every metric, with its meaning and unit, and the endpoint that shows them.

Labels are few and bounded: no store, no person, no id ever becomes one.
"""

import os

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server

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
graph_usage = Gauge(
    "connector_graph_usage_percent", "Share of Meta's allowance used, in percent, by bucket family", ["family"]
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
signals = Counter("connector_signals", "Signals read from deliveries, by kind and outcome", ["kind", "outcome"])
items = Counter("connector_items", "Items settled, by verdict: confirmed, rejected", ["verdict"])


def serve(address: tuple[str, int] | None) -> None:
    """Show this process's metrics over HTTP at `/metrics`; None shows nothing."""
    if address:
        server, _ = start_http_server(address[1], addr=address[0], registry=REGISTRY)
        # A forked child that outlives us would hold the address, and our successor could not have it.
        os.register_at_fork(after_in_child=server.socket.close)
