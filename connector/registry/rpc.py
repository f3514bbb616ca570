"""Names of items, as callers ask for them."""

from collections.abc import Iterable

from connector.errors import InvalidInput
from connector.registry import actions
from connector.registry.db.names import Name, Resolved
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb

_MOST_NAMES = 1_000


async def resolve_retailer_ids(
    runtime: Runtime, request: pb.ResolveRetailerIdsRequest
) -> pb.ResolveRetailerIdsResponse:
    """Translate names of items, in either direction."""
    asked = list(_read_names(read.entries(request.names, "names", limit=_MOST_NAMES)))
    found = await actions.resolve(runtime, request.store_id, request.connection_id, asked)
    return pb.ResolveRetailerIdsResponse(names=map(_write_name, found))


def _read_names(names: Iterable[pb.ItemName]) -> Iterable[Name]:
    for place, name in enumerate(names):
        read.storable(name, f"names[{place}].")
        if bool(name.retailer_id) == bool(name.product_id):
            message = "or product_id is required, and not both"
            raise InvalidInput.of(f"names[{place}].retailer_id", "FIELD_REQUIRED", message)
        if name.variant_id and not name.product_id:
            raise InvalidInput.of(f"names[{place}].product_id", "FIELD_REQUIRED", "is required with variant_id")
        yield Name(name.retailer_id, name.product_id, name.variant_id)


def _write_name(found: Resolved | None) -> pb.ResolvedName:
    if found is None:
        return pb.ResolvedName()
    item = pb.ItemName(retailer_id=found.retailer_id, product_id=found.product_id, variant_id=found.variant_id)
    return pb.ResolvedName(found=True, item=item, aliases=found.aliases, wanted=found.wanted)
