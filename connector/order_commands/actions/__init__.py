"""Takes StormCom's wishes for orders, tells Meta once, and says what came of it.

Its files: `wishing` (asked for, waited for, tried again, taken back), `sending` (the task of an order), `looking` (what Meta shows
afterwards), `telling` (how a command moves, and the event).
"""

from connector.order_commands.actions.sending import end_hopeless, send_commands
from connector.order_commands.actions.wishing import ask, cancel, get, list_commands, retry, wait_for

__all__ = ["ask", "cancel", "end_hopeless", "get", "list_commands", "retry", "send_commands", "wait_for"]
