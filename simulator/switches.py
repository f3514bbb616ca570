"""Every knob of the simulator, in one place, with its default and meaning; changed by CLI and `PATCH /_simulator/switches`.

Facts about Meta that nobody could verify are knobs here, so that both variants can be tried.
It refuses unknown names and wrong types, naming the knob.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21); catalog_* names secondary.
# Formulas for a new shop with one engaged user; `app` assumes 100 daily users. 0 switches a bucket off.
ALLOWANCES = {
    "app": 20_000,
    "pages": 4_800,
    "messenger": 200,
    "catalog_management": 20_000,
    "catalog_batch": 200,
    # Unverified: text sends a second per Page, and Conversations API calls a second per Page.
    "send_rate": 300,
    "conversations": 0,
}
WINDOW_SECONDS = {
    "app": 3_600.0,
    "pages": 86_400.0,
    "messenger": 86_400.0,
    "catalog_management": 3_600.0,
    "catalog_batch": 3_600.0,
    "send_rate": 1.0,
    "conversations": 1.0,
}
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "dialog": ("page", "allow", "deny"),
    "future_version_code": (2635, 100),
    "order_channel_case": ("documented", "lower", "upper"),
    "order_code_place": ("subcode", "subcode_of_100", "code"),
    "order_webhooks": (
        "none",
        "page.orders",
        "page.commerce_orders",
        "commerce_account.orders",
        "commerce_account.commerce_orders",
        "webhook_id",
        "mixed",
    ),
    "retired_code": (100, 3, 10, 12, 803),
    "throttle_status": (403, 400),
    "uninstall_webhook": ("empty", "absent"),
}
REALISTIC: dict[str, Any] = {
    "batch_seconds": 120.0,
    "read_lag_seconds": 30.0,
    "review_seconds": 3_600.0,
    "image_seconds": 300.0,
    "processing_seconds": 1_800.0,
    "allowances": {"conversations": 2},
    "short_page_share": 0.1,
}


@dataclass(slots=True)
class Switches:
    """The knobs. Times in seconds of the simulator's clock."""

    # Catalog.
    batch_seconds: float = 1.0  # from items_batch to `finished`
    batch_jitter: float = 0.3  # each batch takes batch_seconds × (1 ± this)
    read_lag_seconds: float = 0.0  # how long reads still show the old item after a batch finished
    early_validation: bool = False  # Unverified: wrong values already refused in the POST's validation_status
    empty_handles: int = 0  # how many of the next items_batch calls ingest nothing and answer `handles: []`
    failing_batches: int = 0  # how many of the next batches end in `error` with only a part done
    canceled_batches: int = 0  # how many of the next batches end in `canceled` with nothing done
    handle_seconds: float = 0.0  # Unverified: how long a handle is known after it finished; 0 for ever
    max_batch_items: int = 5_000
    max_batch_bytes: int = 28_000_000
    max_batch_errors: int = 1_000  # Unverified: how many errors a status shows; the total count tells the truth
    max_title: int = 150  # Unverified: 100, 150 and 200 are all documented somewhere
    max_description: int = 5_000  # Unverified: feeds allow 9999
    reject_capitals: bool = False  # Unverified: descriptions in capitals only are refused
    review_seconds: float = 1.0  # from write to the review's verdict
    image_seconds: float = 0.5  # from write to FETCHED or FETCH_FAILED
    rejected_title_pattern: str = ""  # regex: such titles fail the review
    warned_title_pattern: str = ""  # regex: items with such titles are taken, with a warning at once and one at the end
    broken_image_pattern: str = ""  # regex: such images cannot be fetched
    max_products_page: int = 1_000  # bigger pages of a catalog's edges answer "reduce the amount of data"
    feed_seconds: float = 1.0  # from the beginning of a feed's upload, or a file's update, to its end
    feed_lag_seconds: float = 0.0  # how long a new feed cannot be read
    feed_samples: int = 100  # Unverified: how many rows an error of an upload names
    page_token_manages_catalogs: bool = False  # Unverified: catalogs want a user or system-user token

    # Orders. Those whose meaning is Unverified say so.
    processing_seconds: float = 0.0  # how long Meta itself checks a new order; really up to half an hour
    orders_newest_first: bool = True  # Unverified: an order that changes while a list is walked jumps to its front
    order_channel_case: str = "documented"  # facebook and Instagram, or all lower, or all upper
    order_code_place: str = (
        "subcode"  # Unverified: the documented codes stand under -1, under 100, or are the code itself
    )
    order_webhooks: str = "none"  # Unverified: any of the shapes of orders/notices.py; mixed: each time another
    order_discounts_in_subtotal: bool = (
        True  # Unverified: whether the seller's order-level discounts are already taken off
    )
    busy_order_seconds: float = 0.0  # how long a change of an order keeps other changes away (2361081)
    concurrent_orders: int = 0  # how many of the next changes of orders meet another one (2361050)
    capture_seconds: float = 0.0  # from a shipment to the buyer's money; refunds must wait
    failing_captures: int = 0  # how many of the next shipments the buyer is never charged for
    payout_seconds: float = 172_800.0  # from the charge to the seller's money: 2 to 30 days
    failed_payouts: bool = False  # the bank refuses them: FAILED instead of COMPLETED
    order_fee_share: float = 0.05  # Unverified: Meta's part of each charge
    origin_postal_code_required: bool = False  # Unverified: when shipments must tell where they come from
    refuse_unknown_order_parameters: bool = False  # Unverified: Graph passes over what an edge has no parameter for
    refuse_repeated_returns: bool = False  # Unverified: the same word about a return a second time is refused
    strict_order_keys: bool = False  # Unverified: idempotency keys may not even have hyphens
    orders_end_as_sdk: bool = False  # Unverified: each endpoint of orders ends when Meta's SDK lost it

    # Messaging.
    response_window_seconds: float = 86_400.0
    human_agent_window_seconds: float = 604_800.0
    template_review_seconds: float = 1.0  # from a template's creation to its verdict
    rejected_template_pattern: str = ""  # regex: templates with such names are refused
    auto_delivery: bool = True  # the person's phone reports each message as delivered
    postbacks_without_mid: bool = False  # Unverified: older postbacks name no message
    primary_receiver: bool = True  # whether our apps are the Page's primary receiver, which may take conversations over
    take_names_owner: bool = True  # Unverified: whether take_thread_control tells the new owner
    readable_messages: int = 20  # Unverified: older messages of a conversation cannot be read
    conversations_lag_seconds: float = 0.0  # how long a new message is missing when conversations are read
    hidden_profiles: str = ""  # no profile is shown: `unsupported` answers 100/33, `consent` 230

    # Webhooks.
    duplicate_share: float = 0.0  # share of updates that are posted again
    reorder_share: float = 0.0  # share of updates that are held back and so overtaken
    reorder_seconds: float = 0.5  # at most so long
    updates_per_post: int = 1_000
    legacy_signature: bool = True  # also send X-Hub-Signature (SHA-1)
    legacy_escapes: bool = False  # also escape < % @, as older Messenger texts say
    parallel_posts: int = 1  # how many POSTs of one app are under way at once; 1 keeps their order
    webhook_timeout_seconds: float = 20.0
    webhook_gather_seconds: float = 0.0  # wait so long to fill a POST with more updates
    page_unsubscribe_seconds: float = 3_600.0  # a Page failing so long loses its subscription
    refused_page_fields: str = (
        ""  # Unverified: fields that a Page's subscription is refused for as a whole; commas between
    )
    untold_page_fields: str = ""  # fields that are taken with success, and not subscribed; commas between
    deauthorize_callbacks: bool = True

    # Login.
    dialog: str = "page"  # page | allow | deny: what the login dialog does without a human
    withheld_scopes: str = ""  # what the merchant unticks in a dialog without a human: scopes …
    withheld_assets: str = ""  # … and Pages and catalogs; commas between them
    code_seconds: float = 600.0
    short_token_seconds: float = 5_400.0
    long_token_seconds: float = 5_184_000.0
    data_access_seconds: float = (
        7_776_000.0  # Unverified: from a person's login to the end of access to their data; 0: no end
    )
    data_access_end_kills: bool = False  # Unverified: that end kills the person's token and the Page's
    renewal_kills_old: bool = False  # Unverified: renewing a system user's token kills the one it was renewed with

    # Meta Business Extension.
    dialog_installs: bool = True  # False: the merchant leaves the dialog before its end, after allowing access
    install_pages: int = 1  # how many Pages the merchant ticks
    install_catalogs: int = 1  # 0: none
    system_user_speaks_for_pages: bool = True  # Unverified: only three permissions of its token are documented
    uninstall_kills_tokens: bool = True  # Unverified: the end kills the system user's tokens
    uninstall_subcode: int = 458  # Unverified: with this subcode of 190; 0 for none
    uninstall_webhook: str = "empty"  # or absent: the token in the webhook of an end

    # Transport.
    short_page_share: float = 0.0  # share of pages with fewer rows than asked for, even none, though `next` follows
    max_page: int = 100  # Unverified: longer pages of anything but catalogs and their items are cut, silently
    throttle_status: int = 403  # Unverified: or 400; the code tells it either way
    default_version: str = "v26.0"  # what unversioned calls use
    oldest_version: str = "v21.0"
    newest_version: str = "v26.0"
    future_version_code: int = 2635  # or 100
    # https://developers.facebook.com/docs/graph-api/changelog/version26.0 (read 2026-11-21)
    orders_end_date: str = "2026-10-27"  # from when orders are gone, for calls of versions before v26.0
    orders_end_date_v26: str = "2026-07-29"  # the same, for v26.0 and newer
    retired_code: int = 100  # Unverified: how endpoints that are gone answer: 100 (with subcode 33), 3, 10, 12 or 803
    flat_usage_header: bool = False  # the shape that one plugin expects: members at the top of the header
    throttled_calls_count: bool = True
    engaged_users: int = 1  # multiplies the pages and messenger allowances
    shoppers: int = 1  # a catalog's allowances grow by themselves for each doubling of these
    accept_compressed_bodies: bool = False  # Unverified: whether Meta takes Content-Encoding: gzip
    recorded_elements: int = 3  # how many elements of a list parameter /_simulator/calls keeps
    allowances: dict[str, int] = field(default_factory=lambda: dict(ALLOWANCES))
    window_seconds: dict[str, float] = field(default_factory=lambda: dict(WINDOW_SECONDS))

    def change(self, **values: Any) -> None:
        """Set several knobs at once, or none if one of them is wrong."""
        known = {knob.name for knob in fields(self)}
        checked = {name: self._checked(name, value, known=known) for name, value in values.items()}
        for name, value in checked.items():
            current = getattr(self, name)
            setattr(self, name, current | value if isinstance(current, dict) else value)

    def _checked(self, name: str, value: Any, *, known: set[str]) -> Any:
        if name not in known:
            raise ValueError(f"switches.{name}: no such switch; GET /_simulator/switches lists them")
        current = getattr(self, name)
        if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(current):
            raise ValueError(f"switches.{name}: expected {type(current).__name__}, got {type(value).__name__}")
        if value not in CHOICES.get(name, (value,)):
            raise ValueError(f"switches.{name}: expected one of {CHOICES[name]}, got {value!r}")
        if isinstance(value, int | float) and not 0 <= value <= (1 if name.endswith("_share") else value):
            raise ValueError(f"switches.{name}: expected a number of at least 0, a share at most 1; got {value!r}")
        if name.endswith("_pattern"):
            _require_pattern(name, value)
        if "_date" in name:
            _require_date(name, value)
        if isinstance(current, dict):
            wrong = value.keys() - current.keys()
            if wrong or not all(isinstance(number, int | float) for number in value.values()):
                raise ValueError(f"switches.{name}: expected numbers for some of {sorted(current)}")
        return value

    def listed(self) -> dict[str, Any]:
        """Return all knobs with their values."""
        return asdict(self)


def _require_pattern(name: str, value: str) -> None:
    try:
        re.compile(value)
    except re.error as problem:
        raise ValueError(f"switches.{name}: not a regular expression: {problem}") from problem


def _require_date(name: str, value: str) -> None:
    try:
        date.fromisoformat(value)
    except ValueError as problem:
        raise ValueError(f"switches.{name}: expected a date such as 2026-10-27, got {value!r}") from problem
