"""Brings orders that are placed at Meta into StormCom, each once, and tells Meta that they are there.

Its files: `managing` (whose orders), `polling` (looks for them), `looking` (at Meta's lists), `importing` (new ones, many at once),
`reading` (each by itself), `reserving` (its pieces), `telling` (events, quarantine), `answering` (StormCom's answer), `acknowledging`
(at Meta), `following` (what is done to it later), `retrying` (what stands still), `watching` (alerts), `listing` (what callers see),
`planning` (asks for our tasks), `asking` (asks Meta).
"""

from connector.orders.actions.acknowledging import acknowledge_orders
from connector.orders.actions.answering import Answer, Outcome, answer
from connector.orders.actions.asking import Road, open_road
from connector.orders.actions.importing import import_orders
from connector.orders.actions.listing import find_order, list_orders
from connector.orders.actions.managing import Management, associate, note_hint, poll, read_management, release
from connector.orders.actions.planning import plan_acknowledging, plan_poll, plan_reading
from connector.orders.actions.polling import poll_orders
from connector.orders.actions.reading import read_order
from connector.orders.actions.retrying import retry
from connector.orders.actions.telling import tell
from connector.orders.actions.watching import watch_orders

__all__ = [
    "Answer",
    "Management",
    "Outcome",
    "Road",
    "acknowledge_orders",
    "answer",
    "associate",
    "find_order",
    "import_orders",
    "list_orders",
    "note_hint",
    "open_road",
    "plan_acknowledging",
    "plan_poll",
    "plan_reading",
    "poll",
    "poll_orders",
    "read_management",
    "read_order",
    "release",
    "retry",
    "tell",
    "watch_orders",
]
