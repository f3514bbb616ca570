"""The `fields` parameter: `a,b{c,d},edge.limit(5).after(x){e}.as(f)`.

It promises to read what Graph documents and to refuse the rest with code 2500, naming the place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.call import Selection
from simulator.errors import GraphError

NAME_MARKS = "_-:"
MAX_DEPTH = 8


def parse_fields(text: str) -> tuple[Selection, ...]:
    """Read a selection. Empty parts are skipped, as Graph does."""
    selections, end = _parse_list(text, 0, depth=0)
    if end != len(text):
        raise _syntax_error(text, end)
    return selections


def _syntax_error(text: str, place: int) -> GraphError:
    # Unverified: code 2500 for a syntax error is recalled.
    return GraphError(f'Syntax error at character {place} of fields "{text[:100]}"', code=2500)


def _parse_list(text: str, start: int, *, depth: int) -> tuple[tuple[Selection, ...], int]:
    if depth > MAX_DEPTH:
        raise _syntax_error(text, start)
    selections: list[Selection] = []
    place = start
    while place < len(text) and text[place] != "}":
        if text[place] in ", \n\t":
            place += 1
            continue
        selection, place = _parse_one(text, place, depth=depth)
        selections.append(selection)
        if place < len(text) and text[place] not in ",} \n\t":
            raise _syntax_error(text, place)
    return tuple(selections), place


def _parse_one(text: str, start: int, *, depth: int) -> tuple[Selection, int]:
    name, place = _parse_name(text, start)
    arguments: dict[str, str] = {}
    children: tuple[Selection, ...] = ()
    while place < len(text) and text[place] in ".{":
        if text[place] == "{":
            children, place = _parse_list(text, place + 1, depth=depth + 1)
            if place >= len(text):
                raise _syntax_error(text, place)
            place += 1
        else:
            key, place = _parse_name(text, place + 1)
            arguments[key], place = _parse_argument(text, place)
    return Selection(name, arguments, children, arguments.pop("as", "")), place


def _parse_name(text: str, start: int) -> tuple[str, int]:
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] in NAME_MARKS):
        end += 1
    if end == start:
        raise _syntax_error(text, start)
    return text[start:end], end


def _parse_argument(text: str, start: int) -> tuple[str, int]:
    """Read `(…)`; brackets may nest because filters are JSON."""
    if start >= len(text) or text[start] != "(":
        raise _syntax_error(text, start)
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise _syntax_error(text, start)


def pick(value: Any, children: Sequence[Selection]) -> Any:
    """Keep only the wanted members of a plain value; `id` always stays."""
    if not children:
        return value
    if isinstance(value, Mapping):
        if "data" in value and isinstance(value["data"], list):
            return {**value, "data": pick(value["data"], children)}
        wanted = {child.name: child for child in children}
        kept = {
            wanted[name].alias or name: pick(member, wanted[name].children)
            for name, member in value.items()
            if name in wanted
        }
        return kept | ({"id": value["id"]} if "id" in value else {})
    if isinstance(value, list):
        return [pick(member, children) for member in value]
    return value
