"""The payloads of Messenger's templates: buttons, cards, products, receipts.

It refuses what Meta is known to refuse; all limits are recalled (Unverified).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.errors import invalid_parameter
from simulator.state import ProductItem
from simulator.world import World

MAX_BUTTON_TEXT = 640
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_ELEMENTS = 10
MAX_ELEMENT_TITLE = 80
MAX_LINES = 100
_PAYLOAD = "message.attachment.payload"


def require_length(name: str, value: Any, limit: int) -> None:
    """Refuse what is no text, or too long a one."""
    if not isinstance(value, str):
        raise invalid_parameter(f"{name} must be a string")
    if len(value) > limit:
        raise invalid_parameter(f"Length of param {name} must be less than or equal to {limit}")


def require_object(name: str, value: Any) -> dict[str, Any]:
    """Refuse what is no object."""
    if not isinstance(value, dict):
        raise invalid_parameter(f"{name} must be an object")
    return value


def _require_count(name: str, value: Any, limit: int) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= limit:
        raise invalid_parameter(f"{name} must be an array of 1 to {limit}")


def _require_titles(name: str, parts: Sequence[Any], limit: int) -> None:
    for part in parts:
        for title in ("title", "subtitle"):
            require_length(f"{name}.{title}", require_object(name, part).get(title, ""), limit)


def _require_buttons(name: str, buttons: Any) -> None:
    _require_count(name, buttons, MAX_BUTTONS)
    _require_titles(name, buttons, MAX_BUTTON_TITLE)
    for button in buttons:
        wanted = {"web_url": "url", "postback": "payload"}.get(str(button.get("type")))
        if wanted is None or not button.get("title") or not button.get(wanted):
            raise invalid_parameter(
                f"{name} must be of type web_url with url or postback with payload, and have a title"
            )


def check_template(world: World, payload: Mapping[str, Any]) -> None:
    """Refuse a template's payload that Meta would."""
    match payload.get("template_type"):
        case "button":
            require_length(f"{_PAYLOAD}.text", payload.get("text"), MAX_BUTTON_TEXT)
            _require_buttons(f"{_PAYLOAD}.buttons", payload.get("buttons"))
        case "generic":
            _require_count(f"{_PAYLOAD}.elements", payload.get("elements"), MAX_ELEMENTS)
            _require_titles(f"{_PAYLOAD}.elements", payload["elements"], MAX_ELEMENT_TITLE)
            for element in payload["elements"]:
                if "buttons" in element:
                    _require_buttons(f"{_PAYLOAD}.elements.buttons", element["buttons"])
        case "product":
            _require_count(f"{_PAYLOAD}.elements", payload.get("elements"), MAX_ELEMENTS)
            for element in payload["elements"]:
                if world.find(ProductItem, str(require_object("elements", element).get("id", ""))) is None:
                    raise invalid_parameter(f"{_PAYLOAD}.elements.id is no item of a catalog")
        case "media":
            _require_count(f"{_PAYLOAD}.elements", payload.get("elements"), 1)
        case "receipt":
            _check_receipt(payload)
        case "coupon":
            return
        case unknown:
            raise invalid_parameter(f"{_PAYLOAD}.template_type {unknown!r} is unknown")


def _check_receipt(payload: Mapping[str, Any]) -> None:
    for name in ("recipient_name", "order_number", "currency", "payment_method"):
        require_length(f"{_PAYLOAD}.{name}", payload.get(name), 200)
    summary = require_object(f"{_PAYLOAD}.summary", payload.get("summary"))
    if "total_cost" not in summary:
        raise invalid_parameter(f"{_PAYLOAD}.summary.total_cost is required")
    elements = payload.get("elements", [])
    if not isinstance(elements, list) or len(elements) > MAX_LINES:
        raise invalid_parameter(f"{_PAYLOAD}.elements must be an array of at most {MAX_LINES}")
    amounts = [*summary.values(), *(require_object("elements", one).get("price") for one in elements)]
    for amount in amounts:
        try:
            Decimal(str(amount))
        except InvalidOperation:
            raise invalid_parameter(f"{_PAYLOAD}: amounts must be numbers") from None
