"""Plays Meta's sender: posts signed webhooks to all ingresses until each is answered with 200, and keeps the books of it."""

import asyncio
import hashlib
import hmac
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

PATH = "/webhooks/facebook"
CONNECTIONS = 16
PATIENCE_SECONDS = 10.0
"""How long Meta waits for an answer."""


@dataclass(slots=True)
class Sender:
    """Posts to any of `addresses`, as a balancer would choose. `answers` counts what came back, `attempts` what was tried."""

    addresses: Sequence[str]
    secret: bytes
    noise: random.Random
    answers: Counter[str] = field(default_factory=Counter)

    async def send(self, bodies: Sequence[bytes], order: Sequence[int], *, per_second: float) -> None:
        """Post the bodies in this order at this pace, each again until it is taken."""
        travelling = iter(order)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS)) as http:

            async def carry() -> None:
                for place in travelling:
                    await self._insist(http, bodies[place])
                    await asyncio.sleep(CONNECTIONS / per_second * self.noise.uniform(0, 2))

            await asyncio.gather(*(carry() for _ in range(CONNECTIONS)))

    async def _insist(self, http: aiohttp.ClientSession, body: bytes) -> None:
        signature = hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        while True:
            try:
                address = self.noise.choice(self.addresses)
                async with http.post(f"http://{address}{PATH}", data=body, headers=headers) as answer:
                    self.answers[str(answer.status)] += 1
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.answers[type(error).__name__] += 1
            await asyncio.sleep(self.noise.uniform(0.05, 0.3))
