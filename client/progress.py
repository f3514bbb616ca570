"""Shows an operation at work: a bar on a terminal, a line per change elsewhere."""

from collections import deque
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client.call import Caller
from client.output import word
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import WatchOperationRequest

ENDED = frozenset(
    {
        Operation.STATE_SUCCEEDED,
        Operation.STATE_PARTIALLY_SUCCEEDED,
        Operation.STATE_FAILED,
        Operation.STATE_CANCELLED,
        Operation.STATE_NEEDS_CONFIRMATION,
    }
)


def watch_operation(caller: Caller, operation: Operation, *, console: Console | None) -> Operation:
    """Wait until an operation ends or waits for confirmation; return it as it is then. Without a console, silently."""
    changes = _changes(caller, operation)
    if console is None:
        return next(iter(deque(changes, maxlen=1)), operation)
    if console.is_terminal:
        return _draw(changes, operation, console)
    last = operation
    for last in changes:
        if last.state not in ENDED:
            console.print(describe(last), soft_wrap=True)
    return last


def describe(operation: Operation) -> str:
    """Tell an operation in one line."""
    settled = f"{operation.confirmed_count} confirmed, {operation.rejected_count} rejected of {operation.total_count}"
    state = word(operation, "state")
    removals = f"{operation.removal_count} to remove" if operation.removal_count else ""
    return ", ".join(filter(None, (f"{operation.operation_id} {state}", settled, removals, operation.reason)))


def _changes(caller: Caller, operation: Operation) -> Iterator[Operation]:
    request = WatchOperationRequest(operation_id=operation.operation_id)
    for answer in caller.watch(caller.operations.WatchOperation, request):
        yield answer.operation
        if answer.operation.state in ENDED:
            return


def _draw(changes: Iterator[Operation], first: Operation, console: Console) -> Operation:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    last = first
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("confirmed", total=first.total_count or None)
        for last in changes:
            done = last.confirmed_count + last.rejected_count
            text = f"confirmed, {last.rejected_count} rejected" if last.rejected_count else "confirmed"
            progress.update(bar, completed=done, total=last.total_count or None, description=text)
    return last
