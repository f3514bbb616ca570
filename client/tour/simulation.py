"""The other parties of the demo, over plain HTTP: Meta (the simulator's control API), the merchant's browser, a buyer."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 30
# What a browser sends with a form: the fields, and the button that was pressed.
PRESSED = ("answer", "allow")


class NotReached(Exception):
    """The simulator or a page of the dialog did not answer as it should."""


@dataclass(frozen=True, slots=True)
class World:
    """What was made for one tour: a merchant with a business, a Page, a pixel and a buyer."""

    user_id: str
    business_id: str
    page_id: str
    psid: str
    pixel_id: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """A running simulator."""

    url: str

    def seed(self, number: int) -> World:
        """Make a merchant whose ids end in `number`, so that no two tours meet."""
        world = World(*(f"{kind}{number:016d}" for kind in (1, 2, 3, 7, 8)))
        page = {
            "id": world.page_id,
            "name": "Nodi Crafts",
            "business_id": world.business_id,
            "people": [{"psid": world.psid, "name": "Rahima Buyer"}],
            "orders": "kept",  # they have ended elsewhere
        }
        business = {"id": world.business_id, "name": "Nodi Crafts Ltd"}
        user = {"id": world.user_id, "name": "Mina Merchant"}
        self._ask("POST", "/_simulator/seed", {"user": user, "businesses": [business], "pages": [page]})
        self._ask("POST", "/_simulator/pixels", {"pixel_id": world.pixel_id, "business_id": world.business_id})
        return world

    def open_shop(self, world: World) -> None:
        """Give the Page a shop with Meta's own checkout."""
        self._ask("PATCH", f"/_simulator/pages/{world.page_id}/shop", {})

    def order(self, world: World, retailer_id: str, pieces: int, currency: str) -> str:
        """Let a buyer order an item in Meta's checkout, at the catalog's price; return Meta's id of the order."""
        lines = [{"retailer_id": retailer_id, "quantity": pieces}]
        document = {"lines": lines, "currency": currency, "processing_seconds": 0}
        answer = self._ask("POST", f"/_simulator/pages/{world.page_id}/orders", document)
        return str(answer["order_ids"][0])

    def read_order(self, order_id: str) -> Mapping[str, Any]:
        """Read an order as it truly is."""
        return self._ask("GET", f"/_simulator/orders/{order_id}")

    def send_back(self, order_id: str, line_id: str, pieces: int) -> None:
        """Let the buyer ask for a return."""
        document = {"items": [{"item_id": line_id, "quantity": pieces}], "return_message": "Too dark"}
        self._ask("POST", f"/_simulator/orders/{order_id}/return", document)

    def send_cart(self, world: World, product: Mapping[str, Any]) -> None:
        """Let the buyer send a cart in the conversation."""
        document = {"kind": "cart", "psid": world.psid, "products": [product], "note": "As a gift"}
        self._ask("POST", f"/_simulator/pages/{world.page_id}/happenings", document)

    def press(self, world: World, title: str, payload: str) -> None:
        """Let the buyer press a quick reply."""
        document = {"psid": world.psid, "text": title, "quick_reply": {"title": title, "payload": payload}}
        self._ask("POST", f"/_simulator/pages/{world.page_id}/messages", document)

    def conversions(self, world: World) -> list[Mapping[str, Any]]:
        """Read what counted at the pixel."""
        return list(self._ask("GET", f"/_simulator/pixels/{world.pixel_id}/events")["events"])

    def items(self, catalog_id: str) -> Iterator[Mapping[str, Any]]:
        """Read what the catalog truly holds."""
        after: int | None = 0
        while after is not None:
            answer = self._ask("GET", f"/_simulator/state/catalogs/{catalog_id}/items?after={after}")
            yield from answer["items"]
            after = answer["after"]

    def item(self, catalog_id: str, retailer_id: str) -> Mapping[str, Any] | None:
        """Read one item of the catalog as it was sent; None when there is none."""
        query = urlencode({"retailer_id": retailer_id})
        answer = self._ask("GET", f"/_simulator/state/catalogs/{catalog_id}/items?{query}")
        return answer["items"][0]["data"] if answer["items"] else None

    def write(self, world: World, text: str) -> str:
        """Let the buyer write to the Page; return the message's `mid`."""
        answer = self._ask("POST", f"/_simulator/pages/{world.page_id}/messages", {"psid": world.psid, "text": text})
        return str(answer["mid"])

    def messages(self, world: World) -> list[Mapping[str, Any]]:
        """Read the conversation as the buyer sees it."""
        query = urlencode({"page_id": world.page_id, "psid": world.psid})
        return list(self._ask("GET", f"/_simulator/messages?{query}")["messages"])

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = None if document is None else json.dumps(document).encode()
        request = Request(self.url.rstrip("/") + path, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - the operator's own address
        return dict(json.loads(fetch(request)[1]))


def allow(dialog_url: str, user_id: str) -> str:
    """Walk Meta's dialog as a browser would: open it, press Allow, follow the redirects; return where they ended."""
    _, page = fetch(Request(dialog_url))  # noqa: S310 - the connector gave it
    form = DialogForm(page)
    if not form.fields:
        raise NotReached(f"The dialog at {dialog_url} shows no form.")
    fields = [(name, user_id if name == "user_id" else value) for name, value in form.fields]
    target = urljoin(dialog_url, form.action) if form.action else dialog_url
    return fetch(Request(target, urlencode([*fields, PRESSED]).encode(), method="POST"))[0]  # noqa: S310 - as above


def fetch(request: Request) -> tuple[str, str]:
    """Send a request, follow redirects; return the last address and its text."""
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            return answer.url, answer.read().decode()
    except HTTPError as error:
        with error:
            page = error.read(4_000).decode(errors="replace")
        text = " ".join(re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())
        raise NotReached(f"{request.get_method()} {error.url} answered {error.code}: {text}") from error
    except (URLError, TimeoutError, ConnectionError) as error:
        raise NotReached(f"{request.full_url} cannot be reached: {error}") from error


class DialogForm(HTMLParser):
    """The fields a browser would send of the first form of a page, ticked boxes and first choices included."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what is sent."""
        values = {name: value or "" for name, value in attrs}
        match tag, values.get("type", "text"):
            case "form", _:
                self.action = values.get("action", "")
            case "input", "checkbox" | "radio" if "checked" not in values:
                return
            case "input", kind if kind not in {"submit", "button"} and "name" in values:
                self.fields.append((values["name"], values.get("value", "")))
            case "select", _:
                self._select = values.get("name", "")
            case "option", _ if self._select:
                self.fields.append((self._select, values.get("value", "")))
                self._select = ""
