"""The bodies Meta would send about the seeded Page and person, small enough to read."""

import json
from typing import Any

PAGE, PERSON = "30000000000000001", "70000000000000001"
START = 1_763_700_000_000  # 2025-11-21T04:40:00Z, in milliseconds


def envelope(*items: dict[str, Any], page: str = PAGE) -> bytes:
    """Write the body of one delivery about a Page."""
    return json.dumps({"object": "page", "entry": [{"id": page, "time": START, "messaging": list(items)}]}).encode()


def event(seconds: float, *, by_page: bool = False, page: str = PAGE, person: str = PERSON, **content: Any) -> Any:
    """Write one messaging event between the person and the Page, so many seconds after the start."""
    sender, recipient = (page, person) if by_page else (person, page)
    return {
        "sender": {"id": sender},
        "recipient": {"id": recipient},
        "timestamp": START + int(seconds * 1000),
        **content,
    }


def wrote(seconds: float, mid: str, text: str, **frame: Any) -> dict[str, Any]:
    """Write a person's message."""
    return event(seconds, message={"mid": mid, "text": text}, **frame)  # type: ignore[no-any-return] # a mapping, see above


def echoed(seconds: float, mid: str, text: str, *, person: str = PERSON, **message: Any) -> dict[str, Any]:
    """Write the echo of a message of the Page."""
    echo = {"mid": mid, "text": text, "is_echo": True, **message}
    return event(seconds, by_page=True, person=person, message=echo)  # type: ignore[no-any-return] # as above
