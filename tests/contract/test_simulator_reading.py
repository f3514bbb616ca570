"""What can be read from the simulator: nested fields, many ids at once, people, attachments, and its own insides."""

import importlib
import json
from typing import Any

import pytest
from facebook_business.adobjects.page import Page as SdkPage

from simulator.graph import NODES, ROUTES
from simulator.pages import SUBSCRIBABLE
from simulator.signatures import appsecret_proof
from simulator.unset_fields import UNSET
from tests.contract.published_orders import FIELDS, FORMER_KINDS, NODES_READ
from tests.contract.simulator_client import VERIFY, Client, receiving
from tests.contract.simulator_server import APP_ID, APP_SECRET

PICTURE: dict[str, Any] = {"type": "image", "payload": {"url": "https://pictures.test/lamp.jpg"}}


async def _write(client: Client, **message: Any) -> Any:
    page = client.seed["pages"][0]
    return await client.control("POST", f"/pages/{page['id']}/messages", {"psid": page["people"][0]["psid"], **message})


async def test_edges_expand_inside_fields(client: Client) -> None:
    """An edge inside `fields` takes its limit, pages on its own and reads nested fields of its nodes."""
    wrote = [await _write(client, text=text) for text in ("one", "two", "three")]
    page = client.seed["pages"][0]
    fields = "id,messages.limit(2){message,from{name}}.as(latest)"
    _, document, _ = await client.graph("GET", "me/conversations", page["token"], fields=fields)
    latest = document["data"][0]["latest"]
    assert [("three", page["people"][0]["name"]), ("two", page["people"][0]["name"])] == [
        (one["message"], one["from"]["name"]) for one in latest["data"]
    ]
    proof = appsecret_proof(APP_SECRET, page["token"])
    _, rest, _ = await client.ask(
        "GET", latest["paging"]["next"].removeprefix(client.url) + f"&appsecret_proof={proof}"
    )
    assert [wrote[0]["mid"]] == [one["id"] for one in rest["data"]]


async def test_expansion_needs_the_edges_own_permission(client: Client) -> None:
    """An edge that the token may not call cannot be reached by expanding it either."""
    user = client.seed["user"]
    await client.graph("DELETE", f"{user['id']}/permissions", user["token"], permission="business_management")
    _, refusal, _ = await client.graph("GET", "me", user["token"], fields="businesses{name}")
    assert 200 == refusal["error"]["code"]


@pytest.mark.parametrize(
    ("scope", "kept", "node"),
    [
        ("catalog_management", "business_management", "catalogs"),
        ("business_management", "catalog_management", "businesses"),
    ],
)
async def test_reading_a_node_needs_its_scope(client: Client, scope: str, kept: str, node: str) -> None:
    """Without the scope of its kind a node cannot be read, alone or among many; another scope does not help."""
    user, wanted = client.seed["user"], client.seed[node][0]["id"]
    await client.graph("DELETE", f"{user['id']}/permissions", user["token"], permission=scope)
    for path, params in ((wanted, {}), ("", {"ids": wanted})):
        assert 200 == (await client.graph("GET", path, user["token"], **params))[1]["error"]["code"]
    _, permissions, _ = await client.graph("GET", "me/permissions", user["token"])
    assert {"permission": kept, "status": "granted"} in permissions["data"]


async def test_messages_want_the_pages_token_however_they_are_asked_for(client: Client) -> None:
    """A user token cannot read conversations, neither by the edge nor by expanding it."""
    user, page = client.seed["user"]["token"], client.seed["pages"][0]["id"]
    for path, params in ((f"{page}/conversations", {}), (page, {"fields": "conversations{id}"})):
        assert 210 == (await client.graph("GET", path, user, **params))[1]["error"]["code"]


async def test_an_unknown_edge_is_no_missing_object(client: Client) -> None:
    """Asking a living node for what it does not have is 100 without subcode 33, which means a missing node."""
    _, refusal, _ = await client.graph("GET", "me/nonsense", client.seed["user"]["token"])
    assert (100, None) == (refusal["error"]["code"], refusal["error"].get("error_subcode"))
    assert "nonexisting field (nonsense)" in refusal["error"]["message"]


@pytest.mark.parametrize("kind", sorted(UNSET))
def test_every_published_field_is_known(kind: str) -> None:
    """Each field of the SDK's class, and of Meta's tables of orders, is set, an edge, or known to be absent, and no field is two of these."""
    fields = _sdk_fields(kind) | set(FIELDS.get(NODES_READ.get(kind, ""), "").split())
    ours = {name for of, method, name in ROUTES if (of, method) == (kind, "GET")} | set(NODES[kind].fields)
    assert UNSET[kind] == fields - ours


