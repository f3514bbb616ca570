"""What our checks and Meta's verdicts say of an item: the values of ErrorReason that can be a fault of an item."""

from connector.diagnostics.model.rows import Explanation, Kind, Where, rows
from connector.graph.faults import Owner

_PRODUCT = "Correct the product in StormCom and upsert it."
_FINE = "Nothing needs to be done; correct the product in StormCom to have it exactly as meant."

REASONS: tuple[Explanation, ...] = (
    *rows(Kind.REASON, {
        "CURRENCY_MISMATCH": "The price is in another currency than the store's other products.",
        "CURRENCY_UNKNOWN": "The currency is not one of ISO 4217.",
        "DUPLICATE_ENTRY": "A list holds the same thing twice.",
        "FIELD_TOO_LARGE": "A list has more entries than Meta takes.",
        "FIELD_INVALID": "A field has a value that is not allowed.",
        "FIELD_REQUIRED": "A required field is empty.",
        "FIELD_TOO_LONG": "A field is longer than Meta takes, and cannot be cut without changing what it means.",
        "IMAGE_LINK_NOT_ABSOLUTE": "An image's address is not absolute, so Meta cannot fetch it.",
        "LINK_NOT_ABSOLUTE": "A link is not absolute, so nobody could follow it from Facebook.",
        "PRICE_NOT_POSITIVE": "The price is not above zero.",
        "SALE_WINDOW_INVALID": "The sale ends before it begins.",
        "VARIANT_OPTIONS_MISSING": "Variants of the product do not differ in their options.",
    }, remedy=_PRODUCT, owner=Owner.STORMCOM, fix_rpc="UpsertProducts", where=Where.NOWHERE),
    *rows(Kind.REASON, {
        "LINK_UPGRADED": "A link was given as http: and is sent as https:; where there is no https page, Meta cannot open it.",
        "OPTION_UNKNOWN": "An option is none of Meta's, or the second of the same meaning: it is sent as an additional attribute.",
        "TEXT_CALMED": "A text was in capitals only: it is sent in small letters.",
        "TEXT_DROPPED": "A formatted text is longer than Meta takes, or a label tells only categories: it was not sent.",
        "TEXT_LONG": "A text is longer than Meta asks for, though it takes it.",
        "VARIANT_OPTIONS_UNEVEN": "A variant lacks options that its siblings have, or has more than four: Meta may not group it.",
        "GTIN_INVALID": "The barcode is no GTIN, or its check digit is wrong: it was not sent.",
        "IMAGES_DROPPED": "The product has more images than Meta takes: the last were not sent.",
        "TEXT_TRUNCATED": "A text is longer than Meta takes: it was cut.",
    }, remedy=_FINE, owner=Owner.STORMCOM, fix_rpc="UpsertProducts", where=Where.NOWHERE),
    *rows(Kind.REASON, {
        "META_REJECTED": "Meta refuses the item; its own words stand with it.",
    }, remedy="Mend what Meta's words name and upsert the product, or mend it at Meta and call RetryItems.",
       owner=Owner.STORMCOM, fix_rpc="RetryItems", retryable=True),
    *rows(Kind.REASON, {
        "META_WARNED": "Meta took the item and remarked something; its own words stand with it.",
    }, remedy=_FINE, owner=Owner.STORMCOM, fix_rpc="UpsertProducts"),
    *rows(Kind.REASON, {
        "META_ITEM_ERROR": "Meta found something wrong with the item after it took it in; its own words stand with it.",
    }, remedy="ListDiagnostics explains what Meta found.", owner=Owner.STORMCOM, fix_rpc="ListDiagnostics"),
    *rows(Kind.REASON, {
        "META_OUTCOME_UNKNOWN": "Meta was sent the item several times and never said what became of it.",
    }, remedy="Send it again later.", owner=Owner.META, fix_rpc="RetryItems", retryable=True),
)  # fmt: skip
