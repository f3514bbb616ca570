"""Before and around a sync: what it would do, and by which rules the catalog is kept."""

from typing import Annotated

import typer
from google.protobuf.descriptor import FieldDescriptor

from client.commands.selling import describe_fault, split_ids
from client.output import moment, word
from client.previews import describe_counts, read_preview
from client.session import session_of
from stormcom.facebook.v1.catalog_service_pb2 import (
    PREVIEW_MODE_DELTA,
    PREVIEW_MODE_FULL,
    PREVIEW_MODE_ITEMS,
    PREVIEW_MODE_UNSPECIFIED,
    CatalogSettings,
    GetCatalogSettingsRequest,
    GetCatalogSettingsResponse,
    PreviewSyncRequest,
    UpdateCatalogSettingsRequest,
    UpdateCatalogSettingsResponse,
)

app = typer.Typer()


@app.command()
def preview(
    context: typer.Context,
    *,
    full: Annotated[bool, typer.Option(help="Of a sync of everything.")] = False,
    items: Annotated[str, typer.Option(help="Of a sync of these products: ids, comma separated.")] = "",
    snapshot: Annotated[str, typer.Option(help="Of the commit of this open snapshot.")] = "",
    counts: Annotated[bool, typer.Option("--counts", help="Only count.")] = False,
) -> None:
    """Tell what a sync would do, item by item. Nothing happens."""
    session = session_of(context)
    if full + bool(items) + bool(snapshot) > 1:
        raise typer.BadParameter("--full, --items and --snapshot: give one of them")
    mode = PREVIEW_MODE_FULL if full else PREVIEW_MODE_ITEMS if items else PREVIEW_MODE_DELTA
    request = PreviewSyncRequest(
        connection_id=session.connection_id,
        mode=PREVIEW_MODE_UNSPECIFIED if snapshot else mode,
        product_ids=split_ids(items),
        snapshot_id=snapshot,
        counts_only=counts,
    )
    told, changes = read_preview(session.caller, request)
    session.output.show(told, describe_counts(told))
    if counts:
        return
    session.output.list(
        changes,
        {
            "retailer id": lambda item: item.retailer_id,
            "change": lambda item: word(item, "change"),
            "title": lambda item: item.title,
            "faults": lambda item: "; ".join(map(describe_fault, item.faults)),
        },
    )


@app.command()
def settings(
    context: typer.Context,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="name=value, again and again: guard_items=100.")
    ] = None,
) -> None:
    """Tell the rules of the catalog, or change some: the guard, the schedule, how stock is offered."""
    session = session_of(context)
    catalog, named = session.caller.catalog, {"connection_id": session.connection_id}
    answer: GetCatalogSettingsResponse | UpdateCatalogSettingsResponse
    if change:
        wish = UpdateCatalogSettingsRequest(**named, settings=read_settings(change))
        answer = session.caller.call(catalog.UpdateCatalogSettings, wish)
    else:
        answer = session.caller.call(catalog.GetCatalogSettings, GetCatalogSettingsRequest(**named))
    lines = [f"{field.name} {value}" for field, value in answer.settings.ListFields()]
    for name in ("next_full_sync_time", "next_delta_sync_time"):
        lines += [f"{name} {moment(getattr(answer, name))}"] if answer.HasField(name) else []
    session.output.show(answer, "\n".join(lines))


def read_settings(changes: list[str]) -> CatalogSettings:
    """Read `name=value` pairs."""
    settings, fields = CatalogSettings(), CatalogSettings.DESCRIPTOR.fields_by_name
    for change in changes:
        name, _, value = change.partition("=")
        if name not in fields:
            raise typer.BadParameter(f"--set {change}: there is {', '.join(fields)}")
        try:
            setattr(settings, name, _read_value(fields[name], change, value))
        except ValueError:  # also of a number that no field holds
            raise typer.BadParameter(f"--set {change}: must be a whole number of at most nine digits") from None
    return settings


def _read_value(field: FieldDescriptor, change: str, value: str) -> int | bool:
    if field.type == FieldDescriptor.TYPE_BOOL:
        if value not in {"true", "false"}:
            raise typer.BadParameter(f"--set {change}: must be true or false")
        return value == "true"
    return int(value)
