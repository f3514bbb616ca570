"""Stock as it stands at Meta, and holds: see, reserve, extend, release, complete."""

from datetime import timedelta
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration

from client.output import amount, moment, word
from client.session import Session, session_of
from stormcom.facebook.v1.inventory_pb2 import Hold, HoldLine, InventoryLine, InventorySnapshot
from stormcom.facebook.v1.inventory_service_pb2 import (
    CompleteHoldRequest,
    ExtendHoldRequest,
    ListHoldsRequest,
    ListInventoryRequest,
    ReleaseHoldRequest,
    ReserveStockRequest,
)

app = typer.Typer()
holds = typer.Typer(no_args_is_help=True)
app.add_typer(holds, name="holds", help="Keep pieces aside for buyers who are about to pay.")

HoldId = Annotated[str, typer.Argument(help="The hold, as `holds reserve` told it.")]
Minutes = Annotated[float, typer.Option(help="For how long, from now.", min=1 / 60, max=26 * 60)]


@app.command()
def inventory(
    context: typer.Context,
    *,
    product: Annotated[str, typer.Option(help="Only this product's.")] = "",
    unconfirmed: Annotated[bool, typer.Option(help="Only what Meta has not confirmed.")] = False,
    failed: Annotated[bool, typer.Option(help="Only what Meta refused.")] = False,
) -> None:
    """List the stock of items: what there is, what is offered, what Meta confirmed."""
    session = session_of(context)
    only = {"product_id": product, "unconfirmed_only": unconfirmed, "failed_only": failed}
    request = ListInventoryRequest(connection_id=session.connection_id, page_size=500, **only)  # type: ignore[arg-type] # by name
    session.output.list(
        session.caller.list_all(session.caller.inventory.ListInventory, request, field="snapshots"),
        {
            "retailer id": lambda one: one.retailer_id,
            "there": lambda one: one.quantity if one.track_inventory else "uncounted",
            "held": lambda one: one.reserved,
            "offered": lambda one: _pieces(one, "offered"),
            "confirmed": lambda one: _pieces(one, "confirmed_quantity"),
            "availability": lambda one: word(one, "availability"),
            "price": lambda one: amount(one.price) if one.HasField("price") else "-",
            "last sync": lambda one: moment(one.last_sync_time),
            "unconfirmed since": lambda one: moment(one.unconfirmed_time),
            "error": lambda one: one.last_error,
        },
    )


def _pieces(snapshot: InventorySnapshot, field: str) -> str:
    return str(getattr(snapshot, field)) if snapshot.HasField(field) else "-"  # type: ignore[arg-type] # one of its fields


@holds.command("list")
def list_(
    context: typer.Context,
    *,
    active: Annotated[bool, typer.Option(help="Only those that hold something now.")] = False,
    reference: Annotated[str, typer.Option(help="Only those with this reference.")] = "",
) -> None:
    """List holds, newest first."""
    session = session_of(context)
    request = ListHoldsRequest(connection_id=session.connection_id, active_only=active, reference=reference)
    session.output.list(
        session.caller.list_all(session.caller.inventory.ListHolds, request, field="holds"),
        {
            "hold": lambda hold: hold.hold_id,
            "state": lambda hold: word(hold, "state"),
            "pieces": _describe_lines,
            "purpose": lambda hold: hold.purpose,
            "reference": lambda hold: hold.reference,
            "expires": lambda hold: moment(hold.expire_time),
        },
    )


@holds.command()
def reserve(
    context: typer.Context,
    pieces: Annotated[list[str], typer.Argument(help="product=count or product/variant=count, again and again.")],
    *,
    minutes: Minutes = 30,
    purpose: Annotated[str, typer.Option(help="What for, such as order.")] = "",
    reference: Annotated[str, typer.Option(help="Your own name for it.")] = "",
) -> None:
    """Keep pieces aside: all of them, or nothing."""
    session = session_of(context)
    request = ReserveStockRequest(
        connection_id=session.connection_id,
        lines=map(read_pieces, pieces),
        duration=_duration(minutes),
        purpose=purpose,
        reference=reference,
    )
    _tell(session, session.caller.call(session.caller.inventory.ReserveStock, request).hold)


def read_pieces(text: str) -> HoldLine:
    """Read `product/variant=count`."""
    name, _, count = text.rpartition("=")
    product, _, variant = name.partition("/")
    if not product or not count.isdecimal():
        raise typer.BadParameter(f"{text!r} is not product=count or product/variant=count")
    return HoldLine(product_id=product, variant_id=variant, quantity=int(count))


@holds.command()
def extend(context: typer.Context, hold: HoldId, *, minutes: Minutes = 30) -> None:
    """Let a hold last longer."""
    session = session_of(context)
    request = ExtendHoldRequest(hold_id=hold, duration=_duration(minutes))
    _tell(session, session.caller.call(session.caller.inventory.ExtendHold, request).hold)


@holds.command()
def release(context: typer.Context, hold: HoldId) -> None:
    """End a hold: nothing was sold."""
    session = session_of(context)
    request = ReleaseHoldRequest(hold_id=hold)
    _tell(session, session.caller.call(session.caller.inventory.ReleaseHold, request).hold)


@holds.command()
def complete(
    context: typer.Context,
    hold: HoldId,
    left: Annotated[
        list[str] | None, typer.Argument(help="What is left after the sale: product=count or product/variant=count.")
    ] = None,
    *,
    source_version: Annotated[int, typer.Option(help="Of what is left; required with it.", min=0)] = 0,
) -> None:
    """End a hold: its pieces were sold. Without counts, the stock after the sale must have been told before."""
    if left and not source_version:
        raise typer.BadParameter("what is left needs --source-version")
    session = session_of(context)
    counts = [read_pieces(one) for one in left or ()]
    lines = [
        InventoryLine(
            product_id=one.product_id,
            variant_id=one.variant_id,
            source_version=source_version,
            quantity=one.quantity,
            track_inventory=True,
        )
        for one in counts
    ]
    request = CompleteHoldRequest(hold_id=hold, lines=lines)
    _tell(session, session.caller.call(session.caller.inventory.CompleteHold, request).hold)


def _duration(minutes: float) -> Duration:
    duration = Duration()
    duration.FromTimedelta(timedelta(minutes=minutes))
    return duration


def _describe_lines(hold: Hold) -> str:
    return ", ".join(f"{line.quantity} × {line.retailer_id}" for line in hold.lines)


def _tell(session: Session, hold: Hold) -> None:
    text = f"{hold.hold_id}: {word(hold, 'state')}, {_describe_lines(hold)}, until {moment(hold.expire_time)}"
    session.output.show(hold, text)
