"""Every task: which action does it, in which lane, how long one turn may take, and how long failures are repeated.

Actions are named, not imported, so that the relay, which needs the lanes only, loads no feature. `load` imports them all:
a worker does it once, before it forks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pkgutil import resolve_name

from connector.db.outbox import Taken, Task
from connector.runtime import Runtime

Action = Callable[[Runtime, Taken], Awaitable[None]]


class Lane(StrEnum):
    """A queue with workers of its own, so that slow work never stands in the way of quick work."""

    FAST = "fast"  # stock, prices, messages, orders: in one process, side by side
    DEFAULT = "default"  # the rest, and whatever its last worker did not survive: a process each
    BULK = "bulk"  # catalogs: a process each


@dataclass(frozen=True, slots=True)
class Plan:
    """How a task is done. `limit` ends a turn that hangs; after `patience` of failing turns the task is given up."""

    action: str
    lane: Lane
    limit: timedelta
    patience: timedelta

    def resolve(self) -> Action:
        """Find the action."""
        action: Action = resolve_name(self.action)
        return action


def _plan(action: str, lane: Lane, *, limit_seconds: int = 60, patience_hours: int = 168) -> Plan:
    return Plan(f"connector.{action}", lane, timedelta(seconds=limit_seconds), timedelta(hours=patience_hours))


PLANS: Mapping[Task, Plan] = {
    Task.REWRAP_TOKENS: _plan("keyring.actions:rewrap_tokens", Lane.DEFAULT),
    Task.SUBSCRIBE_PAGE: _plan("connections.actions:subscribe_page", Lane.DEFAULT),
    Task.UNSUBSCRIBE_PAGE: _plan("connections.actions:unsubscribe_page", Lane.DEFAULT, patience_hours=24),
    Task.CHECK_CAPABILITIES: _plan("connections.actions:check_capabilities", Lane.DEFAULT, patience_hours=24),
    Task.WATCH_META: _plan("connections.actions:watch_meta", Lane.DEFAULT, limit_seconds=300),
    Task.WATCH_APP_WEBHOOKS: _plan("connections.actions:watch_app_webhooks", Lane.DEFAULT, limit_seconds=120),
    Task.INSPECT_TOKENS: _plan("tokens.actions:inspect_tokens", Lane.DEFAULT),
    Task.KILL_TOKENS: _plan("tokens.actions:kill_tokens", Lane.DEFAULT),
    Task.SEND_ITEMS: _plan("catalog.actions:send_items", Lane.BULK, limit_seconds=180),
    Task.CHECK_BATCH: _plan("catalog.actions:check_batch", Lane.BULK, limit_seconds=180),
    Task.CARRY_ITEMS: _plan("catalog.actions:carry_items", Lane.BULK, limit_seconds=300),
    Task.APPLY_SNAPSHOT: _plan("catalog.actions:apply_snapshot", Lane.BULK, limit_seconds=300),
    Task.REPLACE_CATEGORIES: _plan("catalog.actions:replace_categories", Lane.BULK, limit_seconds=180),
    Task.SYNC_SETS: _plan("categories.actions:sync_sets", Lane.DEFAULT, limit_seconds=300),
    Task.CHECK_SETS: _plan("categories.actions:check_sets", Lane.DEFAULT),
    Task.FULL_SYNC: _plan("catalog.actions:sync_on_schedule", Lane.BULK, limit_seconds=180),
    Task.DELTA_SYNC: _plan("catalog.actions:sync_on_schedule", Lane.BULK, limit_seconds=180),
    Task.SCAN_CATALOG: _plan("adoption.actions:scan_catalog", Lane.BULK, limit_seconds=180),
    Task.CARRY_ADOPTION: _plan("adoption.actions:carry_adoption", Lane.BULK, limit_seconds=180),
    Task.BEGIN_FEED: _plan("feeds.actions:begin_by_snapshot", Lane.BULK),
    Task.WRITE_FEED: _plan("feeds.actions:write", Lane.BULK, limit_seconds=180),
    Task.UPLOAD_FEED: _plan("feeds.actions:upload", Lane.BULK, limit_seconds=180),
    Task.SETTLE_FEED: _plan("feeds.actions:settle", Lane.BULK, limit_seconds=180),
    Task.LEAVE_CATALOG: _plan("catalog.actions:leave_catalog", Lane.BULK, limit_seconds=300),
    Task.CHECK_LEAVING: _plan("catalog.actions:check_leaving", Lane.BULK, limit_seconds=180),
    Task.END_LEAVING: _plan("catalog.actions:end_leaving", Lane.DEFAULT),
    Task.SEND_STOCK: _plan("inventory.actions:send_stock", Lane.FAST, limit_seconds=120),
    Task.CHECK_STOCK: _plan("inventory.actions:check_stock", Lane.FAST),
    Task.OFFER_AGAIN: _plan("inventory.actions:offer_again", Lane.DEFAULT, limit_seconds=300),
    Task.EXPIRE_HOLDS: _plan("inventory.actions:expire_holds", Lane.FAST),
    Task.WATCH_STOCK: _plan("inventory.actions:watch_stock", Lane.DEFAULT),
    Task.PASS_EDGES: _plan("inventory.actions:pass_edges", Lane.DEFAULT),
    # The messaging window closes after a day: a reply that comes later is of no use.
    Task.SEND_MESSAGE: _plan("messaging.actions:send_pending", Lane.FAST, patience_hours=24),
    Task.SETTLE_MESSAGE: _plan("messaging.actions:settle", Lane.FAST, patience_hours=24),
    # The mail server may be silent for its timeout, once for each of ten addresses; a mail is given up by its own clock.
    Task.MAIL_MESSAGES: _plan("forwarding.actions:mail_messages", Lane.DEFAULT, limit_seconds=300),
    Task.BACKFILL: _plan("messaging.actions:backfill", Lane.DEFAULT),
    Task.CHECK_SILENCE: _plan("messaging.actions:check_silence", Lane.DEFAULT),
    Task.LOOK_UP_PEOPLE: _plan("messaging.actions:look_up_people", Lane.DEFAULT),
    Task.SHOW_ACTION: _plan("messaging.actions:show_action", Lane.FAST, patience_hours=1),
    Task.SYNC_TEMPLATES: _plan("messaging.actions:sync_templates", Lane.DEFAULT),
    Task.PROCESS_DELIVERY: _plan("webhooks.actions:process", Lane.FAST),
    Task.PULL_DIAGNOSTICS: _plan("diagnostics.actions:pull", Lane.BULK, limit_seconds=180),
    Task.READ_BACK: _plan("readback.actions:read_back", Lane.BULK, limit_seconds=180),
    Task.ERASE_PERSON: _plan("privacy.actions:erase", Lane.DEFAULT, patience_hours=720),
    Task.EXAMINE_CONNECTION: _plan("doctor.actions:examine", Lane.DEFAULT, limit_seconds=180),
    Task.POLL_ORDERS: _plan("orders.actions:poll_orders", Lane.FAST, limit_seconds=300),
    Task.READ_ORDER: _plan("orders.actions:read_order", Lane.FAST),
    Task.IMPORT_ORDERS: _plan("orders.actions:import_orders", Lane.FAST),
    Task.ACKNOWLEDGE_ORDERS: _plan("orders.actions:acknowledge_orders", Lane.FAST, limit_seconds=120),
    Task.SEND_ORDER_COMMANDS: _plan("order_commands.actions:send_commands", Lane.FAST, limit_seconds=300),
    Task.WATCH_ORDERS: _plan("orders.actions:watch_orders", Lane.DEFAULT),
    Task.EXPIRE_DRAFTS: _plan("attribution.actions:expire_drafts", Lane.DEFAULT),
    Task.SEND_CONVERSIONS: _plan("conversions.actions:send_conversions", Lane.DEFAULT, limit_seconds=300),
    Task.READ_INSTALLATION: _plan("business_extension.actions:read_installation", Lane.DEFAULT),
    Task.WATCH_INSTALLATIONS: _plan("business_extension.actions:watch", Lane.DEFAULT),
    Task.PUSH_EVENTS: _plan("pushes.actions:push_events", Lane.DEFAULT),
    Task.WATCH_CONSUMERS: _plan("pushes.actions:watch_consumers", Lane.DEFAULT),
    Task.READ_CHANGES: _plan("order_changes.actions:read_changes", Lane.FAST, limit_seconds=300),
    Task.PULL_PAYOUTS: _plan("payouts.actions:pull_payouts", Lane.BULK, limit_seconds=180),
    Task.SWEEP: _plan("privacy.actions:sweep", Lane.DEFAULT, limit_seconds=300),
}


def load(plans: Mapping[Task, Plan] = PLANS) -> None:
    """Import every action."""
    for plan in plans.values():
        plan.resolve()
