"""What Meta still has to tell the apps: webhook updates, packed into signed deliveries that are retried on our clock.

This half decides and remembers; `webhooks.py` moves the bytes. Nothing is promised about order, as Meta promises none.
"""

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any
from urllib.parse import urlencode

from simulator.clock import Clock
from simulator.signatures import escape, sign_body, signed_request
from simulator.state import Application
from simulator.switches import Switches

# https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21): at once, then less and
# less often over 36 hours. Unverified: the steps between, in seconds.
RETRY_SECONDS = (0.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0)
GIVE_UP_SECONDS = 36 * 3_600.0
# How many deliveries the control API can still show.
KEPT_DELIVERIES = 50_000


@dataclass(slots=True)
class Update:
    """One thing that happened, for one app. `key` is the entry's member: messaging, standby or changes."""

    app: Application
    object: str
    entry_id: str
    key: str
    payload: dict[str, Any]


@dataclass(slots=True)
class Attempt:
    """One try: when, and the HTTP status or the name of the network problem."""

    time: float
    outcome: str


@dataclass(slots=True)
class Delivery:
    """One POST to one callback, until it is answered with 200 or given up."""

    id: int
    app_id: str
    url: str
    body: bytes
    headers: dict[str, str]
    create_time: float
    due: float
    page_ids: tuple[str, ...] = ()
    updates: int = 1
    state: str = "waiting"  # waiting | sending | delivered | dropped
    attempts: list[Attempt] = field(default_factory=list)
    answer: str = ""  # what the callback said last, cut


