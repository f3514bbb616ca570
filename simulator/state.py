"""What this Meta remembers. Mutable on purpose: it is the simulator's whole database.

Every class that has a Graph node is named as Meta's SDK names it, because the SDK's tables judge us.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simulator.feed_state import ProductFeed


@dataclass(slots=True)
class Application:
    """An app of the developer console. The first secret signs, all verify."""

    id: str
    secrets: list[str]
    name: str = "StormCom"
    require_proof: bool = True
    development: bool = True  # Meta lets apps in development mode redirect to localhost
    redirect_uris: list[str] = field(default_factory=list)
    deauthorize_url: str = ""
    data_deletion_url: str = ""
    human_agent: bool = True  # the Human Agent feature was granted
    login_configs: dict[str, Any] = field(default_factory=dict)  # id → {"scopes": […], "token": USER | SYSTEM_USER}
    subscriptions: dict[str, "Subscription"] = field(default_factory=dict)  # by object


@dataclass(slots=True)
class Subscription:
    """Where an app wants the webhooks of one object type. One callback per object per app."""

    object: str
    callback_url: str
    fields: list[str]
    verify_token: str
    include_values: bool = True
    active: bool = True


@dataclass(slots=True)
class User:
    """A person of ours who manages businesses and Pages; with a `role`, a business's system user."""

    id: str
    name: str
    businesses: list[str] = field(default_factory=list)
    page_tasks: dict[str, list[str]] = field(default_factory=dict)
    grants: dict[str, dict[str, str]] = field(default_factory=dict)  # app id → scope → granted | declined | expired
    withheld: dict[str, list[str]] = field(default_factory=dict)  # app id → Pages and catalogs its consent left out
    role: str = ""  # ADMIN | EMPLOYEE, of a system user


@dataclass(slots=True)
class Business:
    """A business portfolio."""

    id: str
    name: str
    verification_status: str = "verified"
    catalogs: list[str] = field(default_factory=list)
    client_catalogs: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)


@dataclass(slots=True)
class IGUser:
    """A professional Instagram account."""

    id: str
    username: str
    name: str


@dataclass(slots=True)
class Token:
    """An access token. `death` is set once: the 190 subcode, or 0 for none."""

    value: str
    kind: str  # USER | PAGE | APP | SYSTEM_USER
    app_id: str
    issue_time: float
    user_id: str = ""
    page_id: str = ""
    scopes: tuple[str, ...] = ()
    expire_time: float | None = None
    long_lived: bool = False
    death: int | None = None


@dataclass(slots=True)
class Code:
    """An authorization code: single use, bound to its redirect URI."""

    value: str
    app_id: str
    user_id: str
    redirect_uri: str
    issue_time: float
    kind: str = "USER"  # of the token it is good for: USER | SYSTEM_USER
    used: bool = False


@dataclass(slots=True)
class Profile:
    """A person as one Page sees them; `id` is the PSID."""

    id: str
    page_id: str
    name: str
    reachable: bool = True  # False: blocked the Page or left
    username: str = ""  # of a person on Instagram


@dataclass(slots=True)
class Message:
    """One message of a conversation; `id` is the mid."""

    id: str
    conversation_id: str
    sequence: int
    time: float
    from_page: bool
    text: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    quick_replies: list[dict[str, Any]] = field(default_factory=list)
    metadata: str = ""
    app_id: str = ""  # the app that sent it; empty: a human, on the phone or in Meta's inbox
    reply_to: str = ""
    tag: str = ""
    edits: int = 0


@dataclass(slots=True)
class UnifiedThread:
    """A conversation between a Page, or its Instagram account, and one person."""

    id: str
    page_id: str
    psid: str
    update_time: float
    sequence: int
    last_buyer_time: float | None = None
    unread: int = 0
    messages: list[Message] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)  # sender actions, oldest first
    platform: str = "MESSENGER"  # or INSTAGRAM
    folder: str = "inbox"


