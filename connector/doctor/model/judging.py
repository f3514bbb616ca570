"""Judges what Meta answered: each function turns one answer into a finding. Pure.

What Meta did not answer is never a failure: `trouble` says why it is not known.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from connector.connections.graph import Inspection
from connector.connections.model import ESSENTIAL, AppSubscription, app_gaps, wanted_objects
from connector.connections.model.needs import BASIC
from connector.connections.model.reach import missing_tasks
from connector.doctor.model.values import (
    Arrival,
    CatalogFacts,
    CommerceAccount,
    Finding,
    Journey,
    OwnedDomain,
    Subject,
    beginning,
)
from connector.errors import ConnectorError, MetaRefused, Throttled
from connector.graph.faults import REASONS
from connector.graph.faults import Kind as FaultKind

TOKEN_ENDS_SOON = timedelta(days=7)
SUBSCRIBED_WITHIN = timedelta(minutes=5)
"""How long after the link a Page may lack its subscription, before that is a loss."""
# Unverified: the app id of Meta's own Page inbox.
PAGE_INBOX_APP_ID = "263902037430900"
# SDK 26.0.3, business.py, Business.VerificationStatus; what each means is Unverified.
_VERIFICATIONS = {
    "verified": "BUSINESS_VERIFIED",
    "not_verified": "BUSINESS_NOT_VERIFIED",
    "pending": "BUSINESS_PENDING",
    "pending_need_more_info": "BUSINESS_PENDING",
    "pending_submission": "BUSINESS_NOT_VERIFIED",
    "expired": "BUSINESS_REFUSED",
    "failed": "BUSINESS_REFUSED",
    "ineligible": "BUSINESS_REFUSED",
    "rejected": "BUSINESS_REFUSED",
    "revoked": "BUSINESS_REFUSED",
}
# SDK 26.0.3, productcatalog.py, ProductCatalog.Vertical.
_PRODUCTS = "commerce"
_FURTHER_OBJECTS = ("user", "permissions")
"""Beside Pages: what tells us of installations and of permissions. Instagram's is wanted, but its fields are not verified."""
_MOST_SHOWN = 10


def token(subject: Subject, inspection: Inspection, at: datetime) -> Finding:
    """Judge a token: ours, alive, and for how long."""
    if inspection.app_id != subject.app_id and inspection.valid:
        return Finding("TOKEN_FOREIGN", {"app_id": inspection.app_id})
    if not inspection.valid:
        return Finding("TOKEN_DEAD")
    ends = [end for end in (inspection.expire_time, inspection.data_access_expire_time) if end]
    left = {"expire_time": min(ends).isoformat(timespec="seconds")} if ends else {}
    if inspection.data_access_expire_time and inspection.data_access_expire_time <= at:
        return Finding("DATA_ACCESS_ENDED", left)
    return Finding("TOKEN_ENDS_SOON" if ends and min(ends) - at < TOKEN_ENDS_SOON else "TOKEN_ALIVE", left)


def scopes(_subject: Subject, inspection: Inspection, _at: datetime) -> Finding:
    """Judge what is granted; of a dead token nothing is known."""
    if not inspection.valid:
        return Finding("TOKEN_NEEDED")
    return _complete("SCOPES_COMPLETE", "SCOPES_LACKING", set(BASIC) - inspection.scopes)


def page_tasks(_subject: Subject, tasks: Sequence[str] | None, _at: datetime) -> Finding:
    """Judge what the merchant may do on the Page; None when Meta does not list it."""
    if tasks is None:
        return Finding("PAGE_LOST")
    return _complete("TASKS_COMPLETE", "TASKS_LACKING", missing_tasks(tasks))


def page_subscription(subject: Subject, fields: Sequence[str], at: datetime) -> Finding:
    """Judge which fields the Page tells us; what was linked a moment ago is being subscribed."""
    lost = "PAGE_FIELDS_LACKING" if fields else "PAGE_UNSUBSCRIBED"
    if at - beginning(subject.connection) < SUBSCRIBED_WITHIN:
        lost = "PAGE_SUBSCRIBING"
    return _complete("PAGE_SUBSCRIBED", lost, set(ESSENTIAL) - set(fields))