def _sdk_fields(kind: str) -> set[str]:
    if kind in FORMER_KINDS:
        return set()
    module = importlib.import_module(f"facebook_business.adobjects.{kind.lower()}")
    return {value for name, value in vars(getattr(module, kind).Field).items() if not name.startswith("_")}


def test_pages_offer_every_webhook_field_of_the_sdk() -> None:
    """What may be subscribed to is what the SDK lists."""
    listed = {value for name, value in vars(SdkPage.SubscribedFields).items() if not name.startswith("_")}
    assert listed == SUBSCRIBABLE


async def test_a_field_that_is_never_set_is_absent(client: Client) -> None:
    """Meta leaves out what has no value; a misspelt name is still refused."""
    token = client.seed["user"]["token"]
    assert {"id": client.seed["user"]["id"]} == (await client.graph("GET", "me", token, fields="email"))[1]
    assert 100 == (await client.graph("GET", "me", token, fields="e_mail"))[1]["error"]["code"]


async def test_only_the_bucket_that_refuses_tells_when_to_return(client: Client) -> None:
    """A throttle by the second is no word about the day's bucket; that one's own throttle tells the minutes."""
    page = client.seed["pages"][0]
    await _write(client, text="Hi")
    params = {"recipient": json.dumps({"id": page["people"][0]["psid"]}), "message": '{"text": "Hello"}'}
    for bucket, code in (("send_rate", 613), ("messenger", 80006)):
        await client.control("PATCH", "/switches", {"allowances": {"send_rate": 0, "messenger": 200, bucket: 1}})
        while (found := await client.graph("POST", "me/messages", page["token"], **params))[0] == 200:
            pass
        ((use_case,),) = json.loads(found[2]["X-Business-Use-Case-Usage"]).values()
        assert (403, code) == (found[0], found[1]["error"]["code"])
        assert (bucket == "messenger") == (use_case["estimated_time_to_regain_access"] > 0)


async def test_many_ids_are_read_at_once(client: Client) -> None:
    """`ids` answers an object by id, each node with the wanted fields; one unknown id refuses all."""
    user, page = client.seed["user"], client.seed["pages"][0]
    ids = f"{user['id']},{page['id']}"
    _, document, _ = await client.graph("GET", "", user["token"], ids=ids, fields="name")
    assert {user["id"]: user["name"], page["id"]: page["name"]} == {key: one["name"] for key, one in document.items()}
    assert 400 == (await client.graph("GET", "", user["token"], ids=ids + ",999"))[0]
    assert 400 == (await client.graph("GET", "", user["token"], ids=",".join(map(str, range(51)))))[0]


async def test_metadata_lists_the_fields_of_a_node(client: Client) -> None:
    """`metadata=1` names the fields and the type, `debug=all` adds its messages."""
    _, document, _ = await client.graph("GET", "me", client.seed["user"]["token"], metadata="1", debug="all")
    assert ({"id", "name", "role"}, "user", []) == (
        {field["name"] for field in document["metadata"]["fields"]}, document["metadata"]["type"],
        document["__debug__"]["messages"],
    )  # fmt: skip


async def test_attachments_are_read_with_their_urls(client: Client) -> None:
    """A picture shows as image data, a document as file, and who wrote to whom is told."""
    page = client.seed["pages"][0]
    document: dict[str, Any] = {"type": "file", "payload": {"url": "https://pictures.test/size.pdf"}}
    wrote = await _write(client, attachments=[PICTURE, document])
    _, message, _ = await client.graph(
        "GET", wrote["mid"], page["token"], fields="attachments,from,to,tags,created_time"
    )
    picture, file = message["attachments"]["data"]
    assert (PICTURE["payload"]["url"], document["payload"]["url"]) == (picture["image_data"]["url"], file["file_url"])
    assert (wrote["psid"], page["id"]) == (message["from"]["id"], message["to"]["data"][0]["id"])


