"""How Meta is asked to write to a person: each kind of content in Meta's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connector.graph.call import Call, Effect
from connector.messaging.graph.limits import bucket
from connector.messaging.model import Kind, Message, Policy


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way: `items` are Meta's ids of the products that it shows, by our names."""

    message: Message
    policy: Policy
    items: Mapping[str, str]


def send(page_id: str, psid: str, outgoing: Outgoing) -> Call[str]:
    """Send a message; the answer is its `mid`. Our id comes back in the echo. Must not run twice: Meta knows no key here."""
    message = outgoing.message
    written = _WRITE[message.kind](outgoing) | {"metadata": str(message.id)}
    if replies := message.content.get("quick_replies"):
        written["quick_replies"] = [_quick_reply(one) for one in replies]
    if message.reply_to_mid:
        # Unverified: SDK 26.0.3, page.py, create_message names a parameter reply_to; that it stands in the message is recalled.
        written["reply_to"] = {"mid": message.reply_to_mid}
    # SDK 26.0.3, page.py, create_message: recipient, messaging_type, message, tag.
    body: dict[str, Any] = {
        "recipient": {"id": psid},
        "messaging_type": outgoing.policy.messaging_type,
        "message": written,
    }
    if outgoing.policy.tag:
        body["tag"] = outgoing.policy.tag
    return Call("POST", f"{page_id}/messages", _read_mid, body=body, bucket=bucket(page_id), effect=Effect.ONCE)


def _read_mid(answer: Any) -> str:
    # Unverified: the shape of the answer is recalled.
    mid = answer["message_id"]
    if not isinstance(mid, str) or not mid:
        raise ValueError("message_id is not a text")
    return mid


# Unverified: the shapes of all that follows are recalled from the Send API's reference.


def _quick_reply(reply: Mapping[str, str]) -> dict[str, str]:
    written = {"content_type": "text", "title": reply["title"], "payload": reply["payload"] or reply["title"]}
    return written | ({"image_url": reply["image_url"]} if reply["image_url"] else {})


def _text(outgoing: Outgoing) -> dict[str, Any]:
    return {"text": outgoing.message.text}


def _attachment(outgoing: Outgoing) -> dict[str, Any]:
    content = outgoing.message.content
    named = content.get("attachment_id")
    payload = {"attachment_id": named} if named else {"url": content["url"], "is_reusable": False}
    return {"attachment": {"type": content["type"], "payload": payload}}


def _template(template_type: str, **payload: Any) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": {"template_type": template_type, **payload}}}


def _products(outgoing: Outgoing) -> dict[str, Any]:
    names = outgoing.message.content["retailer_ids"]
    return _template("product", elements=[{"id": outgoing.items[name]} for name in names])


def _button(button: Mapping[str, str]) -> dict[str, str]:
    if button.get("url"):
        return {"type": "web_url", "title": button["title"], "url": button["url"]}
    return {"type": "postback", "title": button["title"], "payload": button["payload"]}


def _buttons(outgoing: Outgoing) -> dict[str, Any]:
    buttons = [_button(one) for one in outgoing.message.content["buttons"]]
    return _template("button", text=outgoing.message.text, buttons=buttons)


def _cards(outgoing: Outgoing) -> dict[str, Any]:
    return _template("generic", elements=[_card(one) for one in outgoing.message.content["cards"]])


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    written = {name: card[name] for name in ("title", "subtitle", "image_url") if card[name]}
    if card["url"]:
        written["default_action"] = {"type": "web_url", "url": card["url"]}
    if card["buttons"]:
        written["buttons"] = [_button(one) for one in card["buttons"]]
    return written


def _amount(written: str) -> orjson.Fragment:
    """Write an exact amount as the number that Meta wants."""
    return orjson.Fragment(written.encode())


def _receipt(outgoing: Outgoing) -> dict[str, Any]:
    receipt = outgoing.message.content
    summary = {name: _amount(receipt[ours]) for name, ours in _SUMMARY.items() if receipt.get(ours)}
    payload: dict[str, Any] = {
        "recipient_name": receipt["recipient_name"],
        "order_number": receipt["order_number"],
        "currency": receipt["currency"],
        "payment_method": receipt["payment_method"],
        "summary": summary,
        "elements": [_line(one, receipt["currency"]) for one in receipt["lines"]],
    }
    if receipt["discounts"]:
        payload["adjustments"] = [
            {"name": one["name"], "amount": _amount(one["amount"])} for one in receipt["discounts"]
        ]
    if receipt["order_url"]:
        payload["order_url"] = receipt["order_url"]
    if receipt["order_time"]:
        payload["timestamp"] = str(int(datetime.fromisoformat(receipt["order_time"]).timestamp()))
    return _template("receipt", **payload)


_SUMMARY = {"subtotal": "subtotal", "shipping_cost": "shipping", "total_tax": "tax", "total_cost": "total"}


def _line(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    told = {name: line[name] for name in ("subtitle", "image_url") if line[name]}
    known = {"title": line["title"], "quantity": line["quantity"], "currency": currency}
    return known | {"price": _amount(line["price"])} | told


def _utility(outgoing: Outgoing) -> dict[str, Any]:
    content = outgoing.message.content
    template: dict[str, Any] = {"name": content["template_name"], "language": {"code": content["language"]}}
    if content["parameters"]:
        texts = [{"type": "text", "text": one} for one in content["parameters"]]
        template["components"] = [{"type": "body", "parameters": texts}]
    return {"template": template}


_WRITE: Mapping[Kind, Callable[[Outgoing], dict[str, Any]]] = {
    Kind.TEXT: _text,
    Kind.ATTACHMENT: _attachment,
    Kind.PRODUCTS: _products,
    Kind.BUTTONS: _buttons,
    Kind.CARDS: _cards,
    Kind.RECEIPT: _receipt,
    Kind.UTILITY: _utility,
}
