"""What tells the variants of a product apart, and whether Meta can group them by it.

What a product says itself is the same for all its items by construction; only options, prices, images, link, barcode, part number
and weight are each variant's own.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from connector.catalog.model.mapping.findings import Findings
from connector.catalog.model.options import AXES, MOST_AXES, Sorted, shorten, sort_options
from connector.catalog.model.values import Variant

_NONE = dict.fromkeys((*AXES, "additional_variant_attribute"), "")


def write_options(variant: Variant, findings: Findings) -> Mapping[str, str]:
    """Write a variant's options as Meta's fields."""
    options = variant.options
    fields, found = _written(tuple([(name, options[name]) for name in options]))
    if found is not None:
        _warn(fields, found, f"{variant.path}options", findings)
    return fields


@lru_cache(maxsize=4_096)
def _written(options: tuple[tuple[str, str], ...]) -> tuple[Mapping[str, str], Sorted | None]:
    """Write options, of which a store has few; what was found is told only when there is something to say of it."""
    found = sort_options(dict(options))
    fields = _NONE | shorten(found.known) | {"additional_variant_attribute": found.rest}
    remarkable = found.unknown or found.twice or len(options) > MOST_AXES or not found.known.items() <= fields.items()
    return fields, found if remarkable else None


def _warn(fields: Mapping[str, str], found: Sorted, path: str, findings: Findings) -> None:
    for axis, value in found.known.items():
        if fields[axis] != value:
            findings.warn(path, "TEXT_TRUNCATED", f"{axis} was cut to {AXES[axis]} characters; shorten it", value)
    for name in found.unknown:
        rule = (
            "is none of Meta's options (color, size, pattern, material, gender) and is sent as an additional attribute"
        )
        findings.warn(path, "OPTION_UNKNOWN", f"{name[:60]!r} {rule}")
    for name in found.twice:
        rule = "means the same to Meta as another option, which is sent; this one is sent as an additional attribute"
        findings.warn(path, "OPTION_UNKNOWN", f"{name[:60]!r} {rule}")
    if (count := len(found.known) + len(found.unknown) + len(found.twice)) > MOST_AXES:
        rule = f"has {count} options; Meta's own integrations send products with at most {MOST_AXES}"
        findings.warn(path, "VARIANT_OPTIONS_UNEVEN", rule)


def check_group(variants: Sequence[Variant]) -> Mapping[str, Findings]:
    """Find what keeps variants from being one group, by variant: nothing tells them apart, or not the same things do."""
    drawn = {variant.variant_id: sort_options(variant.options) for variant in variants}
    every = {name for one in drawn.values() for name in _names(one)}
    seen: set[Any] = set()
    found: dict[str, Findings] = {}
    for variant in variants:
        own, path = drawn[variant.variant_id], f"{variant.path}options"
        findings = Findings()
        key = tuple(sorted(shorten(own.known).items())), own.rest
        if key in seen or not any(key):
            findings.refuse(path, "VARIANT_OPTIONS_MISSING", "must tell this variant from its siblings", _said(variant))
        elif missing := sorted(every - _names(own)):
            rule = (
                f"lacks {', '.join(map(repr, missing))[:100]}, which siblings have; give every variant the same options"
            )
            findings.warn(path, "VARIANT_OPTIONS_UNEVEN", rule)
        seen.add(key)
        if findings:
            found[variant.variant_id] = findings
    return found


def _names(found: Sorted) -> set[str]:
    return {*found.known, *found.unknown, *found.twice}


def _said(variant: Variant) -> str:
    return ", ".join(f"{name}: {value}" for name, value in variant.options.items())
