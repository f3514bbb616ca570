"""A catalog that was there before: scan it, look at what was found, decide, apply; and which id means which product."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

import typer

from client.commands.selling import Watch, follow
from client.output import word
from client.session import session_of
from stormcom.facebook.v1.adoption_pb2 import AdoptionPlan, ScannedItem
from stormcom.facebook.v1.adoption_service_pb2 import (
    AdoptionDecision,
    ApplyAdoptionRequest,
    ListScannedItemsRequest,
    PlanAdoptionRequest,
    ScanCatalogRequest,
)
from stormcom.facebook.v1.catalog_service_pb2 import ItemName, ResolvedName, ResolveRetailerIdsRequest

app = typer.Typer()
T = TypeVar("T")

_PLANS = {name.removeprefix("ADOPTION_PLAN_"): number for name, number in AdoptionPlan.items() if number}
_FINDINGS = {
    name.removeprefix("FINDING_"): number for name, number in ListScannedItemsRequest.Finding.items() if number
}


def _read(value: str, option: str, known: Mapping[str, T]) -> T:
    if value.upper() not in known:
        raise typer.BadParameter(f"{option} {value}: there is {', '.join(known)}")
    return known[value.upper()]


@app.command()
def resolve(
    context: typer.Context,
    retailer_id: Annotated[list[str] | None, typer.Argument(help="Ids at Meta, of today or before.")] = None,
    product: Annotated[
        list[str] | None, typer.Option(help="StormCom's product, or product/variant; again and again.")
    ] = None,
) -> None:
    """Tell which id at Meta means which product, in either direction. Ends with 1 when one is unknown."""
    session = session_of(context)
    pairs = [one.partition("/") for one in product or ()]
    names = [ItemName(retailer_id=one) for one in retailer_id or ()]
    names += [ItemName(product_id=first, variant_id=rest) for first, _, rest in pairs]
    if not names:
        raise typer.BadParameter("name ids, or products with --product")
    request = ResolveRetailerIdsRequest(connection_id=session.connection_id, names=names)
    found = session.caller.call(session.caller.catalog.ResolveRetailerIds, request).names
    for asked, answer in zip(names, found, strict=True):
        session.output.show(answer, _resolved(asked, answer))
    if not all(answer.found for answer in found):
        raise typer.Exit(1)


def _resolved(asked: ItemName, answer: ResolvedName) -> str:
    wanted = asked.retailer_id or "/".join(filter(None, (asked.product_id, asked.variant_id)))
    if not answer.found:
        return f"{wanted}: unknown"
    item = answer.item
    product = "/".join(filter(None, (item.product_id, item.variant_id)))
    before = f", before: {', '.join(answer.aliases)}" if answer.aliases else ""
    return f"{wanted}: {item.retailer_id} is {product}{before}{'' if answer.wanted else ' (not wanted any more)'}"


@app.command()
def scan(context: typer.Context, *, watch: Watch = False) -> None:
    """Read what others put into the catalog, and recognise products in it. Import them first."""
    session = session_of(context)
    request = ScanCatalogRequest(connection_id=session.connection_id)
    follow(session, session.caller.call(session.caller.adoption.ScanCatalog, request).operation, watch=watch)


@app.command()
def scanned(
    context: typer.Context,
    plan: Annotated[str, typer.Option(help="Only those to ADOPT, REPLACE or LEAVE.")] = "",
    finding: Annotated[str, typer.Option(help="Only RECOGNISED, UNKNOWN, AMBIGUOUS or DUPLICATE ones.")] = "",
) -> None:
    """List what the last scan found, and what is planned for it."""
    session = session_of(context)
    request = ListScannedItemsRequest(connection_id=session.connection_id, page_size=500)
    if plan:
        request.plan = _read(plan, "--plan", _PLANS)
    if finding:
        request.finding = _read(finding, "--finding", _FINDINGS)
    session.output.list(
        session.caller.list_all(session.caller.adoption.ListScannedItems, request, field="items"),
        {
            "id": lambda item: item.retailer_id,
            "title": lambda item: item.title,
            "plan": _planned,
            "product": lambda item: "/".join(filter(None, (item.product_id, item.variant_id))),
            "by": lambda item: word(item, "rule") if item.rule else "",
            "remarks": _remarks,
        },
    )


def _planned(item: ScannedItem) -> str:
    return word(item, "plan") + (" (decided)" if item.decided else "")


def _remarks(item: ScannedItem) -> str:
    said = {"several products fit": item.ambiguous, "stands twice": item.duplicate}
    return ", ".join(words for words, true in said.items() if true)


@app.command()
def plan(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="ADOPT, REPLACE or LEAVE.")],
    retailer_id: Annotated[list[str], typer.Argument(help="The scanned items.")],
    product: Annotated[
        str, typer.Option(help="With one item: the product it is, or product/variant, when another was recognised.")
    ] = "",
) -> None:
    """Decide what becomes of scanned items."""
    session, chosen = session_of(context), _read(decision, "the decision", _PLANS)
    if product and len(retailer_id) > 1:
        raise typer.BadParameter("--product is for one item")
    named, _, variant = product.partition("/")
    decisions = [
        AdoptionDecision(retailer_id=one, plan=chosen, product_id=named, variant_id=variant) for one in retailer_id
    ]
    request = PlanAdoptionRequest(connection_id=session.connection_id, decisions=decisions)
    for item in session.caller.call(session.caller.adoption.PlanAdoption, request).items:
        session.output.show(item, f"{item.retailer_id}: {_planned(item)} {item.own_retailer_id}".rstrip())


@app.command()
def adopt(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option(help="Only count.")] = False,
    watch: Watch = False,
) -> None:
    """Do what is planned. It is the go, like the first sync."""
    session = session_of(context)
    request = ApplyAdoptionRequest(connection_id=session.connection_id, dry_run=dry_run)
    answer = session.caller.call(session.caller.adoption.ApplyAdoption, request)
    held = " The guard wants it confirmed." if answer.needs_confirmation else ""
    session.output.show(
        answer,
        f"{answer.adopt_count} to adopt, {answer.replace_count} to replace, {answer.leave_count} left alone,"
        f" {answer.impossible_count} no longer possible.{held}",
    )
    if answer.HasField("operation"):
        follow(session, answer.operation, watch=watch)
