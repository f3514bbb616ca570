"""A merchant whose Page keeps its orders, for tests that buy, ship, cancel and refund through Graph."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from simulator import seeds
from simulator.orders.access import MANAGE_ORDERS, READ_REPORTS
from simulator.standing import SHOP_SCOPES
from tests.contract.simulator_client import Client, plain_client
from tests.contract.simulator_server import APP_ID

SCOPES = [*seeds.SCOPES, *MANAGE_ORDERS, *READ_REPORTS, *SHOP_SCOPES]


@dataclass(frozen=True, slots=True)
class Shop:
    """A Page with an account whose orders this app manages."""

    client: Client
    page_id: str
    token: str
    account_id: str
    _keys: "count[int]" = field(default_factory=count)

    async def place(self, **document: Any) -> str:
        """Let a buyer order; return the order's id."""
        return (await self.place_many(**document))[0]

    async def place_many(self, **document: Any) -> list[str]:
        """Let buyers order; return the orders' ids."""
        placed = await self.client.control("POST", f"/pages/{self.page_id}/orders", document)
        return list(placed["order_ids"])

    async def read(self, path: str, **params: Any) -> Any:
        """Read through Graph; a refusal fails the test."""
        status, document, _ = await self.client.graph("GET", path, self.token, **params)
        assert 200 == status, document
        return document

    async def write(self, path: str, **body: Any) -> tuple[int, Any]:
        """Write through Graph as JSON, with a new key unless one is given; return status and answer."""
        body = {"idempotency_key": f"key{next(self._keys)}", **body}
        query = {"access_token": self.token, "appsecret_proof": self.client.proof(self.token)}
        status, document, _ = await self.client.ask("POST", f"/v26.0/{path}", params=query, json=body)
        return status, document

    async def done(self, path: str, **body: Any) -> Any:
        """Write, and expect it to be done."""
        status, document = await self.write(path, **body)
        assert 200 == status, document
        return document

    async def refused(self, path: str, **body: Any) -> int:
        """Write, and expect a refusal; return its order code, or Graph's own where it has none."""
        status, document = await self.write(path, **body)
        assert 200 != status, document
        error = document["error"]
        return int(error["error_subcode"] if error["code"] == -1 else error["code"])

    async def effects(self, **query: str) -> list[dict[str, Any]]:
        """Return the ledger."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        found = await self.client.control("GET", f"/pages/{self.page_id}/effects?{asked}")
        return list(found["effects"])

    async def truth(self, order_id: str) -> dict[str, Any]:
        """Return an order as it truly is."""
        return dict(await self.client.control("GET", f"/orders/{order_id}"))

    async def advance(self, seconds: float) -> None:
        """Move the simulator's clock."""
        await self.client.control("POST", "/clock/advance", {"seconds": seconds})

    async def change(self, **facts: Any) -> None:
        """Change the account."""
        await self.client.control("PATCH", f"/pages/{self.page_id}/shop", facts)

    async def switch(self, **switches: Any) -> None:
        """Turn switches."""
        await self.client.control("PATCH", "/switches", switches)


@asynccontextmanager
async def open_shop(**facts: Any) -> AsyncIterator[Shop]:
    """Serve a world with such a shop."""
    async with plain_client() as client:
        pages = [{**seeds.DEFAULT["pages"][0], "orders": "kept"}]
        seeded = await client.control("POST", "/seed", {**seeds.DEFAULT, "pages": pages, "scopes": SCOPES})
        page = seeded["pages"][0]
        opened = await client.control("PATCH", f"/pages/{page['id']}/shop", {"order_app_ids": [APP_ID], **facts})
        yield Shop(client, page["id"], page["token"], opened["id"])
