"""Metrics."""

import socket
import urllib.request
from contextlib import closing

import pytest

from connector import metrics
from connector.settings import SettingsError


def shown(port: int) -> dict[str, float]:
    """What the endpoint shows, by series."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def free_port() -> int:
    """A port that nobody has."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_a_child_counted_is_added_to_our_own() -> None:
    """Series of a child and of its parent are shown as one sum, and those only the child has are shown too."""
    port = free_port()
    metrics.serve(("127.0.0.1", port))
    metrics.tasks.labels("BOTH", "OK").observe(0.02)
    before = metrics.counted()
    metrics.tasks.labels("BOTH", "OK").observe(0.02)
    metrics.tasks.labels("CHILD", "OK").observe(3)
    growth = metrics.grew(before)
    metrics.tasks.remove("CHILD", "OK")  # a child's memory is not ours
    metrics.take_over(growth)
    found = shown(port)
    assert 3 == found['connector_task_seconds_count{outcome="OK",task="BOTH"}']
    assert 1 == found['connector_task_seconds_count{outcome="OK",task="CHILD"}']
    assert 0 == found['connector_task_seconds_bucket{le="2.5",outcome="OK",task="CHILD"}']
    assert 1 == found['connector_task_seconds_bucket{le="5.0",outcome="OK",task="CHILD"}']


def test_an_address_that_is_taken_is_named() -> None:
    """A metrics address that somebody else has is a wrong setting, not a traceback."""
    refusal = pytest.raises(SettingsError, match="METRICS_ADDRESS cannot be listened on: Address already in use")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, refusal:
        metrics.serve(("127.0.0.1", taken.getsockname()[1]))


def test_no_label_grows_with_stores_or_people() -> None:
    """Every label has few values by its nature; one that is not known here must be looked at before it is added."""
    few = {"method", "code", "family", "outcome", "task", "lane", "kind", "verdict", "cause", "change"}
    labels = {name for metric in vars(metrics).values() for name in getattr(metric, "_labelnames", ())}
    by_operators = {"key"}  # keys of the vault
    assert few | by_operators == labels
