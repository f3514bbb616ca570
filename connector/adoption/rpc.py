"""FacebookAdoption: scan, look, plan, apply."""

from collections.abc import Mapping

from connector.adoption import actions
from connector.adoption.model import Decision, Finding, Plan, Rule, Scanned
from connector.errors import InvalidInput
from connector.operations.rpc import write_operation
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import adoption_pb2
from stormcom.facebook.v1 import adoption_service_pb2 as pb

_MOST_DECISIONS = 1_000
_PLANS: Mapping[Plan, adoption_pb2.AdoptionPlan.ValueType] = {
    plan: adoption_pb2.AdoptionPlan.Value(f"ADOPTION_PLAN_{plan}") for plan in Plan
}
_PLANNED = {number: plan for plan, number in _PLANS.items()}
_FOUND = {pb.ListScannedItemsRequest.Finding.Value(f"FINDING_{finding}"): finding for finding in Finding}
_RULES = {rule: adoption_pb2.ScannedItem.Rule.Value(f"RULE_{rule}") for rule in Rule}


async def scan_catalog(runtime: Runtime, request: pb.ScanCatalogRequest) -> pb.ScanCatalogResponse:
    """Begin to read the catalog."""
    operation = await actions.begin_scan(
        runtime, request.store_id, request.connection_id, request_id=request.request_id
    )
    return pb.ScanCatalogResponse(operation=write_operation(operation))


async def list_scanned_items(runtime: Runtime, request: pb.ListScannedItemsRequest) -> pb.ListScannedItemsResponse:
    """List what the last scan found."""
    size, asked = read.page_size(request.page_size), (request.plan, request.finding)
    if request.plan and request.plan not in _PLANNED:
        raise InvalidInput.of("plan", "FIELD_INVALID", "must be ADOPT, REPLACE or LEAVE, or empty for all")
    if request.finding and request.finding not in _FOUND:
        message = "must be RECOGNISED, UNKNOWN, AMBIGUOUS or DUPLICATE, or empty for all"
        raise InvalidInput.of("finding", "FIELD_INVALID", message)
    scope = "scanned", request.store_id, request.connection_id, asked
    key = read.page_token(request.page_token, *scope, parts=1)
    found = await actions.list_scanned(
        runtime,
        request.store_id,
        request.connection_id,
        after=str(key[0]) if key else "",
        limit=size + 1,
        plan=_PLANNED.get(request.plan),
        finding=_FOUND.get(request.finding),
    )
    token = read.write_page_token([found[size - 1].retailer_id], *scope) if len(found) > size else ""
    return pb.ListScannedItemsResponse(items=map(_write_scanned, found[:size]), next_page_token=token)


async def plan_adoption(runtime: Runtime, request: pb.PlanAdoptionRequest) -> pb.PlanAdoptionResponse:
    """Decide about scanned items."""
    given = read.entries(request.decisions, "decisions", limit=_MOST_DECISIONS)
    decisions = [_read_decision(decision, f"decisions[{place}]") for place, decision in enumerate(given)]
    read.distinct((decision.retailer_id for decision in decisions), "decisions")
    planned = await actions.plan_adoption(runtime, request.store_id, request.connection_id, decisions)
    return pb.PlanAdoptionResponse(items=map(_write_scanned, planned))


async def apply_adoption(runtime: Runtime, request: pb.ApplyAdoptionRequest) -> pb.ApplyAdoptionResponse:
    """Do what is planned."""
    operation, counts, held = await actions.apply_adoption(
        runtime, request.store_id, request.connection_id, dry_run=request.dry_run, request_id=request.request_id
    )
    return pb.ApplyAdoptionResponse(
        operation=write_operation(operation) if operation else None,
        adopt_count=counts.adopt_count,
        replace_count=counts.replace_count,
        leave_count=counts.leave_count,
        impossible_count=counts.impossible_count,
        needs_confirmation=held,
    )


def _read_decision(decision: pb.AdoptionDecision, path: str) -> Decision:
    read.storable(decision, f"{path}.")
    read.required(decision.retailer_id, f"{path}.retailer_id")
    if decision.plan not in _PLANNED:
        raise InvalidInput.of(f"{path}.plan", "FIELD_REQUIRED", "is required: ADOPT, REPLACE or LEAVE")
    if decision.variant_id and not decision.product_id:
        raise InvalidInput.of(f"{path}.product_id", "FIELD_REQUIRED", "is required with variant_id")
    return Decision(decision.retailer_id, _PLANNED[decision.plan], decision.product_id, decision.variant_id)


def _write_scanned(item: Scanned) -> adoption_pb2.ScannedItem:
    return adoption_pb2.ScannedItem(
        retailer_id=item.retailer_id,
        item_id=item.item_id,
        title=item.title,
        link=item.link,
        gtin=item.gtin,
        mpn=item.mpn,
        item_group_id=item.item_group_id,
        product_type=item.product_type,
        rule=_RULES[item.rule] if item.rule else adoption_pb2.ScannedItem.RULE_UNSPECIFIED,
        product_id=item.product_id,
        variant_id=item.variant_id,
        own_retailer_id=item.own_retailer_id,
        ambiguous=item.ambiguous,
        duplicate=item.duplicate,
        plan=_PLANS[item.plan],
        decided=item.decided,
        scan_time=write.instant(item.scan_time),
    )