def app_subscription(subject: Subject, listed: Sequence[AppSubscription], _at: datetime) -> Finding:
    """Judge where Meta sends our app's webhooks of Pages; an address or fields that Meta does not tell are not missed."""
    found = next((one for one in listed if one.object == "page"), None)
    if found is None:
        return Finding("APP_UNSUBSCRIBED")
    if found.callback_url not in {"", subject.callback_url}:
        return Finding("APP_CALLBACK_FOREIGN", {"callback_url": found.callback_url, "ours": subject.callback_url})
    if not found.active:
        return Finding("APP_SUBSCRIPTION_INACTIVE")
    missing = set(ESSENTIAL) - found.fields if found.fields else ()
    if missing:
        return Finding("APP_FIELDS_LACKING", {"missing": _some(sorted(missing))})
    wanted = {name: fields for name, fields in wanted_objects(()).items() if name in _FURTHER_OBJECTS}
    lacking = app_gaps(listed, wanted, subject.callback_url)
    return _complete("APP_SUBSCRIBED", "APP_OBJECTS_LACKING", lacking, "objects")


_ARRIVALS = {
    Arrival.UNDER_WAY: "UNDER_WAY",
    Arrival.HEARD: "WEBHOOK_HEARD",
    Arrival.ANSWERED: "WEBHOOK_NOT_PROCESSED",
    Arrival.REFUSED: "WEBHOOK_REFUSED",
    Arrival.MISROUTED: "WEBHOOK_MISROUTED",
    Arrival.NOT_STORED: "WEBHOOK_NOT_STORED",
    Arrival.UNTRUSTED: "WEBHOOK_UNTRUSTED",
    Arrival.UNREACHABLE: "WEBHOOK_UNREACHABLE",
}


def webhook(_subject: Subject, journey: Journey, _at: datetime) -> Finding:
    """Judge how far a self-test came."""
    return Finding(_ARRIVALS[journey.arrival], journey.evidence)


def thread_owner(subject: Subject, app_id: str, _at: datetime) -> Finding:
    """Judge who answers the latest conversation; nobody means whoever writes first."""
    if app_id in {"", subject.app_id}:
        return Finding("THREAD_OURS")
    return Finding("THREAD_IN_INBOX" if app_id == PAGE_INBOX_APP_ID else "THREAD_FOREIGN", {"app_id": app_id})


def verification(_subject: Subject, status: str, _at: datetime) -> Finding:
    """Judge a business's verification; a status that Meta does not tell, or invented since, is not offered."""
    return Finding(_VERIFICATIONS.get(status.lower(), "NOT_OFFERED"), {"status": status} if status else {})


def domain(subject: Subject, owned: Sequence[OwnedDomain], _at: datetime) -> Finding:
    """Judge whether the hosts that products link to are in the business's verified domains."""
    verified, claimed = [one.name for one in owned if one.verified], [one.name for one in owned]
    foreign = [host for host in subject.hosts if not _within(host, claimed)]
    if foreign:
        return Finding("DOMAIN_NOT_OWNED", {"hosts": _some(foreign)})
    return _complete(
        "DOMAIN_VERIFIED",
        "DOMAIN_NOT_VERIFIED",
        {host for host in subject.hosts if not _within(host, verified)},
        "hosts",
    )


def _within(host: str, domains: Collection[str]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in domains)


def commerce(_subject: Subject, account: CommerceAccount | None, _at: datetime) -> Finding:
    """Judge whether the Page's shop may sell."""
    if account is None:
        return Finding("COMMERCE_NONE")
    names = ("merchant_status", "shop_setup", "review_status")
    seen = {name: getattr(account, name) for name in names if getattr(account, name)}
    # SDK 26.0.3, commercemerchantsettings.py, MerchantStatus; of the other values only SETUP, APPROVED and REJECTED are known.
    if account.merchant_status == "EXTERNALLY_DISABLED":
        return Finding("COMMERCE_DISABLED", seen)
    if account.review_status == "REJECTED":
        return Finding("COMMERCE_REJECTED", seen)
    if account.shop_setup not in {"", "SETUP"}:
        return Finding("COMMERCE_UNFINISHED", seen)
    return Finding("COMMERCE_ELIGIBLE" if account.review_status in {"", "APPROVED"} else "COMMERCE_IN_REVIEW", seen)


