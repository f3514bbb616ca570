"""Utility templates of a Page: created, looked at by Meta for a while, listed, deleted, and checked when they are sent.

A template is PENDING until its review is over, then APPROVED, or REJECTED where the switch says so. Names of the Page's seed are
approved in every language, with any number of places.
"""

import re
from collections.abc import Mapping
from typing import Any

from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.errors import invalid_parameter
from simulator.state import MessageTemplate, Page
from simulator.world import World

SCOPES = ("pages_messaging",)
# SDK 26.0.3, page.py: categories. Unverified: recalled that a name has these letters only.
CATEGORIES = ("UTILITY",)
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_PLACE = re.compile(r"\{\{(\d+)\}\}")
MAX_BODY = 1_024


def create(call: Call) -> Json:
    """Serve `POST /{page}/message_templates`."""
    page: Page = call.node
    name, language = call.text("name"), call.text("language")
    if not _NAME.fullmatch(name):
        raise invalid_parameter("Param name must have lower case letters, digits and underscores only")
    call.choice("category", CATEGORIES, "")
    components = call.structure("components", list)
    body = _require_body(components)
    places = len(set(_PLACE.findall(body)))
    if any(one.name == name and one.language == language for one in page.message_templates.values()):
        # Unverified: the subcode is recalled from WhatsApp's twin.
        raise invalid_parameter("There is already a template of this name in this language", subcode=2388024)
    template = MessageTemplate(
        call.world.new_id(), page.id, name, language, "UTILITY", components, places, call.world.clock.now()
    )
    page.message_templates[template.id] = call.world.add(template)
    return {"id": template.id, "status": status(call.world, template), "category": template.category}


def _require_body(components: Any) -> str:
    bodies = [one for one in components if isinstance(one, dict) and str(one.get("type", "")).upper() == "BODY"]
    if len(bodies) != 1 or not isinstance(bodies[0].get("text"), str) or not bodies[0]["text"]:
        raise invalid_parameter("Param components must have one BODY with a text")
    body: str = bodies[0]["text"]
    if len(body) > MAX_BODY:
        raise invalid_parameter(f"Length of the BODY must be less than or equal to {MAX_BODY}")
    examples = (bodies[0].get("example") or {}).get("body_text") or [[]]
    if len(examples[0]) != len(set(_PLACE.findall(body))):
        raise invalid_parameter("The BODY needs an example for each of its places")
    return body


def list_templates(call: Call) -> Rows:
    """Serve `GET /{page}/message_templates`."""
    templates = sorted(call.node.message_templates.values(), key=_place)
    if name := call.text("name", ""):
        templates = [one for one in templates if one.name == name]
    return Rows(templates, key=_place)


def _place(template: MessageTemplate) -> tuple[int, ...]:
    return (int(template.id),)


def delete(call: Call) -> Json:
    """Serve `DELETE /{page}/message_templates`: by name, in every language."""
    page: Page = call.node
    name = call.text("name")
    gone = [one for one in page.message_templates.values() if one.name == name]
    if not gone and name not in page.templates:
        raise invalid_parameter("There is no template of this name")
    for template in gone:
        del page.message_templates[template.id]
        call.world.forget(template)
    page.templates = [one for one in page.templates if one != name]
    return SUCCESS


def status(world: World, template: MessageTemplate) -> str:
    """Tell where Meta's review of a template stands."""
    if template.status:
        return template.status
    if world.clock.now() < template.create_time + world.switches.template_review_seconds:
        return "PENDING"
    pattern = world.switches.rejected_template_pattern
    return "REJECTED" if pattern and re.search(pattern, template.name) else "APPROVED"


def require_usable(world: World, page: Page, wanted: Mapping[str, Any]) -> None:
    """Refuse to send a template that is not approved, or with another number of parameters than it has places."""
    name, code = wanted.get("name"), (wanted.get("language") or {}).get("code")
    if name in page.templates:
        return
    found = [one for one in page.message_templates.values() if (one.name, one.language) == (name, code)]
    if not found or status(world, found[0]) != "APPROVED":
        raise invalid_parameter(f"The template {name!r} is not approved on this Page")
    bodies = [one for one in wanted.get("components") or [] if one.get("type") == "body"]
    given = sum(len(one.get("parameters") or []) for one in bodies)
    if given != found[0].places:
        raise invalid_parameter(f"The template {name!r} has {found[0].places} places, {given} were given")


NODES = {
    "MessageTemplate": NodeType(
        {
            "id": attribute("id"),
            "name": attribute("name"),
            "language": attribute("language"),
            "category": attribute("category"),
            "status": lambda call, one: status(call.world, one),
            "components": attribute("components"),
        },
        default=("id", "name", "status"),
        scopes=SCOPES,
    ),
}
ROUTES = {
    ("Page", "POST", "message_templates"): Route(create, SCOPES, bucket="messenger", page_token=True),
    ("Page", "GET", "message_templates"): Route(list_templates, SCOPES, bucket="messenger", page_token=True),
    ("Page", "DELETE", "message_templates"): Route(delete, SCOPES, bucket="messenger", page_token=True),
}
