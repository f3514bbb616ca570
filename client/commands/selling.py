"""Products in, items out: import a file, sync, stock, see and retry items, watch operations."""

import time
from pathlib import Path
from typing import Annotated

import typer

from client.catalogues.reading import FORMATS, read_catalogue
from client.catalogues.terms import Problem, Terms
from client.output import moment, word
from client.progress import describe, watch_operation
from client.sending import Tally, replace, upsert
from client.session import Session, session_of
from stormcom.facebook.v1.catalog_service_pb2 import (
    ConfirmChangeRequest,
    ListItemsRequest,
    ProductResult,
    RetryItemsRequest,
)
from stormcom.facebook.v1.connector_service_pb2 import SyncCatalogRequest, UpdateInventoryRequest
from stormcom.facebook.v1.inventory_pb2 import InventoryLine, InventoryResult
from stormcom.facebook.v1.item_pb2 import Item, ItemFault
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import CancelOperationRequest, ListOperationsRequest

app = typer.Typer()

Map = Annotated[list[str] | None, typer.Option("--map", help="field=column, again and again; reads any CSV.")]
Currency = Annotated[str, typer.Option(envvar="FBCONNECTOR_CURRENCY", help="For prices that name none.")]
LinkTemplate = Annotated[
    str, typer.Option(envvar="FBCONNECTOR_LINK_TEMPLATE", help="https://shop.example/products/{handle}")
]
Brand = Annotated[str, typer.Option(envvar="FBCONNECTOR_BRAND", help="For products that have none.")]
Watch = Annotated[bool, typer.Option(help="Wait for the end of the operation.")]


def find_version(file: Path) -> int:
    """Return the file's time of change, in milliseconds: grows with every new export."""
    return file.stat().st_mtime_ns // 1_000_000 if file.is_file() else 1


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A Shopify export, a feed (CSV, TSV, XML), JSON lines, or any CSV with --map.")
    ],
    *,
    map: Map = None,
    currency: Currency = "",
    link_template: LinkTemplate = "",
    brand: Brand = "",
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}; found out when not given.")] = "",
    source_version: Annotated[int, typer.Option(help="Of every product; the file's time when not given.")] = 0,
    snapshot: Annotated[bool, typer.Option(help="What the file lacks leaves the catalog.")] = False,
    watch: Watch = False,
) -> None:
    """Hand in the products of a file. Ends with 1 when one could not be read or was refused."""
    session = session_of(context)
    version = source_version or find_version(file)
    terms = Terms(source_version=version, currency=currency, link_template=link_template, brand=brand)
    entries = read_catalogue(file, terms, pairs=map or (), format=format)
    told = {"on_result": lambda result: _tell_result(session, result), "on_problem": _tell_problem}
    if not snapshot:
        _finish(session, upsert(session.caller, entries, connection_id=session.connection_id, **told))
        return
    tally, operation = replace(session.caller, entries, connection_id=session.connection_id, **told)
    follow(session, operation, watch=watch)
    _finish(session, tally)


def _tell_result(session: Session, result: ProductResult) -> None:
    """Tell what was refused; for programs, everything."""
    if session.output.json or result.outcome in {ProductResult.OUTCOME_REJECTED, ProductResult.OUTCOME_STALE}:
        faults = "; ".join(describe_fault(fault) for fault in result.faults)
        session.output.show(result, f"{result.product_id}: {word(result, 'outcome')}{': ' if faults else ''}{faults}")


def _tell_problem(problem: Problem) -> None:
    typer.echo(str(problem), err=True)


def _finish(session: Session, tally: Tally) -> None:
    session.output.say(str(tally))
    if not tally.clean:
        raise typer.Exit(1)


def describe_fault(fault: ItemFault) -> str:
    """Tell a fault in one line."""
    field = "" if fault.message.startswith(fault.field) else fault.field
    return ": ".join(filter(None, (fault.reason, field, fault.message, fault.meta_message)))


@app.command()
def sync(
    context: typer.Context,
    *,
    full: Annotated[bool, typer.Option(help="Everything, also what Meta has already.")] = False,
    items: Annotated[str, typer.Option(help="Only these products: ids, comma separated.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Only count.")] = False,
    watch: Watch = False,
) -> None:
    """Bring the catalog up to date. The first time is the go."""
    session = session_of(context)
    if full and items:
        raise typer.BadParameter("--full and --items: give one of them")
    modes, named = SyncCatalogRequest, {"connection_id": session.connection_id}
    mode = modes.MODE_FULL if full else modes.MODE_ITEMS if items else modes.MODE_DELTA
    request = SyncCatalogRequest(**named, mode=mode, product_ids=split_ids(items), dry_run=dry_run)
    answer = session.caller.call(session.caller.connector.SyncCatalog, request)
    session.output.show(
        answer,
        f"{answer.send_count} to send, {answer.removal_count} to remove, {answer.unchanged_count} unchanged,"
        f" {answer.rejected_count} refused by checks.",
    )
    if answer.HasField("operation"):
        follow(session, answer.operation, watch=watch)


