"""How Meta is asked about templates, and about the products that cards show."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connector.graph.call import Call, Effect, Listed, read_list, read_success
from connector.messaging.graph.limits import bucket
from connector.messaging.model import Template
from connector.registry.graph import products

_FIELDS = "id,name,language,category,status,components"
_PAGE_SIZE = 100
_PLACE = re.compile(r"\{\{\s*(\d+)\s*\}\}")


def list_templates(page_id: str, *, name: str = "", after: str = "") -> Call[Listed[Template]]:
    """Read a page of the templates of a Page, or of those of one name."""
    # SDK 26.0.3, page.py, get_message_templates; messengerbusinesstemplate.py. Unverified: that `name` finds whole names only.
    params = {"fields": _FIELDS, "limit": str(_PAGE_SIZE), "name": name, "after": after}
    params = {word: value for word, value in params.items() if value}
    path = f"{page_id}/message_templates"
    return Call("GET", path, _read_templates, params=params, bucket=bucket(page_id))


def create_template(page_id: str, template: Template, examples: Sequence[str]) -> Call[tuple[str, str]]:
    """Hand in a template; the answer is Meta's id and status. A second run is refused: the name is taken."""
    component: dict[str, Any] = {"type": "BODY", "text": template.body}
    if examples:
        component["example"] = {"body_text": [list(examples)]}
    # SDK 26.0.3, page.py, create_message_template: name, language, category, components, parameter_format.
    body = {
        "name": template.name,
        "language": template.language,
        "category": "UTILITY",
        "components": [component],
        "parameter_format": "POSITIONAL",
    }
    path = f"{page_id}/message_templates"
    return Call("POST", path, _read_created, body=body, bucket=bucket(page_id), effect=Effect.REPEATABLE)


def delete_template(page_id: str, name: str) -> Call[bool]:
    """Delete a template, in every language."""
    # SDK 26.0.3, page.py, delete_message_templates: name.
    path, effect = f"{page_id}/message_templates", Effect.REPEATABLE
    return Call("DELETE", path, read_success, params={"name": name}, bucket=bucket(page_id), effect=effect)


def shown_items(catalog_id: str, names: Sequence[str]) -> Call[Listed[tuple[str, str]]]:
    """Ask for Meta's ids of items that it shows to buyers, with our names for them."""
    wanted = orjson.dumps({"retailer_id": {"is_any": list(names)}}).decode()
    return products(
        catalog_id, ("id", "retailer_id", "review_status", "visibility"), _read_shown, limit=len(names), filter=wanted
    )


def _read_shown(entries: Any) -> list[tuple[str, str]]:
    # SDK 26.0.3, productitem.py: visibility is `published`, `staging`, `hidden`; review_status is empty, `approved`, `pending`, `rejected`.
    return [
        (str(one["retailer_id"]), str(one["id"]))
        for one in entries
        if one.get("visibility", "published") == "published" and one.get("review_status") != "rejected"
    ]


def _read_templates(answer: Any) -> Listed[Template]:
    return read_list(answer, [_template(one) for one in answer["data"]])


def _template(entry: Mapping[str, Any]) -> Template:
    components = entry.get("components") or ()
    body = next((str(one.get("text", "")) for one in components if str(one.get("type", "")).upper() == "BODY"), "")
    told = {name: str(entry.get(name) or "") for name in ("id", "name", "language", "category", "status")}
    return Template(
        told["id"], told["name"], told["language"], told["category"], told["status"], body, parameter_count=places(body)
    )


def places(body: str) -> int:
    """Count the places of a text."""
    return len(set(_PLACE.findall(body)))


def _read_created(answer: Any) -> tuple[str, str]:
    return str(answer["id"]), str(answer.get("status") or "PENDING")
