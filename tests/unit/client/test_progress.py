"""An operation shown at work."""

import io
from typing import Any

import pytest
from rich.console import Console

from client.call import Caller
from client.progress import watch_operation
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import WatchOperationResponse

Connector = Any
RUNNING = Operation(operation_id="op", state=Operation.STATE_RUNNING, total_count=4, confirmed_count=1)
ENDED = Operation(
    operation_id="op", state=Operation.STATE_PARTIALLY_SUCCEEDED, total_count=4, confirmed_count=3, rejected_count=1
)


@pytest.mark.parametrize("terminal", [True, False, None])
def test_the_end_is_waited_for(connector: Connector, caller: Caller, *, terminal: bool | None) -> None:
    """On a terminal a bar, elsewhere a line per change, or nothing: the operation comes back as it ended."""
    connector.on("WatchOperation", lambda _: [WatchOperationResponse(operation=one) for one in (RUNNING, ENDED)])
    out = io.StringIO()
    console = None if terminal is None else Console(file=out, force_terminal=terminal, width=100)
    assert ENDED == watch_operation(caller, RUNNING, console=console)
    expected = {True: "confirmed, 1 rejected", False: "op RUNNING, 1 confirmed, 0 rejected of 4\n", None: ""}[terminal]
    assert expected in out.getvalue()
    assert (terminal is None) == (out.getvalue() == "")


def test_a_plan_that_waits_for_a_human_is_an_end(connector: Connector, caller: Caller) -> None:
    """Nobody waits for what will not go on by itself."""
    waiting = Operation(operation_id="op", state=Operation.STATE_NEEDS_CONFIRMATION, removal_count=60)
    connector.on("WatchOperation", lambda _: [WatchOperationResponse(operation=one) for one in (waiting, ENDED)])
    assert waiting == watch_operation(caller, RUNNING, console=None)
