"""Every way a login can end that is not a connection, as it comes back through the ingress: its reason, and what it leaves."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import aiohttp
import pytest

from connector.connections import actions, db
from connector.connections.actions.login import OWN_WAYS
from connector.connections.model import Connection, Login, State, Way
from connector.runtime import Runtime
from connector.values import Environment
from simulator.state import User
from simulator.world import World
from tests.integration.conftest import APP_ID, STORE, Clock

HOME = "https://store.example/facebook"
SCOPES = (
    "business_management catalog_management pages_manage_metadata pages_messaging pages_read_engagement pages_show_list"
)


@dataclass(slots=True)
class Stage:
    """What an ending may change between the dialog and the way back."""

    runtime: Runtime
    world: World
    clock: Clock
    begun: actions.Begun
    answer: dict[str, str] = field(default_factory=dict)

    def replace_answer(self, **answer: str) -> None:
        """Let the dialog have returned something else."""
        self.answer = {"state": self.answer["state"], **answer}

    def inspected(self, **facts: object) -> None:
        """Let Meta say something else of the token."""
        alive = {"app_id": APP_ID, "type": "USER", "is_valid": True, "user_id": "1", "scopes": SCOPES.split()}
        body = json.dumps({"data": {**alive, **facts}})
        action = {"kind": "status", "status": 200, "body": body, "content_type": "application/json"}
        self.world.faults.order({"match": {"path": "debug_token"}, "times": 2, "action": action})

    def code(self) -> Any:
        """Find the code that the dialog returned."""
        return self.world.codes[self.answer["code"]]


async def disconnect(stage: Stage) -> None:
    await actions.disconnect(stage.runtime, STORE, str(stage.begun.connection.id))


def expire_scope(stage: Stage) -> None:
    stage.world.all(User)[0].grants[APP_ID]["catalog_management"] = "expired"


def other_redirect(stage: Stage) -> None:
    stage.code().redirect_uri += "?"


def other_app(stage: Stage) -> None:
    stage.code().app_id = "62"


def used(stage: Stage) -> None:
    stage.code().used = True


def data_access_over(stage: Stage) -> None:
    end = stage.runtime.now() - timedelta(days=1)
    stage.inspected(data_access_expires_at=int(end.timestamp()))


DIALOGS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "denied": ({"dialog": "deny"}, "LOGIN_DENIED"),
    "scopes unticked": ({"withheld_scopes": "pages_messaging"}, "SCOPES_MISSING"),
    "the code is old": ({"code_seconds": 0.0}, "LOGIN_CODE_EXPIRED"),
}
ANSWERS: Mapping[str, tuple[Callable[[Stage], Any], str]] = {
    "closed": (lambda stage: stage.replace_answer(), "LOGIN_CANCELLED"),
    "Meta's own error": (lambda stage: stage.replace_answer(error="server_error"), "LOGIN_FAILED"),
    "ten minutes over": (lambda stage: stage.clock.advance(minutes=10, seconds=1), "LOGIN_EXPIRED"),
    "the code was used": (used, "LOGIN_CODE_USED"),
    "another redirect URI": (other_redirect, "REDIRECT_URI_MISMATCH"),
    "another app's code": (other_app, "APP_MISMATCH"),
    "another app's token": (lambda stage: stage.inspected(app_id="62"), "APP_MISMATCH"),
    "a dead token": (lambda stage: stage.inspected(is_valid=False), "META_TOKEN_INVALID"),
    "a Page's token": (lambda stage: stage.inspected(type="PAGE"), "TOKEN_KIND_UNSUITABLE"),
    "data access is over": (data_access_over, "DATA_ACCESS_EXPIRED"),
    "a permission has expired": (expire_scope, "SCOPES_EXPIRED"),
    "disconnected meanwhile": (disconnect, "LOGIN_WITHDRAWN"),
}


async def come_back(ingress: str, answer: Mapping[str, str]) -> tuple[int, str]:
    """Follow the merchant's browser into the ingress; tells the status, and the outcome it is sent home with."""
    url = f"{ingress}/oauth/callback"
    async with aiohttp.ClientSession() as browser, browser.get(url, params=answer, allow_redirects=False) as response:
        home = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        return response.status, home.get("outcome", [""])[0]


async def begin(runtime: Runtime, connection_id: str = "") -> actions.Begun:
    return await actions.begin(
        runtime, STORE, connection_id=connection_id, environment=Environment.TEST, return_url=HOME
    )


async def reload(runtime: Runtime, connection_id: UUID) -> Connection:
    async with runtime.db.begin() as tx:
        return await db.require(tx, STORE, connection_id)