def catalog(subject: Subject, facts: CatalogFacts | None, _at: datetime) -> Finding:
    """Judge a catalog; None when it is gone or out of reach. A kind or an owner that Meta does not tell is not missed."""
    if facts is None:
        return Finding("CATALOG_GONE")
    if facts.vertical not in {"", _PRODUCTS}:
        return Finding("CATALOG_UNSUITABLE", {"vertical": facts.vertical})
    told, business_id = [one for one in (facts.owner_id, facts.business_id) if one], subject.connection.business_id
    ours = not told or not business_id or business_id in told
    return Finding("CATALOG_OURS") if ours else Finding("CATALOG_FOREIGN", {"business_id": told[0]})


def pixel(_subject: Subject, source_types: Sequence[str], _at: datetime) -> Finding:
    """Judge what sends events to the catalog."""
    # Unverified: that a pixel's source_type is PIXEL.
    return Finding("PIXEL_LINKED" if "PIXEL" in source_types else "PIXEL_NOT_LINKED")


def order_app(subject: Subject, app_ids: Sequence[str] | None, _at: datetime) -> Finding:
    """Judge which app manages the shop's orders; None without a shop."""
    if app_ids is None:
        return Finding("COMMERCE_NONE")
    if subject.app_id in app_ids:
        return Finding("ORDER_APP_OURS")
    return Finding("ORDER_APP_FOREIGN", {"app_ids": _some(app_ids)}) if app_ids else Finding("ORDER_APP_NONE")


_NOT_TOLD = {
    REASONS[FaultKind.TOKEN]: "TOKEN_NEEDED",
    REASONS[FaultKind.PERMISSION]: "NOT_GRANTED",
    REASONS[FaultKind.APPROVAL]: "NOT_APPROVED",
    REASONS[FaultKind.RETIRED]: "NOT_OFFERED",
    REASONS[FaultKind.VERSION]: "VERSION_ENDED",
    REASONS[FaultKind.POLICY]: "META_BLOCKS",
}
_WITHOUT_ASKING = {
    "META_TOKEN_INVALID": "TOKEN_NEEDED",
    "STORE_NOT_CONNECTED": "NOT_CONNECTED",
    "VAULT_UNAVAILABLE": "KEY_AWAY",
    "DEADLINE_TOO_SHORT": "OUT_OF_TIME",
}
INVALID_PARAMETER = 100
"""Unverified: also what Graph says to a field or an edge that it does not have."""


def trouble(error: ConnectorError) -> Finding:
    """Say why something is not known."""
    seen = {name: error.metadata[name] for name in ("meta_code", "meta_subcode") if name in error.metadata}
    if isinstance(error, Throttled):
        left_alone = error.reason == "META_UNAVAILABLE"  # it asked for nothing: it fails too often
        until = {"until": error.until.isoformat(timespec="seconds")}
        return Finding("META_SILENT" if left_alone else "META_PAUSE", until, error.until)
    if isinstance(error, MetaRefused) and error.code == INVALID_PARAMETER:
        return Finding("NOT_OFFERED", seen)
    if isinstance(error, MetaRefused):
        return Finding(_NOT_TOLD.get(error.reason, "META_UNCLEAR"), seen)
    return Finding(_WITHOUT_ASKING.get(error.reason, "META_SILENT"), seen)


def _complete(complete: str, lacking: str, missing: Collection[str], name: str = "missing") -> Finding:
    return Finding(lacking, {name: _some(sorted(missing))}) if missing else Finding(complete)


def _some(names: Sequence[str]) -> str:
    return " ".join(names[:_MOST_SHOWN])
