"""What Meta says of a catalog as a whole: every type of its diagnostics, in our words."""

from connector.diagnostics.model.rows import Explanation, Kind, Where, rows
from connector.graph.faults import Owner

_PRODUCTS = "Correct the products in StormCom and upsert them; ListItems shows which."

# SDK 26.0.3, productcatalogdiagnosticgroup.py, Type: the names. The causes are ours.
CATALOG_ERRORS: tuple[Explanation, ...] = (
    *rows(Kind.CATALOG, {
        "ATTRIBUTES_INVALID": "Fields of items have values that Meta does not take.",
        "ATTRIBUTES_MISSING": "Items lack fields that Meta wants.",
        "CATEGORY": "Items are in no category, or in one that Meta doubts.",
        "LOW_QUALITY_TITLE_AND_DESCRIPTION": "Titles or descriptions are too short, repeat, or are in capitals.",
    }, remedy=_PRODUCTS, owner=Owner.STORMCOM, fix_rpc="UpsertProducts", where=Where.DIAGNOSTICS),
    *rows(Kind.CATALOG, {
        "IMAGE_QUALITY": "Images are small, repeat, or cannot be fetched.",
    }, remedy="Make the images public and at least 500 × 500 pixels; then send the items again.", owner=Owner.STORMCOM,
       fix_rpc="RetryItems", where=Where.DIAGNOSTICS, retryable=True),
    *rows(Kind.CATALOG, {
        "CHECKOUT": "The shop's checkout keeps items from being sold.",
        "SHOPS_VISIBILITY_ISSUES": "The shop does not show items.",
    }, remedy="Complete the shop's settings in Commerce Manager.", owner=Owner.MERCHANT, where=Where.SHOP),
    *rows(Kind.CATALOG, {
        "AR_VISIBILITY_ISSUES": "Three-dimensional views are not shown.",
        "DA_VISIBILITY_ISSUES": "Items are not shown in advertising.",
        "POLICY_VIOLATION": "Items break Meta's rules.",
    }, remedy="Look at the items in Commerce Manager; change them, or ask for another review.", owner=Owner.MERCHANT,
       where=Where.QUALITY),
    *rows(Kind.CATALOG, {
        "EVENT_SOURCE_ISSUES": "Pixel or server events do not match the catalog.",
    }, remedy="Let the shop's pages report the items' retailer ids: ResolveRetailerIds gives them.", owner=Owner.STORMCOM,
       fix_rpc="ResolveRetailerIds", where=Where.EVENTS),
)  # fmt: skip
