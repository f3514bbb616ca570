"""Rows of a feed written as RSS or Atom, item by item, in bounded memory.

Entities, external references and document type tricks are refused: a feed has no use for them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from client.catalogues.rows import Row
from client.catalogues.terms import CatalogueUnusable

ITEM_TAGS = frozenset({"item", "entry"})


def read_items(path: Path) -> Iterator[Row]:
    """Read the items as rows named as in a delimited feed.

    Raises:
        CatalogueUnusable: the file is no well-formed XML from some place on, or holds what is refused.

    """
    number = 0
    try:
        for _, element in iterparse(path, events=("end",), forbid_dtd=True):
            if _local(element) in ITEM_TAGS:
                number += 1
                yield Row(f"item {number}", _cells(element))
                element.clear()
    except ParseError as wrong:
        raise CatalogueUnusable(f"{path.name} is no well-formed XML behind item {number}: {wrong}.") from wrong
    except DefusedXmlException as wrong:
        raise CatalogueUnusable(
            f"{path.name} declares entities or a document type, which feeds must not: {wrong}."
        ) from wrong


def _local(element: Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2].lower()


def _cells(item: Element) -> dict[str, str]:
    """Return the texts by tag; a tag that repeats becomes a JSON list. Atom's link is in its `href`."""
    texts: dict[str, list[str]] = {}
    for child in item:
        text = (child.text or child.get("href") or "").strip()
        if text:
            texts.setdefault(_local(child), []).append(text)
    return {name: found[0] if len(found) == 1 else json.dumps(found) for name, found in texts.items()}