def follow(session: Session, operation: Operation, *, watch: bool) -> None:
    """Tell an operation; when watched, its end too, and end with 1 unless it succeeded."""
    if watch:
        operation = watch_operation(
            session.caller, operation, console=None if session.output.json else session.output.console
        )
    session.output.show(operation, describe(operation))
    if operation.state == Operation.STATE_NEEDS_CONFIRMATION:
        session.output.say(
            f"Let it go on: operations --confirm {operation.operation_id} --removals {operation.removal_count}"
        )
    for rejected in operation.first_rejections:
        session.output.say(f"  {rejected.retailer_id}: {describe_fault(rejected.fault)}")
    if watch and operation.state != Operation.STATE_SUCCEEDED:
        raise typer.Exit(1)


def split_ids(text: str) -> list[str]:
    """Read ids, comma separated."""
    return [one.strip() for one in text.split(",") if one.strip()]


@app.command()
def stock(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="The product's id.")],
    quantity: Annotated[int, typer.Argument(help="Pieces on stock.", min=0)],
    variant: Annotated[str, typer.Option(help="The variant's id, for a product with variants.")] = "",
    source_version: Annotated[int, typer.Option(help="The time in milliseconds when not given.")] = 0,
) -> None:
    """Tell the new stock of one product or variant."""
    session = session_of(context)
    version = source_version or time.time_ns() // 1_000_000
    line = InventoryLine(
        product_id=product, variant_id=variant, source_version=version, quantity=quantity, track_inventory=True
    )
    request = UpdateInventoryRequest(connection_id=session.connection_id, lines=[line])
    result = session.caller.call(session.caller.connector.UpdateInventory, request).results[0]
    session.output.show(result, f"{product} {variant}".strip() + f": {word(result, 'outcome')} {result.retailer_id}")
    if result.outcome != InventoryResult.OUTCOME_ACCEPTED:
        raise typer.Exit(1)


@app.command()
def items(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option(help="Only these, such as CONFIRMED or REJECTED.")] = None,
    product: Annotated[str, typer.Option(help="Only this product's.")] = "",
    reason: Annotated[str, typer.Option(help="Only those with such a fault.")] = "",
) -> None:
    """List what Meta made of the products."""
    session = session_of(context)
    unknown = [name for name in state or () if f"STATE_{name.upper()}" not in Item.State.keys()]  # noqa: SIM118 - no dict
    if unknown:
        known = ", ".join(name.removeprefix("STATE_") for name in Item.State.keys()[1:])
        raise typer.BadParameter(f"--state {unknown[0]}: there is {known}")
    request = ListItemsRequest(
        connection_id=session.connection_id,
        page_size=500,
        states=[Item.State.Value(f"STATE_{name.upper()}") for name in state or ()],
        product_id=product,
        reason=reason.upper(),
    )
    session.output.list(
        session.caller.list_all(session.caller.catalog.ListItems, request, field="items"),
        {
            "retailer id": lambda item: item.retailer_id,
            "product": lambda item: item.product_id,
            "variant": lambda item: item.variant_id,
            "state": lambda item: word(item, "state"),
            "title": lambda item: item.title,
            "faults": lambda item: "; ".join(map(describe_fault, item.faults)),
        },
    )


@app.command()
def retry(
    context: typer.Context,
    retailer_id: Annotated[list[str] | None, typer.Argument(help="The items; none means every rejected one.")] = None,
    *,
    watch: Watch = False,
) -> None:
    """Send items again that Meta rejected."""
    session = session_of(context)
    request = RetryItemsRequest(connection_id=session.connection_id, retailer_ids=retailer_id)
    answer = session.caller.call(session.caller.catalog.RetryItems, request)
    session.output.say(
        f"{answer.skipped_count} left out: not rejected, or refused by the connector's own checks (mend and import)."
    )
    follow(session, answer.operation, watch=watch)


@app.command()
def operations(
    context: typer.Context,
    cancel: Annotated[str, typer.Option(help="Stop this one.")] = "",
    confirm: Annotated[str, typer.Option(help="Let this one go on that waits in NEEDS_CONFIRMATION.")] = "",
    removals: Annotated[int, typer.Option(help="With --confirm: how many items may leave the catalog.", min=0)] = 0,
) -> None:
    """List long work, newest first; stop one, or let one go on that would remove many items."""
    session = session_of(context)
    caller = session.caller
    if confirm:
        allowed = ConfirmChangeRequest(operation_id=confirm, removal_count=removals)
        follow(session, caller.call(caller.catalog.ConfirmChange, allowed).operation, watch=False)
        return
    if cancel:
        answer = caller.call(caller.operations.CancelOperation, CancelOperationRequest(operation_id=cancel))
        session.output.show(answer.operation, describe(answer.operation))
        return
    request = ListOperationsRequest(connection_id=session.connection_id)
    session.output.list(
        caller.list_all(caller.operations.ListOperations, request, field="operations"),
        {
            "operation": lambda operation: operation.operation_id,
            "kind": lambda operation: word(operation, "kind"),
            "state": lambda operation: word(operation, "state"),
            "confirmed": lambda operation: operation.confirmed_count,
            "rejected": lambda operation: operation.rejected_count,
            "of": lambda operation: operation.total_count,
            "begun": lambda operation: moment(operation.create_time),
            "reason": lambda operation: operation.reason,
        },
    )
