"""The verification handshake: Meta GETs a callback and wants its challenge back, verbatim.

It refuses whatever is not a 200 with exactly the challenge, saying what came instead.
"""

import aiohttp

from simulator.errors import GraphError
from simulator.world import World


async def verify_callback(world: World, url: str, verify_token: str) -> None:
    """Return if the callback proves that it expects us, else raise code 2200."""
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21)
    challenge = str(world.random.randrange(10**9, 10**10))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    timeout = aiohttp.ClientTimeout(total=world.switches.webhook_timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, params=query, allow_redirects=False) as answer,
        ):
            status, body = answer.status, await answer.content.read(1_000)
    except (TimeoutError, aiohttp.ClientError) as problem:
        raise _refusal(f"the URL could not be reached ({type(problem).__name__})") from problem
    if status != 200 or body.decode(errors="replace").strip() != challenge:
        raise _refusal(f"HTTP status {status}; expected 200 with the challenge as body")


def _refusal(reason: str) -> GraphError:
    # Unverified: code 2200 is recalled.
    return GraphError(f"(#2200) Callback verification failed: {reason}", code=2200)