async def test_people_have_names_unless_they_refuse(client: Client) -> None:
    """A person's profile has first and last name; who cannot be reached answers 230; another Page's token sees nothing."""
    page = client.seed["pages"][0]
    psid = page["people"][0]["psid"]
    _, profile, _ = await client.graph("GET", psid, page["token"], fields="first_name,last_name,profile_pic")
    assert ("Béatrice", "Buyer") == (profile["first_name"], profile["last_name"])
    await client.control(
        "POST", "/seed", {"pages": [{"id": page["id"], "people": [{"psid": psid, "reachable": False}]}]}
    )
    assert 230 == (await client.graph("GET", psid, page["token"], fields="name"))[1]["error"]["code"]
    assert 33 == (await client.graph("GET", psid, client.seed["user"]["token"]))[1]["error"]["error_subcode"]


async def test_the_thread_owner_is_told(client: Client) -> None:
    """The app that writes owns the thread; a person nobody knows is 2018001."""
    page = client.seed["pages"][0]
    psid = page["people"][0]["psid"]
    _, owner, _ = await client.graph("GET", f"{page['id']}/thread_owner", page["token"], recipient=psid)
    assert APP_ID == owner["data"][0]["thread_owner"]["app_id"]
    _, refusal, _ = await client.graph("GET", f"{page['id']}/thread_owner", page["token"], recipient="1")
    assert 2018001 == refusal["error"]["error_subcode"]


async def test_conversations_are_chosen_by_person_time_and_platform(client: Client) -> None:
    """Filters narrow the list; Instagram has its own; what is too new for the switch does not show yet."""
    page = client.seed["pages"][0]
    first = await _write(client, text="old")
    await client.control("POST", "/clock/advance", {"seconds": 100})
    second = await _write(client, text="new", psid=page["people"][1]["psid"])

    async def found(**params: str) -> list[str]:
        _, document, _ = await client.graph("GET", f"{page['id']}/conversations", page["token"], **params)
        return [one["id"] for one in document["data"]]

    assert [second["conversation_id"], first["conversation_id"]] == await found(platform="MESSENGER")
    assert [first["conversation_id"]] == await found(user_id=first["psid"])
    assert [second["conversation_id"]] == await found(updated_after_ms=str(second["sent_time"] - 1_000))
    assert [first["conversation_id"]] == await found(updated_before_ms=str(second["sent_time"] - 1_000))
    assert [] == await found(platform="instagram")
    direct = await _write(client, text="direct", psid="17800000000000777", platform="INSTAGRAM")
    assert [direct["conversation_id"]] == await found(platform="instagram")
    await client.control("PATCH", "/switches", {"conversations_lag_seconds": 50})
    assert ([], [first["conversation_id"]]) == (await found(platform="instagram"), await found())
    await client.control("PATCH", "/switches", {"conversations_lag_seconds": 0})


@pytest.mark.parametrize(("hidden", "code"), [("unsupported", (100, 33)), ("consent", (230, None))])
async def test_profiles_may_be_hidden(client: Client, hidden: str, code: tuple[int, int | None]) -> None:
    """By switch nobody's profile is shown, with the code of an object out of reach or of a consent that lacks."""
    page = client.seed["pages"][0]
    psid = page["people"][0]["psid"]
    _, shown, _ = await client.graph("GET", psid, page["token"], fields="first_name,profile_pic")
    assert {"first_name", "profile_pic", "id"} == shown.keys()
    await client.control("PATCH", "/switches", {"hidden_profiles": hidden})
    _, refused, _ = await client.graph("GET", psid, page["token"], fields="first_name,profile_pic")
    await client.control("PATCH", "/switches", {"hidden_profiles": ""})
    assert code == (refused["error"]["code"], refused["error"].get("error_subcode"))


async def test_subscriptions_shrink_and_vanish(client: Client) -> None:
    """Deleting fields keeps the others, deleting the object removes its callback; a user token may do neither."""
    token = client.seed["app"]["token"]
    async with receiving() as receiver:
        options = {"object": "page", "callback_url": receiver.url, "verify_token": VERIFY, "fields": "messages,feed"}
        await client.graph("POST", f"{APP_ID}/subscriptions", token, **options)
    await client.graph("DELETE", f"{APP_ID}/subscriptions", token, object="page", fields="feed")
    _, listed, _ = await client.graph("GET", f"{APP_ID}/subscriptions", token)
    assert ["messages"] == [field["name"] for field in listed["data"][0]["fields"]]
    await client.graph("DELETE", f"{APP_ID}/subscriptions", token, object="page")
    assert [] == (await client.graph("GET", f"{APP_ID}/subscriptions", token))[1]["data"]
    refusal = (await client.graph("GET", f"{APP_ID}/subscriptions", client.seed["user"]["token"]))[1]
    assert 15 == refusal["error"]["code"]