@dataclass(slots=True)
class Page:
    """A Facebook Page with the people who wrote to it and the apps that listen."""

    id: str
    name: str
    business_id: str = ""
    category: str = "Shopping & retail"
    instagram_id: str = ""
    fields_by_app: dict[str, list[str]] = field(default_factory=dict)  # subscribed_apps
    profiles: dict[str, Profile] = field(default_factory=dict)
    threads: dict[str, UnifiedThread] = field(default_factory=dict)  # by PSID
    owner_app_by_psid: dict[str, str] = field(default_factory=dict)
    templates: list[str] = field(default_factory=list)  # approved utility templates
    message_templates: dict[str, "MessageTemplate"] = field(default_factory=dict)  # by id
    attachments: dict[str, dict[str, Any]] = field(default_factory=dict)  # reusable ones by attachment id
    failing_since: dict[str, float] = field(default_factory=dict)  # app id → first failure of its webhook
    orders: str = ""  # kept | ended; empty: by the dates of the switches


@dataclass(slots=True)
class MessageTemplate:
    """A utility template; `status` is set where a switch does not decide."""

    id: str
    page_id: str
    name: str
    language: str
    category: str
    components: list[Any]
    places: int
    create_time: float
    status: str = ""


@dataclass(slots=True)
class ProductItem:
    """One sellable row. `data` is its items_batch form as JSON bytes: a million of them must fit in memory."""

    id: str
    retailer_id: str
    catalog_id: str
    sequence: int
    data: bytes
    create_time: float
    update_time: float
    writes: int = 1


@dataclass(slots=True)
class Shadow:
    """What reads still show of an item until `until`: the old value, or nothing."""

    previous: ProductItem | None
    until: float


class ItemRequest(NamedTuple):
    """One record of a batch; `line` counts from 1."""

    line: int
    method: str
    retailer_id: str
    data: dict[str, Any]


@dataclass(slots=True)
class Batch:
    """One items_batch call on its way. `requests` is dropped once it is processed."""

    handle: str
    catalog_id: str
    receive_time: float
    finish_time: float
    allow_upsert: bool
    requests: list[ItemRequest]
    size: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    end: str = "finished"  # finished | error | canceled: the state it will end in
    processed: bool = False


@dataclass(slots=True)
class ProductGroup:
    """The variants that share an `item_group_id`."""

    id: str
    retailer_id: str
    catalog_id: str


@dataclass(slots=True)
class ProductSet:
    """A subset of a catalog, kept as its filter."""

    id: str
    catalog_id: str
    name: str
    filter: dict[str, Any]
    retailer_id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    ordering_info: list[int] = field(default_factory=list)
    shop_ids: list[str] = field(default_factory=list)  # the shops it is published to: then it is live


@dataclass(slots=True)
class ProductCatalog:
    """A catalog; its items are keyed by retailer id."""

    id: str
    name: str
    business_id: str
    vertical: str = "commerce"
    settings: dict[str, Any] = field(default_factory=dict)
    items: dict[str, ProductItem] = field(default_factory=dict)
    shadows: dict[str, Shadow] = field(default_factory=dict)
    groups: dict[str, ProductGroup] = field(default_factory=dict)
    sets: dict[str, ProductSet] = field(default_factory=dict)
    feeds: dict[str, ProductFeed] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    waiting: list[Batch] = field(default_factory=list)
    in_flight: dict[str, str] = field(default_factory=dict)  # retailer id → handle of an unfinished batch


@dataclass(slots=True)
class Overlap:
    """Two unfinished writes to one item: Meta promises no order, so the sender has a bug."""

    catalog_id: str
    retailer_id: str
    handles: tuple[str, str]  # of the two batches; the path of a write that was none
    time: float


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One Graph call as it arrived; tokens masked, long lists cut."""

    sequence: int
    time: float
    method: str
    path: str
    version: str
    node: str
    edge: str
    parameters: dict[str, Any]
    size_bytes: int
    status: int
    code: int | None
    duration_ms: float


@dataclass(slots=True)
class Records:
    """What happened, for those who ask the control API."""

    # A bound keeps a long-lived simulator small; tests read well before it is reached.
    calls: deque[RecordedCall] = field(default_factory=lambda: deque(maxlen=20_000))
    call_count: int = 0
    overlaps: list[Overlap] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)  # path → calls not answered yet
    crowds: Counter[str] = field(
        default_factory=Counter
    )  # path → the most calls at once, where there was more than one
