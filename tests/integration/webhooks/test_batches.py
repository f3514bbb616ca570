"""The largest batch that Meta sends."""

import json
from typing import Any

from sqlalchemy import text

from connector.connections.db import connections
from connector.runtime import Runtime
from tests.integration.webhook_ingress.conftest import Post
from tests.integration.webhook_ingress.conftest import ingress as ingress
from tests.integration.webhook_ingress.conftest import post as post
from tests.integration.webhooks.bodies import PAGE, envelope, wrote


async def test_a_thousand_updates_over_fifty_pages_are_acted_on(
    runtime: Runtime, connected: str, post: Post, turn: Any
) -> None:
    """One POST with 1,000 updates of 50 Pages becomes 1,000 messages of 50 stores; none waits for another's."""
    own = {"id", "store_id", "page_id", "instagram_id"}
    copied = ", ".join(column.name for column in connections.columns if column.name not in own)
    more = f"""INSERT INTO connections (id, store_id, page_id, {copied})
        SELECT gen_random_uuid(), 'store_' || n, '4' || lpad(n::text, 16, '0'), {copied} FROM connections, generate_series(2, 50) AS n"""  # noqa: S608 – words of ours
    async with runtime.db.begin() as tx:
        await tx.execute(text(more))
    pages = [PAGE, *(f"4{n:016}" for n in range(2, 51))]
    entries = [
        json.loads(envelope(*(wrote(n, f"m_{n}", str(n), page=page) for n in range(20)), page=page)) for page in pages
    ]
    body = json.dumps({"object": "page", "entry": [one for told in entries for one in told["entry"]]}).encode()
    assert 200 == await post(body)
    await turn()
    async with runtime.db.begin() as tx:
        counted = await tx.execute(text("SELECT count(*), count(DISTINCT store_id) FROM messages"))
        assert (1000, 50) == tuple(counted.one())
