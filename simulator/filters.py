"""The `filter` parameter of products and product sets: `{"and":[{"availability":{"eq":"in stock"}}, …]}`.

A filter compiles once into a predicate over items; unknown fields and operators are refused by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from simulator.errors import GraphError, invalid_parameter
from simulator.items import minor_units
from simulator.state import ProductItem

Value = Any
Predicate = Callable[[ProductItem, Mapping[str, Any]], bool]
MAX_DEPTH = 10

# filter field → item data field; None: answered from the item itself.
# Sources: facebook-for-woocommerce and meta-for-magento2 (retailer_id, product_item_id, product_type, tags).
# Unverified: the others.
FIELDS: Mapping[str, str | None] = {
    "retailer_id": None,
    "product_item_id": None,
    "product_type": "product_type",
    "tags": "internal_label",
    "availability": "availability",
    "brand": "brand",
    "category": "google_product_category",
    "condition": "condition",
    **{f"custom_label_{number}": f"custom_label_{number}" for number in range(5)},
    "gender": "gender",
    "name": "title",
    "price": "price",
    "current_price": "price",
    "google_product_category": "google_product_category",
    "product_group_id": "item_group_id",
    "retailer_product_group_id": "item_group_id",
    "visibility": "visibility",
}
PRICES = {"price", "current_price"}


def _lower(value: Value) -> str:
    return str(value).lower()


def _number(value: Value) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise invalid_parameter(f"Param filter: {value!r} is not a number") from None


# Verified: eq, neq, is_any, i_contains (facebook-for-woocommerce, meta-for-magento2). Unverified: the others.
OPERATORS: Mapping[str, Callable[[Value, Value], bool]] = {
    "eq": lambda have, want: str(have) == str(want),
    "neq": lambda have, want: str(have) != str(want),
    "is_any": lambda have, want: str(have) in want,
    "is_not_any": lambda have, want: str(have) not in want,
    "contains": lambda have, want: str(want) in str(have),
    "not_contains": lambda have, want: str(want) not in str(have),
    "i_contains": lambda have, want: _lower(want) in _lower(have),
    "i_not_contains": lambda have, want: _lower(want) not in _lower(have),
    "starts_with": lambda have, want: str(have).startswith(str(want)),
    "i_starts_with": lambda have, want: _lower(have).startswith(_lower(want)),
    "lt": lambda have, want: _number(have) < _number(want),
    "lte": lambda have, want: _number(have) <= _number(want),
    "gt": lambda have, want: _number(have) > _number(want),
    "gte": lambda have, want: _number(have) >= _number(want),
}
LIST_OPERATORS = {"is_any", "is_not_any"}
NEGATIONS = {"neq", "is_not_any", "not_contains", "i_not_contains"}


def compile_filter(document: Value, *, depth: int = 0) -> Predicate:
    """Turn a filter into a predicate. `{}` lets everything through."""
    if not isinstance(document, dict) or depth > MAX_DEPTH:
        raise _refusal("must be an object, at most 10 levels deep")
    parts = [_compile_one(name, rule, depth=depth) for name, rule in document.items()]
    return lambda item, data: all(part(item, data) for part in parts)


def _compile_one(name: str, rule: Value, *, depth: int) -> Predicate:
    if name in {"and", "or"}:
        if not isinstance(rule, list) or not rule:
            raise _refusal(f"{name} takes a list of filters")
        parts = [compile_filter(part, depth=depth + 1) for part in rule]
        combine = all if name == "and" else any
        return lambda item, data: combine(part(item, data) for part in parts)
    if name == "not":
        inner = compile_filter(rule, depth=depth + 1)
        return lambda item, data: not inner(item, data)
    if name not in FIELDS:
        raise _refusal(f"{name!r} is no field to filter by")
    if not isinstance(rule, dict) or not rule:
        raise _refusal(f"{name} takes an object of operator and value")
    tests = [_compile_test(name, operator, want) for operator, want in rule.items()]
    return lambda item, data: all(test(item, data) for test in tests)


def _compile_test(name: str, operator: str, want: Value) -> Predicate:
    if operator not in OPERATORS:
        raise _refusal(f"{operator!r} is no operator; known are {', '.join(OPERATORS)}")
    if operator in LIST_OPERATORS:
        if not isinstance(want, list):
            raise _refusal(f"{operator} takes a list")
        want = {str(value) for value in want}
    act = OPERATORS[operator]
    negates = operator in NEGATIONS

    def test(item: ProductItem, data: Mapping[str, Any]) -> bool:
        have = _value(name, item, data)
        if have is None:
            return negates
        if isinstance(have, list):
            return (all if negates else any)(act(one, want) for one in have)
        return act(have, want)

    return test


def _value(name: str, item: ProductItem, data: Mapping[str, Any]) -> Value:
    if name == "retailer_id":
        return item.retailer_id
    if name == "product_item_id":
        return item.id
    value = data.get(FIELDS[name] or name)
    if name in PRICES and isinstance(value, str):
        price = minor_units(value)
        return price[0] if price else None
    if name == "visibility":
        return value or "published"
    return value


def named_items(document: Value, *, depth: int = 0) -> tuple[str, list[str]] | None:
    """Return ids outside of which nothing passes the filter, so that finding a few items need not walk a million."""
    if not isinstance(document, dict) or depth > MAX_DEPTH:
        return None
    for name, rule in document.items():
        if name == "and" and isinstance(rule, list):
            parts = (named_items(part, depth=depth + 1) for part in rule)
            if found := next(filter(None, parts), None):
                return found
        elif name in {"retailer_id", "product_item_id"} and isinstance(rule, dict):
            if "eq" in rule:
                return name, [str(rule["eq"])]
            if isinstance(rule.get("is_any"), list):
                return name, [str(one) for one in rule["is_any"]]
    return None


def matching(items: list[ProductItem], document: Value) -> list[ProductItem]:
    """Return the items that pass a filter, order kept; raise if it is none."""
    predicate = compile_filter(document)
    if document == {}:
        return items
    if (label := _only_label(document)) is not None:
        items = [
            item for item in items if label in item.data
        ]  # reading the few that hold it takes a hundredth of the time
    return [item for item in items if predicate(item, orjson.loads(item.data))]


def _only_label(document: Value) -> bytes | None:
    """Return the label that every item passing the filter holds, as it stands in the item's data."""
    rule = document.get("tags")
    return orjson.dumps(rule["eq"]) if isinstance(rule, dict) and isinstance(rule.get("eq"), str) else None


def _refusal(reason: str) -> GraphError:
    return invalid_parameter(f"Param filter: {reason}")
