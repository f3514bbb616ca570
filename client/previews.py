"""Reads a preview to its end: the counts once, then every item once, however often the stream breaks in between."""

from collections.abc import Iterator

from client.call import Caller
from stormcom.facebook.v1.catalog_service_pb2 import PreviewCounts, PreviewedItem, PreviewSyncRequest


def read_preview(caller: Caller, request: PreviewSyncRequest) -> tuple[PreviewCounts, Iterator[PreviewedItem]]:
    """Return the counts, and the items as they come. A stream that is opened again begins anew: what was told is passed over."""
    answers = caller.watch(caller.catalog.PreviewSync, request)
    counts = next(answers).counts

    def items() -> Iterator[PreviewedItem]:
        told = passed = 0
        for answer in answers:
            if answer.HasField("counts"):
                passed = 0
            for item in answer.items:
                passed += 1
                if passed > told:
                    told = passed
                    yield item

    return counts, items()


def describe_counts(counts: PreviewCounts) -> str:
    """Tell the counts in one line."""
    waits = " It would wait for your word: operations --confirm." if counts.needs_confirmation else ""
    return (
        f"{counts.create_count} to create, {counts.change_count} to change, {counts.removal_count} to remove,"
        f" {counts.rejected_count} refused, {counts.unchanged_count} unchanged.{waits}"
    )