async def end(runtime: Runtime, stage: Stage, walk: Any, ingress: str, ending: str) -> tuple[tuple[int, str], str]:
    """Walk a login into one of its endings; tells how the browser came home, and the reason expected."""
    switches, reason = DIALOGS.get(ending, ({}, ""))
    stage.world.switches.change(**switches)
    stage.answer = await walk(stage.begun.url)
    if ending in ANSWERS:
        change, reason = ANSWERS[ending]
        if isinstance(waited := change(stage), Awaitable):
            await waited
    return await come_back(ingress, stage.answer), reason


@pytest.mark.parametrize("ending", [*DIALOGS, *ANSWERS])
async def test_a_login_that_fails_says_why_and_keeps_nothing(
    runtime: Runtime, world: World, clock: Clock, *, walk: Any, ingress: str, kept: Any, ending: str
) -> None:
    """The browser comes home with the reason, the connection is DISCONNECTED, and no token is left."""
    begun = await begin(runtime)
    came, reason = await end(runtime, Stage(runtime, world, clock, begun), walk, ingress, ending)
    after = await reload(runtime, begun.connection.id)
    # Who disconnects knows why the store is not connected; the login that came later changes nothing of it.
    shown = "" if reason == "LOGIN_WITHDRAWN" else reason
    assert ((303, reason), State.DISCONNECTED, shown, []) == (came, after.state, after.reason, await kept())


@pytest.mark.parametrize("ending", [ending for ending in (*DIALOGS, *ANSWERS) if ending != "disconnected meanwhile"])
async def test_a_login_that_fails_leaves_what_is_linked(
    runtime: Runtime, world: World, clock: Clock, *, walk: Any, ingress: str, connect: Any, ending: str
) -> None:
    """A connection that works goes on with the tokens it has, and its last problem tells what happened."""
    before = await connect()
    begun = await begin(runtime, str(before.id))
    came, reason = await end(runtime, Stage(runtime, world, clock, begun), walk, ingress, ending)
    after = await reload(runtime, before.id)
    tokens = (before.user_token, before.page_token)
    assert ((303, reason), State.CONNECTED, tokens) == (came, after.state, (after.user_token, after.page_token))


async def test_a_state_opens_nothing_after_its_login_ended(
    runtime: Runtime, walk: Any, ingress: str, kept: Any
) -> None:
    """A state that was used is refused without a word on whose it was, whatever comes with it."""
    begun = await begin(runtime)
    answer = await walk(begun.url)
    first = await come_back(ingress, {"state": answer["state"], "error": "access_denied"})
    assert ((303, "LOGIN_DENIED"), (400, ""), []) == (first, await come_back(ingress, answer), await kept())


async def test_a_disconnect_holds_against_a_new_login_too(runtime: Runtime, walk: Any, ingress: str) -> None:
    """A login begun before the disconnect links nothing, even while another one, begun after it, is under way."""
    begun = await begin(runtime)
    answer = await walk(begun.url)
    await actions.disconnect(runtime, STORE, str(begun.connection.id))
    again = await begin(runtime, str(begun.connection.id))
    assert (303, "LOGIN_WITHDRAWN") == await come_back(ingress, answer)
    assert State.AWAITING_LOGIN is (await reload(runtime, begun.connection.id)).state
    assert (303, "AWAITING_CHOICE") == await come_back(ingress, await walk(again.url))


async def test_another_caller_cannot_complete_a_login(runtime: Runtime, walk: Any) -> None:
    """A state is bound to the caller that began: handed in by another it is as good as none, and stays good."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST, actor="console")
    answer = await walk(begun.url)
    both = [
        await actions.complete_login(runtime, state=answer["state"], code=answer["code"], store_id=STORE, actor=actor)
        for actor in ("intruder", "console")
    ]
    assert ["LOGIN_STATE_INVALID", "AWAITING_CHOICE"] == [landing.outcome for landing in both]


@pytest.mark.parametrize("live", [False, True])
async def test_a_disconnect_while_a_code_is_exchanged_holds(
    runtime: Runtime, walk: Any, connect: Any, kept: Any, turn: Any, *, live: bool
) -> None:
    """A token that Meta issues at the very moment the store disconnects is not kept, neither beside a Page nor alone."""
    connection_id = str((await connect()).id) if live else ""
    begun = await begin(runtime, connection_id)
    answer = await walk(begun.url)

    async def redeem(runtime: Runtime, login: Login, code: str) -> actions.Grant:
        grant = await OWN_WAYS[login.way](runtime, login, code)
        await actions.disconnect(runtime, STORE, str(login.connection_id))
        return grant

    landing = await actions.complete_login(
        runtime, state=answer["state"], code=answer["code"], ways={Way.PAGE_LOGIN: redeem}
    )
    await turn()
    after = await reload(runtime, begun.connection.id)
    assert ("LOGIN_WITHDRAWN", State.DISCONNECTED, "", []) == (landing.outcome, after.state, after.reason, await kept())
