"""How callers say what is done with orders, and read what became of it.

Its files: `asking` (what may be asked for), `refunds` (money), `totals` (how far lines are), `following` (commands, read and moved).
"""

from connector.order_commands.rpc.asking import acknowledge_orders, cancel_order, fulfill_order, update_shipment
from connector.order_commands.rpc.following import cancel_command, get_command, list_commands, retry_command
from connector.order_commands.rpc.refunds import refund_order
from connector.order_commands.rpc.totals import restate_order

__all__ = [
    "acknowledge_orders",
    "cancel_command",
    "cancel_order",
    "fulfill_order",
    "get_command",
    "list_commands",
    "refund_order",
    "restate_order",
    "retry_command",
    "update_shipment",
]
