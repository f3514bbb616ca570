"""How Meta says what the doctor asks beside what connections already ask: requests as values, readings of answers.

Each is one small read. What an answer leaves out is read as empty. Of lists that are looked through for what must be there, every
page is read; of those that are short by nature, one.
"""

from typing import Any

from connector.connections.graph import Entries, page_bucket
from connector.doctor.model.values import CatalogFacts, CommerceAccount, OwnedDomain
from connector.graph.call import Call, read_list

_PAGE_SIZE = "100"


def thread_owner(page_id: str, psid: str) -> Call[str]:
    """Ask which app answers a person; empty when none has taken the thread."""

    def read(answer: Any) -> str:
        owners = [entry.get("thread_owner") or {} for entry in answer["data"]]
        return str(owners[0].get("app_id", "")) if owners else ""

    # SDK 26.0.3, page.py, get_thread_owner; the shape of the answer is Unverified.
    return Call("GET", f"{page_id}/thread_owner", params={"recipient": psid}, read=read, bucket=page_bucket(page_id))


def verification(business_id: str) -> Call[str]:
    """Ask how the verification of a business stands; empty when Meta does not tell."""
    # SDK 26.0.3, business.py, Business.Field.verification_status
    return _fields(business_id, "verification_status", lambda answer: str(answer.get("verification_status", "")))


def domains(business_id: str, after: str = "") -> Call[Entries]:
    """List the domains that a business has claimed."""
    # SDK 26.0.3, owneddomain.py, OwnedDomain.Field; the edge is Unverified.
    params = {"fields": "domain_name,status", "limit": _PAGE_SIZE} | ({"after": after} if after else {})
    path = f"{business_id}/owned_domains"
    return Call("GET", path, params=params, read=lambda answer: read_list(answer, answer["data"]))


def read_domain(entry: Any) -> OwnedDomain:
    """Read one entry of that list."""
    # Unverified: which status means verified.
    return OwnedDomain(str(entry["domain_name"]).lower(), str(entry.get("status", "")).lower() == "verified")


def catalog(catalog_id: str, bucket: str) -> Call[CatalogFacts]:
    """Ask a catalog of which kind it is and whose."""

    def read(answer: Any) -> CatalogFacts:
        owner, business = answer.get("owner_business") or {}, answer.get("business") or {}
        return CatalogFacts(str(answer.get("vertical", "")), str(owner.get("id", "")), str(business.get("id", "")))

    # SDK 26.0.3, productcatalog.py, ProductCatalog.Field
    return _fields(catalog_id, "vertical,business,owner_business", read, bucket)


def event_sources(catalog_id: str, bucket: str) -> Call[tuple[str, ...]]:
    """List of which types the sources of events are that are linked with a catalog."""
    # SDK 26.0.3, productcatalog.py, get_external_event_sources; externaleventsource.py, Field
    return Call(
        "GET",
        f"{catalog_id}/external_event_sources",
        params={"fields": "id,source_type", "limit": _PAGE_SIZE},
        read=lambda answer: tuple(str(entry.get("source_type", "")) for entry in answer["data"]),
        bucket=bucket,
    )


def commerce_account(page_id: str) -> Call[CommerceAccount | None]:
    """Ask for the account of the Page's shop; None without one."""

    def read(answer: Any) -> CommerceAccount | None:
        accounts = [_account(entry) for entry in answer["data"]]
        return accounts[0] if accounts else None

    # SDK 26.0.3, page.py, get_commerce_merchant_settings; commercemerchantsettings.py, Field, get_setup_status.
    params = {"fields": "id,merchant_status,setup_status"}
    path = f"{page_id}/commerce_merchant_settings"
    return Call("GET", path, params=params, read=read, bucket=page_bucket(page_id))


def _account(entry: Any) -> CommerceAccount:
    # https://developers.facebook.com/docs/commerce-platform/setup/api-setup (read 2026-11-21): setup_status.
    listed = (entry.get("setup_status") or {}).get("data") or [{}]
    review = (listed[0].get("review_status") or {}).get("status", "")
    return CommerceAccount(
        str(entry["id"]), str(entry.get("merchant_status", "")), str(listed[0].get("shop_setup", "")), str(review)
    )


def order_apps(commerce_account_id: str, bucket: str) -> Call[tuple[str, ...]]:
    """List the apps that manage a shop's orders."""
    # SDK 26.0.3, commercemerchantsettings.py, get_order_management_apps
    return Call(
        "GET",
        f"{commerce_account_id}/order_management_apps",
        read=lambda answer: tuple(str(entry["id"]) for entry in answer["data"]),
        bucket=bucket,
    )


def _fields(node_id: str, fields: str, read: Any, bucket: str = "app") -> Call[Any]:
    return Call("GET", node_id, params={"fields": fields}, read=read, bucket=bucket)
