"""Everything the doctor can say: one row per cause, with who mends it, where, and with which call.

A row of a kind belongs to that check; the rows of no kind may stand at any. `fix_suffices` tells that the call alone mends it.
An alert is told after a second failure; `at_once`, after the first: what Meta itself shows us needs no second look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.connections.model import Connection
from connector.doctor.model.values import Kind, State
from connector.graph.faults import Owner


class Where(StrEnum):
    """A page at Meta; the parts in braces are filled in for a connection."""

    # Unverified: these addresses are recalled, not documented.
    NOWHERE = ""
    APP = "https://developers.facebook.com/apps/{app_id}/webhooks/"
    PAGE_ACCESS = "https://www.facebook.com/settings/?tab=profile_access"
    PAGE_MESSAGING = "https://www.facebook.com/{page_id}/settings/?tab=advanced_messaging"
    SECURITY = "https://business.facebook.com/settings/security?business_id={business_id}"
    DOMAINS = "https://business.facebook.com/settings/owned-domains?business_id={business_id}"
    SHOP = "https://business.facebook.com/commerce/?business_id={business_id}"
    CATALOGS = "https://business.facebook.com/settings/product-catalogs/{catalog_id}?business_id={business_id}"
    EVENTS = "https://business.facebook.com/commerce/catalogs/{catalog_id}/events"


@dataclass(frozen=True, slots=True)
class Cause:
    """One row: what is so, and what to do about it."""

    name: str
    kind: Kind | None
    state: State
    title: str
    remedy: str
    owner: Owner
    where: Where
    fix_rpc: str
    fix_suffices: bool
    at_once: bool

    def link(self, connection: Connection, *, app_id: str) -> str:
        """Write the page's address; empty when it lacks an id that is not known."""
        ids = {name: getattr(connection, name) for name in ("page_id", "catalog_id", "business_id")} | {
            "app_id": app_id
        }
        lacking = any(f"{{{name}}}" in self.where and not value for name, value in ids.items())
        return "" if lacking else self.where.format(**ids)


def _rows(
    kind: Kind | None,
    state: State,
    rows: Mapping[str, tuple[str, str]],
    *,
    owner: Owner = Owner.META,
    where: Where = Where.NOWHERE,
    fix_rpc: str = "",
    fix_suffices: bool = False,
    at_once: bool = False,
) -> Iterable[Cause]:
    """Write rows that share all but title and remedy."""
    return [
        Cause(name, kind, state, title, remedy, owner, where, fix_rpc, fix_suffices, at_once)
        for name, (title, remedy) in rows.items()
    ]


_NOTHING = "Nothing needs to be done."
_ITSELF = "Nothing: it is looked at again by itself."
_AGAIN = "The merchant connects again and leaves every permission ticked."
_OPERATORS = "StormCom's operators run `python -m connector webhooks`, or set the webhook of object `page` in the app's dashboard."