async def test_an_unreachable_callback_cannot_be_subscribed(client: Client) -> None:
    """Nobody listening is a failed verification, a URL that is none a wrong parameter."""
    token = client.seed["app"]["token"]
    options = {"object": "page", "verify_token": VERIFY, "fields": "messages"}
    _, refusal, _ = await client.graph(
        "POST", f"{APP_ID}/subscriptions", token, callback_url="http://127.0.0.1:1/", **options
    )
    assert 2200 == refusal["error"]["code"]
    _, refusal, _ = await client.graph("POST", f"{APP_ID}/subscriptions", token, callback_url="hooks", **options)
    assert 100 == refusal["error"]["code"]


async def test_the_state_shows_what_is_there(client: Client) -> None:
    """State, items, messages and deliveries tell the truth, without lag and without secrets."""
    catalog, token = client.seed["catalogs"][0]["id"], client.seed["user"]["token"]
    await client.control("PATCH", "/switches", {"read_lag_seconds": 1_000.0, "batch_seconds": 0.0})
    data = {
        "title": "Lamp", "description": "Light", "availability": "in stock", "condition": "new", "price": "9.99 USD",
        "link": "https://shop.test/l", "image_link": "https://shop.test/l.jpg", "brand": "Mina",
    }  # fmt: skip
    requests = [{"method": "UPDATE", "data": {"id": f"R{number}", **data}} for number in range(5)]
    options = {"item_type": "PRODUCT_ITEM", "requests": json.dumps(requests)}
    await client.graph("POST", f"{catalog}/items_batch", token, **options)
    assert [] == (await client.graph("GET", f"{catalog}/products", token))[1]["data"]
    first = await client.control("GET", f"/state/catalogs/{catalog}/items?limit=3")
    rest = await client.control("GET", f"/state/catalogs/{catalog}/items?limit=3&after={first['after']}")
    assert (["R0", "R1", "R2", "R3", "R4"], 5, None) == (
        [item["retailer_id"] for item in first["items"] + rest["items"]], rest["total"], rest["after"],
    )  # fmt: skip
    one = await client.control("GET", f"/state/catalogs/{catalog}/items?retailer_id=R3")
    assert [data] == [item["data"] for item in one["items"]]
    wrote = await _write(client, text="Is it blue?", quick_reply={"payload": "Y"}, reply_to="m_0")
    seen = await client.control("GET", f"/messages?page_id={client.seed['pages'][0]['id']}&psid={wrote['psid']}")
    assert [("Is it blue?", False, wrote["mid"])] == [
        (message["text"], message["from_page"], message["mid"]) for message in seen["messages"]
    ]
    state = await client.control("GET", "/state")
    assert (5, "finished", 1, 1) == (
        state["catalogs"][0]["items"], state["catalogs"][0]["batches"][0]["status"], state["catalogs"][0]["batch_count"],
        state["pages"][0]["messages"],
    )  # fmt: skip
    assert APP_SECRET not in json.dumps(state)
    assert token not in json.dumps(state)


async def test_help_lists_every_route(client: Client) -> None:
    """`GET /_simulator` describes each route, and an unknown one points to it."""
    routes = (await client.control("GET", ""))["routes"]
    assert all(any(path in route for route in routes) for path in ("/reset", "/faults", "/clock/advance", "/calls"))
    status, refusal, _ = await client.ask("GET", "/_simulator/nothing")
    assert (404, True) == (status, "GET /_simulator lists them" in refusal["error"]["message"])


async def test_faults_are_listed_and_taken_back(client: Client) -> None:
    """An ordered fault waits in the list until it is cleared."""
    ordered = await client.control(
        "POST", "/faults", {"match": {"path": "me"}, "times": 3, "action": {"kind": "garbage"}}
    )
    assert [(ordered["id"], 3)] == [
        (one["id"], one["times"]) for one in (await client.control("GET", "/faults"))["faults"]
    ]
    assert {"cleared": 1} == await client.control("DELETE", "/faults")
    assert 200 == (await client.graph("GET", "me", client.seed["user"]["token"]))[0]


async def test_a_reset_forgets_what_happened(client: Client) -> None:
    """After a reset there is the app, and nothing of what was seeded later."""
    await client.control("POST", "/reset")
    state = await client.control("GET", "/state")
    assert ([APP_ID], [], []) == ([app["app_id"] for app in state["apps"]], state["pages"], state["catalogs"])
