"""Idempotency: a write with a key is done once, and whoever repeats it gets the stored answer, be it a refusal.

The same key with another request is refused, and so is a key that Meta would not take.
"""

import re
from collections.abc import Callable

import orjson

from simulator.call import Call, Json
from simulator.errors import GraphError, invalid_parameter
from simulator.orders.access import account
from simulator.orders.state import Answered

# graph-api.md 6.2 (documentation, Feb 2026): at most 100 letters and digits, a UUID for example, which has hyphens.
KEY, STRICT_KEY = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII), re.compile(r"[A-Za-z0-9]{1,100}", re.ASCII)
# What does not belong to the request itself.
CREDENTIALS = {"access_token", "appsecret_proof", "appsecret_time"}


def once(act: Callable[[Call, str], Json]) -> Callable[[Call], Json]:
    """Return the write that answers a repetition from memory."""

    def act_once(call: Call) -> Json:
        key, shop = read_key(call), account(call)
        request = _request(call)
        if (known := shop.orders.answers.get(key)) is not None:
            return _repeat(known, request)
        try:
            answer = act(call, key)
        except GraphError as refusal:
            # Meta's order guide (graph-api.md 6.2): a failure is stored as well, and wants a new key.
            shop.orders.answers[key] = Answered(request, refusal=refusal)
            raise
        shop.orders.answers[key] = Answered(request, answer)
        return answer

    return act_once


def read_key(call: Call) -> str:
    """Return the key, or refuse what is none."""
    key = call.text("idempotency_key")
    if not (STRICT_KEY if call.world.switches.strict_order_keys else KEY).fullmatch(key):
        raise invalid_parameter("Param idempotency_key must be at most 100 alphanumeric characters")
    return key


def _repeat(known: Answered, request: str) -> Json:
    if known.request != request:
        # Unverified: the code.
        raise invalid_parameter("Param idempotency_key was used before, for another request")
    if known.refusal is not None:
        raise known.refusal.with_traceback(None)
    return known.answer


def _request(call: Call) -> str:
    """Return what makes a request the same one: where it goes and what it says, in whatever encoding it came."""
    said = {name: _value(value) for name, value in call.params.items() if name not in CREDENTIALS}
    return orjson.dumps([call.node.id, call.edge, said], option=orjson.OPT_SORT_KEYS).decode()


def _value(value: Json) -> Json:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value