_TABLE = [
    *_rows(Kind.TOKEN, State.OK, {"TOKEN_ALIVE": ("The token is alive and ours.", _NOTHING)}),
    *_rows(Kind.TOKEN, State.WARNING, {
        "TOKEN_ENDS_SOON": ("The token ends within a week.", "The merchant connects again before it ends."),
    }, owner=Owner.MERCHANT, fix_rpc="Connect", fix_suffices=True),
    *_rows(Kind.TOKEN, State.FAILED, {
        "TOKEN_DEAD": ("Meta does not accept the token any more.", "The merchant connects again."),
        "TOKEN_FOREIGN": ("The token belongs to another Meta app.", "The merchant connects again."),
        "DATA_ACCESS_ENDED": ("The access to the merchant's data has ended.", "The merchant connects again."),
    }, owner=Owner.MERCHANT, fix_rpc="Connect", fix_suffices=True),
    *_rows(None, State.FAILED, {
        "APP_REFUSED": ("Meta refuses our app's own token.", "StormCom's operators compare META_*_APP_ID and META_*_APP_SECRETS with the app's dashboard."),
    }, owner=Owner.STORMCOM),
    *_rows(Kind.SCOPES, State.OK, {"SCOPES_COMPLETE": ("Every permission is granted.", _NOTHING)}),
    *_rows(Kind.SCOPES, State.FAILED, {
        "SCOPES_LACKING": ("Permissions are missing or were taken away.", _AGAIN),
    }, owner=Owner.MERCHANT, fix_rpc="Connect", fix_suffices=True),
    *_rows(Kind.PAGE_TASKS, State.OK, {"TASKS_COMPLETE": ("The merchant may do on the Page what we need.", _NOTHING)}),
    *_rows(Kind.PAGE_TASKS, State.FAILED, {
        "TASKS_LACKING": ("The merchant's role on the Page is too small.", "Somebody with full control of the Page gives the merchant messages, content and community activity; then the merchant connects again."),
        "PAGE_LOST": ("The merchant has no role on the Page any more, or does not let us see it.", "Somebody with full control of the Page adds the merchant; then the merchant connects again and ticks the Page."),
    }, owner=Owner.MERCHANT, where=Where.PAGE_ACCESS, fix_rpc="Connect"),
    *_rows(Kind.PAGE_SUBSCRIPTION, State.OK, {"PAGE_SUBSCRIBED": ("The Page tells us everything we want to hear.", _NOTHING)}),
    *_rows(Kind.PAGE_SUBSCRIPTION, State.FAILED, {
        "PAGE_UNSUBSCRIBED": ("The Page's subscription has ended.", "Nothing: it is asked for again by itself. What was written meanwhile is in the Page's inbox only."),
        "PAGE_FIELDS_LACKING": ("The Page does not tell us everything any more.", "Nothing: it is asked for again by itself."),
    }, owner=Owner.META, at_once=True),
    *_rows(Kind.PAGE_SUBSCRIPTION, State.UNKNOWN, {
        "PAGE_SUBSCRIBING": ("The Page was linked a moment ago and is being subscribed.", _ITSELF),
    }, owner=Owner.STORMCOM),
    *_rows(Kind.APP_SUBSCRIPTION, State.OK, {"APP_SUBSCRIBED": ("Meta sends our app's webhooks to us.", _NOTHING)}),
    *_rows(Kind.APP_SUBSCRIPTION, State.WARNING, {
        "APP_OBJECTS_LACKING": ("Our Meta app lacks webhooks beside those of Pages: of installations, or of permissions.", "StormCom's operators run `python -m connector webhooks`, or set META_*_WEBHOOKS=keep."),
    }, owner=Owner.STORMCOM, where=Where.APP),
    *_rows(Kind.APP_SUBSCRIPTION, State.FAILED, {
        "APP_UNSUBSCRIBED": ("Our Meta app has no webhook for Pages.", _OPERATORS),
        "APP_CALLBACK_FOREIGN": ("Our Meta app sends its webhooks to another address.", _OPERATORS),
        "APP_SUBSCRIPTION_INACTIVE": ("Meta has switched our app's webhook off.", "StormCom's operators mend the webhook's address and switch it on in the app's dashboard."),
        "APP_FIELDS_LACKING": ("Our Meta app's webhook lacks fields.", _OPERATORS),
    }, owner=Owner.STORMCOM, where=Where.APP),
    *_rows(Kind.WEBHOOK, State.OK, {"WEBHOOK_HEARD": ("A webhook to our public address arrives and is worked off.", _NOTHING)}),
    *_rows(Kind.WEBHOOK, State.FAILED, {
        "WEBHOOK_UNREACHABLE": ("Our public address cannot be reached.", "StormCom's operators check PUBLIC_URL, its name, the proxy and the ingress."),
        "WEBHOOK_UNTRUSTED": ("The certificate of our public address is not valid.", "StormCom's operators renew it: Meta takes no other."),
        "WEBHOOK_MISROUTED": ("Something else answers at our public address.", "StormCom's operators lead PUBLIC_URL/webhooks/facebook to the ingress, unchanged."),
        "WEBHOOK_REFUSED": ("The ingress at our public address does not know our signature.", "StormCom's operators give the ingress the same META_*_APP_SECRETS, and let the proxy leave bodies as they are."),
        "WEBHOOK_NOT_STORED": ("The ingress cannot store webhooks.", "StormCom's operators look at the ingress and its database."),
        "WEBHOOK_NOT_PROCESSED": ("Webhooks arrive but are not worked off.", "StormCom's operators look at the relay and at the workers of lane fast."),
    }, owner=Owner.STORMCOM),
    *_rows(Kind.THREAD_OWNER, State.OK, {"THREAD_OURS": ("Our app answers the latest conversation.", _NOTHING)}),
    *_rows(Kind.THREAD_OWNER, State.WARNING, {
        "THREAD_IN_INBOX": ("Somebody answers the latest conversation in Meta's inbox.", "Nothing, if that is meant; else the merchant moves the conversation to done there."),
    }, owner=Owner.MERCHANT, where=Where.PAGE_MESSAGING),
    *_rows(Kind.THREAD_OWNER, State.FAILED, {
        "THREAD_FOREIGN": ("Another app answers the latest conversation, so we cannot.", "The merchant makes our app the primary receiver of the Page, or disconnects the other app."),
    }, owner=Owner.MERCHANT, where=Where.PAGE_MESSAGING),
    *_rows(Kind.BUSINESS_VERIFICATION, State.OK, {"BUSINESS_VERIFIED": ("The business is verified.", _NOTHING)}),
    *_rows(Kind.BUSINESS_VERIFICATION, State.WARNING, {
        "BUSINESS_PENDING": ("Meta is looking at the business.", "Wait; Meta may ask the merchant for papers."),
    }, owner=Owner.META, where=Where.SECURITY),
    *_rows(Kind.BUSINESS_VERIFICATION, State.WARNING, {
        "BUSINESS_NOT_VERIFIED": ("The business is not verified, which some of Meta's features ask for.", "The merchant begins the verification in the Security Center."),
    }, owner=Owner.MERCHANT, where=Where.SECURITY),
    *_rows(Kind.BUSINESS_VERIFICATION, State.FAILED, {
        "BUSINESS_REFUSED": ("Meta refused or took back the verification of the business.", "The merchant reads Meta's reason in the Security Center and asks again."),
    }, owner=Owner.MERCHANT, where=Where.SECURITY),
    *_rows(Kind.DOMAIN, State.OK, {"DOMAIN_VERIFIED": ("The business owns the domains that products link to.", _NOTHING)}),
    *_rows(Kind.DOMAIN, State.FAILED, {
        "DOMAIN_NOT_OWNED": ("Products link to a domain that the business has not claimed.", "The merchant adds the domain to the business and verifies it."),
        "DOMAIN_NOT_VERIFIED": ("Products link to a domain that is not verified.", "The merchant verifies it: a DNS entry, a file or a meta tag."),
    }, owner=Owner.MERCHANT, where=Where.DOMAINS),
    *_rows(Kind.COMMERCE, State.OK, {"COMMERCE_ELIGIBLE": ("The shop may sell.", _NOTHING)}),
    *_rows(Kind.COMMERCE, State.WARNING, {
        "COMMERCE_UNFINISHED": ("The shop's setup is not finished.", "The merchant finishes it in Commerce Manager."),
    }, owner=Owner.MERCHANT, where=Where.SHOP),
    *_rows(Kind.COMMERCE, State.WARNING, {
        "COMMERCE_IN_REVIEW": ("Meta is looking at the shop.", "Wait."),
    }, owner=Owner.META, where=Where.SHOP),
    *_rows(Kind.COMMERCE, State.FAILED, {
        "COMMERCE_REJECTED": ("Meta's review rejected the shop.", "The merchant reads Meta's reasons in Commerce Manager, mends them and asks for another review."),
        "COMMERCE_DISABLED": ("The shop is switched off.", "The merchant switches it on in Commerce Manager."),
    }, owner=Owner.MERCHANT, where=Where.SHOP),
    *_rows(None, State.SKIPPED, {
        "COMMERCE_NONE": ("The Page has no shop at Meta.", "Nothing, unless the merchant wants one: Commerce Manager sets it up."),
    }, owner=Owner.MERCHANT, where=Where.SHOP),
    *_rows(Kind.CATALOG, State.OK, {"CATALOG_OURS": ("The catalog is the business's own.", _NOTHING)}),
    *_rows(Kind.CATALOG, State.FAILED, {
        "CATALOG_GONE": ("The catalog is gone or out of our reach.", "The merchant gives access to it back and connects again."),
    }, owner=Owner.MERCHANT, where=Where.CATALOGS, fix_rpc="Connect"),
    *_rows(Kind.CATALOG, State.FAILED, {
        "CATALOG_FOREIGN": ("The catalog belongs to another business.", "Its owner moves it back, or keeps sharing it with full control; else the merchant disconnects and chooses another."),
        "CATALOG_UNSUITABLE": ("The catalog is not one for products.", "The merchant disconnects and chooses a catalog of kind e-commerce, or lets CreateCatalog make one."),
    }, owner=Owner.MERCHANT, where=Where.CATALOGS),
    *_rows(Kind.PIXEL, State.OK, {"PIXEL_LINKED": ("A pixel is linked with the catalog.", _NOTHING)}),
    *_rows(Kind.PIXEL, State.WARNING, {
        "PIXEL_NOT_LINKED": ("No pixel is linked with the catalog, so ads cannot show what people looked at.", "The merchant links one in Commerce Manager, under events."),
    }, owner=Owner.MERCHANT, where=Where.EVENTS),
    *_rows(Kind.ORDER_APP, State.OK, {"ORDER_APP_OURS": ("Our app manages the shop's orders.", _NOTHING)}),
    *_rows(Kind.ORDER_APP, State.WARNING, {
        "ORDER_APP_NONE": ("No app manages the shop's orders.", "Nothing, while orders are handled in Commerce Manager."),
    }, owner=Owner.STORMCOM, where=Where.SHOP),
    *_rows(Kind.ORDER_APP, State.FAILED, {
        "ORDER_APP_FOREIGN": ("Another app manages the shop's orders.", "The merchant takes the other app out in Commerce Manager."),
    }, owner=Owner.MERCHANT, where=Where.SHOP),
    *_rows(None, State.UNKNOWN, {
        "NOT_LOOKED_AT": ("It was not looked at yet.", _ITSELF),
        "UNDER_WAY": ("It is being looked at right now.", "List the checks in a moment."),
        "VERSION_ENDED": ("Meta has ended the Graph API version that our app speaks.", "StormCom's operators raise META_GRAPH_VERSION."),
        "OUT_OF_TIME": ("The call's deadline came first.", "Give the call 30 seconds; it is looked at again by itself."),
        "KEY_AWAY": ("The key that opens the token cannot be used for the moment.", "If it stays so, StormCom's operators look at the key service."),
    }, owner=Owner.STORMCOM),
    *_rows(None, State.UNKNOWN, {
        "META_PAUSE": ("Meta asks for a pause, or its allowance is needed for more urgent work.", _ITSELF),
        "META_SILENT": ("Meta did not answer.", _ITSELF),
        "META_BLOCKS": ("Meta blocks such questions for a while.", _ITSELF),
        "LIST_TOO_LONG": ("Meta's list is longer than we read.", "Nothing: what is looked for may stand further on."),
        "META_UNCLEAR": ("Meta refused the question in words we do not know.", "If it stays so, StormCom's operators look up the code."),
    }, owner=Owner.META),
    *_rows(None, State.UNKNOWN, {
        "TOKEN_NEEDED": ("Without a token Meta cannot be asked.", "The merchant connects again."),
    }, owner=Owner.MERCHANT, fix_rpc="Connect", fix_suffices=True),
    *_rows(None, State.SKIPPED, {
        "NOT_GRANTED": ("The permission to look was not granted.", "Nothing: what it is about works or fails without our knowing."),
        "NO_CONVERSATION": ("Nobody has written to the Page yet.", _NOTHING),
    }, owner=Owner.MERCHANT),
    *_rows(None, State.SKIPPED, {
        "NO_CATALOG": ("No catalog is attached.", "The merchant chooses one, or CreateCatalog makes one."),
    }, owner=Owner.MERCHANT, fix_rpc="AttachCatalog", fix_suffices=True),
    *_rows(None, State.SKIPPED, {
        "NOT_APPROVED": ("Meta has not approved our app for this question.", "StormCom's operators bring the app through Meta's review."),
    }, owner=Owner.STORMCOM),
    *_rows(None, State.SKIPPED, {
        "NO_PRODUCTS": ("There are no products yet.", "StormCom sends the store's products."),
    }, owner=Owner.STORMCOM, fix_rpc="UpsertProducts", fix_suffices=True),
    *_rows(None, State.SKIPPED, {
        "NOT_CONNECTED": ("The connection is not linked to a Page.", "The merchant connects."),
    }, owner=Owner.MERCHANT, fix_rpc="Connect", fix_suffices=True),
    *_rows(None, State.SKIPPED, {
        "NO_BUSINESS": ("Meta does not tell which business the catalog is of.", "Nothing: what the business lacks is not looked at."),
        "NOT_OFFERED": ("Meta does not tell this, or not any more.", _NOTHING),
    }, owner=Owner.META),
]  # fmt: skip

CAUSES: Mapping[str, Cause] = {cause.name: cause for cause in _TABLE}
