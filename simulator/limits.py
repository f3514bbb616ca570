"""Rate limits as real sliding windows, and the headers that tell how full they are.

A bucket remembers the times of its calls; over the allowance the documented code comes with the minutes to wait, and whoever
calls before these are over is counted as calling inside the block.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, log2

import orjson

from simulator.clock import Clock
from simulator.errors import GraphError
from simulator.switches import Switches

# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21)
# 32: page-level with a user token; 80001: pages with a page or system-user token. 613: custom-level.
THROTTLE_CODES = {
    "app": 4,
    "pages": 80001,
    "pages_user": 32,
    "messenger": 80006,
    "catalog_management": 80009,
    "catalog_batch": 80014,
    "send_rate": 613,
    "conversations": 613,
}
BUSINESS_USE_CASES = {"pages", "messenger", "catalog_management", "catalog_batch"}
ENGAGED_BUCKETS = {"pages", "messenger"}
# Secondary: a catalog's allowance grows with the logarithm of the people who showed intent to buy from it.
SHOPPER_BUCKETS = {"catalog_management", "catalog_batch"}


@dataclass(slots=True)
class Window:
    """The times of the calls of one bucket, oldest first, and what was counted since the beginning."""

    times: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0
    calls: int = 0
    refused: int = 0
    inside_block: int = 0

    def drop_before(self, time: float) -> None:
        """Forget the calls that have left the window."""
        while self.times and self.times[0] <= time:
            self.times.popleft()


class Limits:
    """Counts calls per bucket and owner, and refuses those above the allowance."""

    def __init__(self, switches: Switches, clock: Clock) -> None:
        self._switches = switches
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}
        self.refused: dict[str, int] = {}

    def allowance(self, bucket: str) -> int:
        """Return how many calls fit into the bucket's window; 0 means unlimited."""
        allowance, people = self._switches.allowances[bucket], self._switches
        if bucket in SHOPPER_BUCKETS:
            return int(allowance * (1 + log2(max(1, people.shoppers))))
        return allowance * (people.engaged_users if bucket in ENGAGED_BUCKETS else 1)

    def spend(self, bucket: str, owner: str, *, cost: int = 1, user_token: bool = False) -> None:
        """Count a call, or raise the throttle of that bucket."""
        allowance = self.allowance(bucket)
        if not allowance:
            return
        window = self._window(bucket, owner)
        window.calls += 1
        window.inside_block += self._clock.now() < window.blocked_until
        throttled = len(window.times) + cost > allowance
        if not throttled or self._switches.throttled_calls_count:
            window.times.extend([self._clock.now()] * cost)
        if throttled:
            self.refused[bucket] = self.refused.get(bucket, 0) + 1
            window.refused += 1
            window.blocked_until = self._clock.now() + 60 * self.minutes_to_regain(bucket, owner)
            raise self._throttle(bucket, owner, user_token=user_token)

    def headers(self, bucket: str, owner: str, app_id: str, *, throttled: bool = False) -> Mapping[str, str]:
        """Return the usage headers of an answer; a throttled one tells how long to wait."""
        headers = {}
        if app_id:
            percent = self.percent("app", app_id)
            usage = {"call_count": percent, "total_time": percent // 2, "total_cputime": percent // 2}
            headers["X-App-Usage"] = orjson.dumps(usage).decode()
        if bucket in BUSINESS_USE_CASES and self.allowance(bucket):
            percent = max(self.percent(bucket, owner), 101 if throttled else 0)
            use_case = {
                "type": bucket,
                "call_count": percent,
                "total_cputime": percent // 2,
                "total_time": percent // 2,
                "estimated_time_to_regain_access": self.minutes_to_regain(bucket, owner) if throttled else 0,
            }
            shape = use_case if self._switches.flat_usage_header else {owner: [use_case]}
            headers["X-Business-Use-Case-Usage"] = orjson.dumps(shape).decode()
        return headers

    def percent(self, bucket: str, owner: str) -> int:
        """Return how full a bucket is; above 100 it refuses."""
        allowance = self.allowance(bucket)
        return len(self._window(bucket, owner).times) * 100 // allowance if allowance else 0

    def minutes_to_regain(self, bucket: str, owner: str) -> int:
        """Return after how many minutes without calls one more fits."""
        times, allowance = self._window(bucket, owner).times, self.allowance(bucket)
        if len(times) < allowance:
            return 0
        leaves = times[len(times) - allowance] + self._switches.window_seconds[bucket]
        return max(1, ceil((leaves - self._clock.now()) / 60))

    def usage(self) -> dict[str, dict[str, int]]:
        """Return the calls now in each window, for the control API."""
        report: dict[str, dict[str, int]] = {}
        for bucket, owner in list(self._windows):
            report.setdefault(bucket, {})[owner] = len(self._window(bucket, owner).times)
        return report

    def accounts(self) -> list[dict[str, str | int]]:
        """Return what was counted of each bucket and owner since the beginning, for the control API."""
        return [
            {
                "bucket": bucket,
                "owner": owner,
                "allowance": self.allowance(bucket),
                "used": len(self._window(bucket, owner).times),
                "calls": window.calls,
                "refused": window.refused,
                "inside_block": window.inside_block,
            }
            for (bucket, owner), window in list(self._windows.items())
        ]

    def _window(self, bucket: str, owner: str) -> Window:
        window = self._windows.setdefault((bucket, owner), Window())
        window.drop_before(self._clock.now() - self._switches.window_seconds[bucket])
        return window

    def _throttle(self, bucket: str, owner: str, *, user_token: bool) -> GraphError:
        code = THROTTLE_CODES["pages_user" if bucket == "pages" and user_token else bucket]
        scope = "(#4) Application" if code == 4 else f"(#{code}) {bucket}"
        return GraphError(
            f"{scope} request limit reached for {owner}",
            code=code,
            status=self._switches.throttle_status,
            title="Too many calls",
            user_message="There have been too many calls. Wait a bit and try again.",
        )