class Outbox:
    """Updates that wait to be packed, and every delivery ever made."""

    def __init__(self, clock: Clock, switches: Switches, chance: random.Random) -> None:
        self._clock = clock
        self._switches = switches
        self._random = chance
        self._ids = itertools.count(1)
        self._arrivals = itertools.count()  # keeps the order of updates that are due at once
        # Heaps by due time, so that a slow callback with ten thousand deliveries in its queue costs no walk over them.
        self.updates: list[tuple[float, int, Update]] = []
        self._due: list[tuple[float, int, Delivery]] = []
        self.waiting: dict[int, Delivery] = {}
        self.deliveries: dict[int, Delivery] = {}

    def tell(self, app: Application, object_: str, entry_id: str, key: str, payload: dict[str, Any]) -> None:
        """Queue an update, perhaps held back and perhaps twice, as the switches say."""
        now = self._clock.now()
        delay = self._switches.webhook_gather_seconds
        if self._random.random() < self._switches.reorder_share:
            delay += self._random.uniform(0.1, 1.0) * self._switches.reorder_seconds
        update = Update(app, object_, entry_id, key, payload)
        heappush(self.updates, (now + delay, next(self._arrivals), update))
        if self._random.random() < self._switches.duplicate_share:
            again = delay + self._random.random() * self._switches.reorder_seconds
            heappush(self.updates, (now + again, next(self._arrivals), update))
        self._clock.wake()

    def pack(self) -> None:
        """Turn the due updates into deliveries, up to so many updates each."""
        now = self._clock.now()
        by_target: dict[tuple[str, str], list[Update]] = {}
        while self.updates and self.updates[0][0] <= now:
            update = heappop(self.updates)[2]
            by_target.setdefault((update.app.id, update.object), []).append(update)
        for (_, object_), updates in by_target.items():
            size = self._switches.updates_per_post
            for start in range(0, len(updates), size):
                self._deliver(object_, updates[start : start + size])

    def _deliver(self, object_: str, updates: list[Update]) -> None:
        app = updates[0].app
        subscription = app.subscriptions.get(object_)
        if subscription is None:
            return
        entries: dict[tuple[str, str], dict[str, Any]] = {}
        for update in updates:
            # facebook-for-woocommerce, Connection.php (read 2026-11-21): an entry of object `user` tells the id twice.
            twice = {"uid": update.entry_id} if object_ == "user" else {}
            head = {"id": update.entry_id, **twice, "time": self._entry_time(update.key)}
            entry = entries.setdefault((update.entry_id, update.key), head)
            if update.key == "changes" and not subscription.include_values:
                entry.setdefault("changed_fields", []).append(update.payload["field"])
            else:
                entry.setdefault(update.key, []).append(update.payload)
        document = {"object": object_, "entry": list(entries.values())}
        pages = tuple({update.entry_id for update in updates if object_ == "page"})
        body = escape(document, legacy=self._switches.legacy_escapes)
        self.post(app, subscription.callback_url, body, page_ids=pages, updates=len(updates))

    def _entry_time(self, key: str) -> int:
        # Messenger's entries tell milliseconds, generic changes seconds.
        return int(self._clock.now() * (1 if key == "changes" else 1_000))

    def post(
        self,
        app: Application,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        page_ids: tuple[str, ...] = (),
        updates: int = 1,
        signature: str | None = None,
    ) -> Delivery:
        """Queue one POST. `signature` replaces the true one, for tests of the receiver."""
        headers = {"Content-Type": content_type, "User-Agent": "facebookexternalua"}
        if content_type == "application/json":
            headers["X-Hub-Signature-256"] = signature or sign_body(app.secrets[0], body)
            if self._switches.legacy_signature and signature is None:
                headers["X-Hub-Signature"] = sign_body(app.secrets[0], body, algorithm="sha1")
        now = self._clock.now()
        delivery = Delivery(next(self._ids), app.id, url, body, headers, now, now, page_ids, updates)
        self.deliveries[delivery.id] = self.waiting[delivery.id] = delivery
        heappush(self._due, (delivery.due, delivery.id, delivery))
        if len(self.deliveries) > KEPT_DELIVERIES:
            self.deliveries.pop(next(iter(self.deliveries)))
        self._clock.wake()
        return delivery

    def post_callback(self, app: Application, url: str, *, user_id: str) -> Delivery:
        """Queue a deauthorize or data-deletion callback: a form with a signed request."""
        # https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback
        # (read 2026-11-21)
        payload = {"issued_at": int(self._clock.now()), "user_id": user_id}
        form = urlencode({"signed_request": signed_request(app.secrets[0], payload)}).encode()
        return self.post(app, url, form, content_type="application/x-www-form-urlencoded")

    def next_due(self) -> float | None:
        """Return when there is something to do next."""
        return min((heap[0][0] for heap in (self.updates, self._due) if heap), default=None)

    def take_due(self) -> Iterable[Delivery]:
        """Return the deliveries to send now, oldest first, and mark them."""
        now, due = self._clock.now(), []
        while self._due and self._due[0][0] <= now:
            delivery = heappop(self._due)[2]
            if delivery.state == "waiting":
                delivery.state = "sending"
                due.append(delivery)
        return due

    def settle(self, delivery: Delivery, outcome: str) -> bool:
        """Note the outcome of a try; return whether it was delivered."""
        now = self._clock.now()
        delivery.attempts.append(Attempt(now, outcome))
        if outcome == "200":
            delivery.state = "delivered"
        elif self.waiting.get(delivery.id) is not delivery or now - delivery.create_time >= GIVE_UP_SECONDS:
            # What is no longer waiting was dropped meanwhile, or belongs to the world before a reset.
            delivery.state = "dropped"
        else:
            delivery.state = "waiting"
            delivery.due = now + RETRY_SECONDS[min(len(delivery.attempts), len(RETRY_SECONDS)) - 1]
            heappush(self._due, (delivery.due, delivery.id, delivery))
        if delivery.state != "waiting" and self.waiting.get(delivery.id) is delivery:
            del self.waiting[delivery.id]
        return delivery.state == "delivered"

    def drop(self, app_id: str, page_id: str) -> None:
        """Forget what waits for a Page that lost its subscription."""
        self.updates = [row for row in self.updates if (row[2].app.id, row[2].entry_id) != (app_id, page_id)]
        heapify(self.updates)
        for delivery in [*self.waiting.values()]:
            if delivery.app_id == app_id and delivery.page_ids == (page_id,):
                delivery.state = "dropped"
                del self.waiting[delivery.id]
