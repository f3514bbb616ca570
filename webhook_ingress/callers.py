"""Who calls: the address and scheme of the caller, also behind reverse proxies; and how often one may ask.

`X-Forwarded-For` and `X-Forwarded-Proto` count only when a trusted proxy says them. The chain is read from its end, where our own
proxies wrote: the first address that is none of theirs is the caller. Whatever is no address ends the reading there.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from connector.settings.forms import Network

_MOST_REMEMBERED = 10_000


class Callers:
    """Tells callers apart."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        self._proxies = tuple(proxies)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is a proxy of ours."""
        if not self._proxies:
            return False
        try:
            known = ip_address(address)
        except ValueError:
            return False
        plain = (known.ipv4_mapped or known) if isinstance(known, IPv6Address) else known
        return any(plain in network for network in self._proxies)

    def address(self, request: web.Request) -> str:
        """Tell a caller's address."""
        known = request.remote or ""
        chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for said in reversed([part.strip() for part in chain]):
            if not self.trusts(known) or not _is_address(said):
                break
            known = said
        return known

    def secure(self, request: web.Request) -> bool:
        """Tell whether a caller came by https."""
        told = request.headers.get("X-Forwarded-Proto", "") if self.trusts(request.remote or "") else ""
        return (told.rpartition(",")[2].strip().lower() or request.scheme) == "https"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class Rate:
    """So many per minute from one address, spread evenly, the first ones at once. Remembers a bounded number of addresses."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = float(per_minute), now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Tell whether this address may ask once more, and count it."""
        now = self._now()
        left, since = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / 60)
        allowed = left >= 1
        self._left[address] = (left - allowed, now)
        if len(self._left) > _MOST_REMEMBERED:
            self._left.popitem(last=False)
        return allowed
