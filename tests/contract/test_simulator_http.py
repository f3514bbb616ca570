"""The simulator over plain HTTP: transport, reach, faults, batches, hostile input, the control API."""

import asyncio
import gzip
import json
import time
from typing import Any

import aiohttp
import pytest

from simulator.signatures import appsecret_proof
from tests.contract.simulator_client import Client
from tests.contract.simulator_server import APP_ID, APP_SECRET


@pytest.mark.parametrize(
    ("version", "status", "served"),
    [("v26.0/", 200, "v26.0"), ("v21.0/", 200, "v21.0"), ("v13.0/", 200, "v21.0"), ("", 200, "v26.0"),
     ("v99.0/", 400, None), ("v26/", 400, None)],
)  # fmt: skip
async def test_versions(client: Client, version: str, status: int, served: str | None) -> None:
    """Living versions serve themselves, dead ones the oldest, none the default; future and malformed ones are refused."""
    params = {"access_token": client.seed["app"]["token"]}
    found, _, headers = await client.ask("GET", f"/{version}{APP_ID}", params=params)
    assert status == found
    assert served in {None, headers["facebook-api-version"]}


@pytest.mark.parametrize("form", ["json", "data", "params", "multipart"])
async def test_parameters_come_in_four_ways(client: Client, form: str) -> None:
    """JSON, form, query and multipart bodies mean the same; the token may come as a bearer."""
    page = client.seed["pages"][0]
    fields: dict[str, Any] = {
        "subscribed_fields": "messages",
        "appsecret_proof": appsecret_proof(APP_SECRET, page["token"]),
    }
    options: dict[str, Any] = {form: fields}
    if form == "multipart":
        with aiohttp.MultipartWriter("form-data") as writer:
            for name, value in fields.items():
                writer.append(value).set_content_disposition("form-data", name=name)
        options = {"data": writer}
    path, headers = f"/v26.0/{page['id']}/subscribed_apps", {"Authorization": f"Bearer {page['token']}"}
    assert (200, {"success": True}) == (await client.ask("POST", path, headers=headers, **options))[:2]


async def test_an_unchanged_answer_is_304(client: Client) -> None:
    """A known ETag saves the body."""
    token = client.seed["user"]["token"]
    _, _, headers = await client.graph("GET", "me", token)
    query = {"access_token": token, "appsecret_proof": appsecret_proof(APP_SECRET, token)}
    status, body, _ = await client.ask("GET", "/v26.0/me", params=query, headers={"If-None-Match": headers["ETag"]})
    assert (304, "") == (status, body)


async def test_every_answer_can_be_traced(client: Client) -> None:
    """Errors carry fbtrace_id, and every answer Meta's headers."""
    _, refusal, headers = await client.ask("GET", "/v26.0/me")
    assert (104, True) == (refusal["error"]["code"], bool(refusal["error"]["fbtrace_id"]))
    assert {"facebook-api-version", "x-fb-trace-id", "x-fb-rev", "x-fb-debug"} <= {name.lower() for name in headers}


async def test_next_links_lead_to_the_end(client: Client) -> None:
    """Following `next` as it is, with the proof added, walks through all Pages once."""
    pages = [{"id": str(400 + number), "name": f"Page {number}"} for number in range(30)]
    seeded = await client.control("POST", "/seed", {"user": {"id": "900"}, "pages": pages})
    token = seeded["user"]["token"]
    proof = {"appsecret_proof": appsecret_proof(APP_SECRET, token)}
    _, document, _ = await client.graph("GET", "me/accounts", token, fields="name", limit="7")
    found = [page["id"] for page in document["data"]]
    while link := document["paging"].get("next"):
        _, document, _ = await client.ask(
            "GET", link.removeprefix(client.url) + f"&appsecret_proof={proof['appsecret_proof']}"
        )
        found += [page["id"] for page in document["data"]]
    assert [page["id"] for page in pages] == found


async def test_what_a_token_may_not_see_does_not_exist(client: Client) -> None:
    """Another merchant's Page and catalog answer exactly as an id that never was."""
    other = await client.control(
        "POST",
        "/seed",
        {"user": {"id": "901"}, "businesses": [{"id": "902"}], "catalogs": [{"id": "903"}], "pages": [{"id": "904"}]},
    )
    token = client.seed["user"]["token"]
    answers = []
    for node_id in (other["catalogs"][0]["id"], other["pages"][0]["id"], "999"):
        status, refusal, _ = await client.graph("GET", node_id, token)
        error = refusal["error"]
        answers.append((status, error["code"], error["error_subcode"], error["message"].replace(node_id, "")))
    assert 1 == len(set(answers))


async def test_a_trickling_answer_is_a_whole_one(client: Client) -> None:
    """An answer that comes a byte at a time arrives in the end, as long after as told."""
    token, begun = client.seed["user"]["token"], time.perf_counter()
    await client.control("POST", "/faults", {"match": {"path": "me$"}, "action": {"kind": "trickle", "seconds": 0.002}})
    status, answer, _ = await client.graph("GET", "me", token, fields="id")
    assert (200, {"id": client.seed["user"]["id"]}) == (status, answer)
    assert time.perf_counter() - begun >= 0.002 * len(json.dumps(answer, separators=(",", ":")))


async def test_calls_at_once_are_a_crowd(client: Client) -> None:
    """Calls of the same path that overlap are counted, calls one after the other are not."""
    token, page = client.seed["user"]["token"], client.seed["pages"][0]["id"]
    wait = {"match": {"path": "me$"}, "times": 3, "action": {"kind": "delay", "seconds": 0.5}}
    await client.control("POST", "/faults", wait)
    await asyncio.gather(*(client.graph("GET", "me", token, fields="id") for _ in range(3)))
    for _ in range(2):
        await client.graph("GET", page, token, fields="id")
    assert {"me"} == set((await client.control("GET", "/state"))["crowds"])


@pytest.mark.parametrize("kind", ["drop_before", "drop_answer", "close"])
async def test_connection_faults_break_with_or_without_effect(client: Client, kind: str) -> None:
    """The caller sees a broken connection; whether the catalog was created depends on the kind."""
    business, token = client.seed["businesses"][0]["id"], client.seed["user"]["token"]
    edge = f"{business}/owned_product_catalogs"
    await client.control("POST", "/faults", {"match": {"method": "POST", "path": edge}, "action": {"kind": kind}})
    with pytest.raises(aiohttp.ClientError):
        await client.graph("POST", edge, token, name="New")
    recorded = (await client.control("GET", "/calls"))["calls"]
    assert [edge] == [call["path"] for call in recorded]
    _, listed, _ = await client.graph("GET", edge, token)
    assert (1 if kind == "drop_before" else 2) == len(listed["data"])


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ({"kind": "status", "status": 503, "body": "Busy"}, 503, "Busy"),
        ({"kind": "garbage"}, 200, "<html>Sorry, something went wrong.</html>"),
        ({"kind": "garbage", "body": '{"id":'}, 200, '{"id":'),
    ],
)
async def test_answers_can_be_nonsense(client: Client, action: dict[str, Any], status: int, body: str) -> None:
    """A fault may answer anything with any status, once."""
    await client.control("POST", "/faults", {"match": {"path": "^me$"}, "action": action})
    token = client.seed["user"]["token"]
    assert (status, body) == (await client.graph("GET", "me", token))[:2]
    assert 200 == (await client.graph("GET", "me", token))[0]


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "error", "code": 1, "subcode": 1357046, "status": 500},
        {"kind": "status", "status": 500, "body": "Oops"},
        {"kind": "garbage"},
    ],
)
@pytest.mark.parametrize("done", [False, True])
async def test_a_failing_answer_may_hide_work_that_was_done(
    client: Client, action: dict[str, Any], *, done: bool
) -> None:
    """With `after` the answer is the same, but the catalog exists; the call is recorded once."""
    business, token = client.seed["businesses"][0]["id"], client.seed["user"]["token"]
    edge = f"{business}/owned_product_catalogs"
    await client.control("POST", "/faults", {"match": {"path": edge}, "action": {**action, "after": done}})
    status, answer, _ = await client.graph("POST", edge, token, name="New")
    assert (action.get("status", 200), False) == (status, "id" in answer)
    assert 1 == len((await client.control("GET", "/calls"))["calls"])
    _, listed, _ = await client.graph("GET", edge, token)
    assert (2 if done else 1) == len(listed["data"])


async def test_long_pages_are_cut_without_a_word(client: Client) -> None:
    """More rows than Graph gives at once come in pages of at most a hundred; pages of catalogs may be longer."""
    pages = [{"id": str(400 + number)} for number in range(120)]
    seeded = await client.control("POST", "/seed", {"user": {"id": "900"}, "pages": pages})
    _, document, _ = await client.graph("GET", "me/accounts", seeded["user"]["token"], limit="500")
    assert (100, True) == (len(document["data"]), "next" in document["paging"])
    catalog = client.seed["catalogs"][0]["id"]
    for limit, status in (("1000", 200), ("1001", 500)):
        assert (
            status == (await client.graph("GET", f"{catalog}/products", client.seed["user"]["token"], limit=limit))[0]
        )


async def test_batch_operations_use_each_others_results(client: Client) -> None:
    """A reference is replaced by what the named operation answered; its own answer is then left out."""
    token, business = client.seed["user"]["token"], client.seed["businesses"][0]["id"]
    operations = [
        {
            "method": "POST",
            "name": "made",
            "relative_url": f"{business}/owned_product_catalogs",
            "body": "name=By%20batch",
        },
        {"method": "GET", "relative_url": "{result=made:$.id}?fields=name"},
        {"method": "GET", "relative_url": "v25.0/999"},
    ]
    _, answers, _ = await client.graph("POST", "", token, batch=json.dumps(operations), include_headers="false")
    assert (None, "By batch", 200, 400) == (
        answers[0], json.loads(answers[1]["body"])["name"], answers[1]["code"], answers[2]["code"],
    )  # fmt: skip
    assert "headers" not in answers[1]


async def test_a_batch_is_answered_by_the_version_that_was_asked(client: Client) -> None:
    """The path's version holds for the whole batch, a future one refuses it; operations that read tell their ETag."""
    token = client.seed["app"]["token"]
    params = {"access_token": token, "batch": json.dumps([{"method": "GET", "relative_url": "me"}])}
    _, answers, headers = await client.ask("POST", "/v24.0/", params=params)
    assert "v24.0" == headers["facebook-api-version"]
    assert {"v24.0", True} == {
        one["value"] if one["name"] == "facebook-api-version" else one["value"].startswith('"')
        for one in answers[0]["headers"] if one["name"] in {"facebook-api-version", "ETag"}
    }  # fmt: skip
    assert 400 == (await client.ask("POST", "/v99.0/", params=params))[0]


async def test_a_batch_that_cannot_be_read_does_nothing(client: Client) -> None:
    """A wrong body refuses the batch before its first operation acts."""
    token, catalog = client.seed["user"]["token"], client.seed["catalogs"][0]["id"]
    operations = [
        {"method": "POST", "relative_url": f"{catalog}/product_sets", "body": "name=One"},
        {"method": "POST", "relative_url": f"{catalog}/product_sets", "body": "{name}"},
    ]
    assert 400 == (await client.graph("POST", "", token, batch=json.dumps(operations)))[0]
    assert [] == (await client.graph("GET", f"{catalog}/product_sets", token))[1]["data"]


async def test_escaped_references_in_bodies_are_replaced_too(client: Client) -> None:
    """A reference in a form body works although forms escape its braces; a failed predecessor answers null."""
    token, catalog = client.seed["user"]["token"], client.seed["catalogs"][0]["id"]
    operations = [
        {"method": "GET", "name": "me", "relative_url": "me?fields=name", "omit_response_on_success": False},
        {
            "method": "POST",
            "relative_url": f"{catalog}/product_sets",
            "body": "name=%7Bresult%3Dme%3A%24.name%7D&filter=%7B%7D",
        },
        {"method": "GET", "name": "lost", "relative_url": "999"},
        {"method": "GET", "relative_url": "{result=lost:$.id}"},
        {"method": "GET", "relative_url": "me", "depends_on": "lost"},
    ]
    _, answers, _ = await client.graph("POST", "", token, batch=json.dumps(operations))
    assert [200, 200, 400, None, None] == [answer and answer["code"] for answer in answers]
    _, sets, _ = await client.graph("GET", f"{catalog}/product_sets", token, fields="name")
    assert [client.seed["user"]["name"]] == [one["name"] for one in sets["data"]]


@pytest.mark.parametrize(("action", "code", "done"), [
    ({"kind": "drop_answer"}, None, 1), ({"kind": "drop_before"}, None, 0), ({"kind": "delay", "seconds": 0.01}, 200, 1),
    ({"kind": "error", "code": 2}, 500, 0),
])  # fmt: skip
async def test_faults_hit_operations_of_a_batch(
    client: Client, action: dict[str, Any], code: int | None, done: int
) -> None:
    """An operation meets its fault alone, with or without effect."""
    token, catalog = client.seed["user"]["token"], client.seed["catalogs"][0]["id"]
    await client.control("POST", "/faults", {"match": {"method": "POST", "path": "product_sets$"}, "action": action})
    operations = [{"method": "POST", "relative_url": f"{catalog}/product_sets", "body": '{"name": "One"}'}]
    _, answers, _ = await client.graph("POST", "", token, batch=json.dumps(operations))
    assert [code] == [answer and answer["code"] for answer in answers]
    assert done == len((await client.graph("GET", f"{catalog}/product_sets", token))[1]["data"])


async def test_compressed_bodies_are_a_switch(client: Client) -> None:
    """Whether Meta takes gzip is unknown: refused by default, read when switched on."""
    page = client.seed["pages"][0]
    fields = {
        "subscribed_fields": "messages",
        "access_token": page["token"],
        "appsecret_proof": appsecret_proof(APP_SECRET, page["token"]),
    }
    options: dict[str, Any] = {
        "data": gzip.compress(json.dumps(fields).encode()),
        "headers": {"Content-Encoding": "gzip", "Content-Type": "application/json"},
    }
    path = f"/v26.0/{page['id']}/subscribed_apps"
    assert 400 == (await client.ask("POST", path, **options))[0]
    await client.control("PATCH", "/switches", {"accept_compressed_bodies": True})
    assert {"success": True} == (await client.ask("POST", path, **options))[1]


async def test_uploaded_files_are_noted_by_name_and_size(client: Client) -> None:
    """Of a file in a multipart body the record keeps name and size."""
    form = aiohttp.FormData({"access_token": client.seed["app"]["token"]})
    form.add_field("file", b"12345", filename="feed.csv")
    await client.ask("POST", f"/v26.0/{APP_ID}", data=form)
    record: dict[str, Any] = (await client.control("GET", "/calls"))["calls"][-1]
    assert {"filename": "feed.csv", "size_bytes": 5} == record["parameters"]["file"]


async def test_too_many_operations_are_refused(client: Client) -> None:
    """The fifty-first operation refuses the batch."""
    operations = [{"method": "GET", "relative_url": "me"}] * 51
    status, refusal, _ = await client.graph("POST", "", client.seed["user"]["token"], batch=json.dumps(operations))
    assert (400, 100) == (status, refusal["error"]["code"])


HOSTILE = [
    "{",
    "[]",
    "5",
    '"x"',
    "null",
    '{"a":' * 50,
    '{"and":[' * 400 + "{}" + "]}" * 400,
    "\x00",
    "%ED%A0%80",
    "é" * 9,
    '{"id":[]}',
    '[{"method":{}}]',
    "-1",
    "9" * 1_000,
]


def _upload(value: Any) -> dict[str, Any]:
    return {"attachment": {"type": "image", "payload": {"url": "https://a.test/", "is_reusable": [value]}}}


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_parameters_never_break_the_server(client: Client, value: str) -> None:
    """Whatever stands in a parameter or body, the answer is JSON and below 500, except Meta's own 'reduce the data'."""
    user, page, catalog = client.seed["user"]["token"], client.seed["pages"][0], client.seed["catalogs"][0]["id"]
    psid = page["people"][0]["psid"]
    attempts = [
        ("GET", "me", user, {"fields": value}),
        ("GET", "", user, {"ids": value}),
        ("GET", f"{catalog}/products", user, {"filter": value}),
        ("GET", f"{catalog}/products", user, {"limit": value}),
        ("GET", f"{catalog}/products", user, {"after": value}),
        ("GET", f"{catalog}/check_batch_request_status", user, {"handle": value}),
        ("POST", f"{catalog}/items_batch", user, {"item_type": "PRODUCT_ITEM", "requests": value}),
        ("POST", f"{catalog}/products", user, {"retailer_id": value, "price": value, "currency": value}),
        ("POST", f"{catalog}/product_sets", user, {"name": value, "filter": value}),
        ("POST", "me/messages", page["token"], {"recipient": value, "message": value}),
        ("POST", "me/messages", page["token"], {"recipient": json.dumps({"id": psid}), "message": value}),
        ("POST", "me/message_attachments", page["token"], {"message": value}),
        ("POST", "me/message_attachments", page["token"], {"message": json.dumps(_upload(value))}),
        ("POST", f"{page['id']}/subscribed_apps", page["token"], {"subscribed_fields": value}),
        ("POST", "", user, {"batch": value}),
        ("POST", value.replace("%", "%25"), user, {}),
    ]  # fmt: skip
    for method, path, token, params in attempts:
        status, document, _ = await client.graph(method, path, token, **params)
        assert isinstance(document, dict | list), (method, path, params)
        assert status < 500 or '"code": 1,' in json.dumps(document)
    for content_type in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        status, document, _ = await client.ask(
            "POST", "/me/messages", data=value.encode(), headers={"Content-Type": content_type}
        )
        assert (400, True) == (status, "error" in document)


async def test_calls_are_recorded_without_secrets(client: Client) -> None:
    """The record shows method, path and parameters, never a whole token or proof."""
    token = client.seed["user"]["token"]
    await client.graph("GET", "me/accounts", token, fields="name")
    record: dict[str, Any] = (await client.control("GET", "/calls"))["calls"][-1]
    assert ("GET", "me/accounts", "User", "accounts", "name", 200) == (
        record["method"], record["path"], record["node"], record["edge"], record["parameters"]["fields"], record["status"],
    )  # fmt: skip
    assert token not in json.dumps(record)


@pytest.mark.parametrize(
    ("method", "path", "document", "named"),
    [
        ("POST", "/clock/advance", {"seconds": "1"}, "seconds"),
        ("POST", "/clock/advance", {"seconds": -1}, "seconds"),
        ("POST", "/tokens/revoke", {}, "token"),
        ("POST", "/pages/404/messages", {"text": "x"}, "page_id"),
        ("POST", "/clock/advance", {"seconds": 1e12}, "seconds"),
        ("POST", "/clock/advance", {"seconds": 1, "minutes": 1}, "minutes"),
        ("POST", "/tokens/revoke", {"page_id": "404"}, "page_id"),
        ("POST", "/tokens/revoke", {"page_id": "30000000000000001", "subcode": 7}, "subcode"),
        ("POST", "/tokens/revoke", {"page_id": "30000000000000001", "subcode": [463]}, "subcode"),
        ("POST", "/reset", {"hard": True}, "hard"),
        ("POST", "/apps", {"app_id": "7"}, "secrets"),
        ("POST", "/apps", {"app_id": "seven", "secrets": ["x"]}, "app_id"),
        ("POST", "/apps", {"app_id": "50000000000000001", "secrets": ["x"]}, "already a ProductCatalog"),
        ("POST", "/apps", {"app_id": APP_ID, "secrets": []}, "secrets"),
        ("POST", "/apps", {"app_id": APP_ID, "redirect_uris": [5]}, "redirect_uris"),
        ("POST", "/apps", {"app_id": APP_ID, "require_proof": "no"}, "require_proof"),
        ("POST", "/apps", {"app_id": APP_ID, "webhook": {"callback_url": "u", "verify_token": "v"}}, "callback_url"),
        ("POST", "/apps", {"app_id": APP_ID, "colour": "red"}, "colour"),
        ("POST", "/apps", {"app_id": APP_ID, "webhook": "x"}, "webhook"),
        ("POST", "/apps", {"app_id": APP_ID, "webhook": {"callback_url": "http://u"}}, "verify_token"),
        ("POST", "/pages/30000000000000001/messages", {"attachments": ["x"]}, "attachments"),
        ("POST", "/pages/30000000000000001/messages", {}, "text"),
        ("POST", "/pages/30000000000000001/messages", {"text": "Hi", "psd": "1"}, "psd"),
        ("POST", "/pages/30000000000000001/messages", {"text": "Hi", "psid": "Omar"}, "psid"),
        ("POST", "/pages/30000000000000001/messages", {"text": "Hi", "quick_reply": "Yes"}, "quick_reply"),
        ("POST", "/pages/30000000000000001/events", {}, "messaging"),
        ("POST", "/pages/30000000000000001/events", {"messaging": []}, "messaging"),
        ("POST", "/pages/30000000000000001/events", {"messaging": [1]}, "messaging"),
        ("POST", "/pages/30000000000000001/events", {"change": {"value": 1}}, "field"),
        ("POST", "/pages/30000000000000001/events", {"body": "{}", "signature": 5}, "signature"),
        ("POST", "/seed", {"app_id": ["1"]}, "app_id"),
        ("POST", "/seed", {"pages": [{"id": "50000000000000001"}]}, "already a ProductCatalog"),
        ("POST", "/pages/30000000000000001/events", {"body_base64": "!"}, "body_base64"),
        ("POST", "/users/404/remove-app", {}, "user_id"),
        ("POST", "/users/10000000000000001/ask-deletion", {}, "data_deletion_url"),
        ("GET", "/state/catalogs/404/items", None, "catalog_id"),
        ("GET", "/messages?page_id=404", None, "page_id"),
        ("PATCH", "/switches", {"speed": 1}, "speed"),
        ("GET", "/calls?since=x", None, "since"),
    ],
)
async def test_the_control_api_names_what_is_wrong(
    client: Client, method: str, path: str, document: Any, named: str
) -> None:
    """A wrong request is 400 with a sentence that names the member."""
    status, refusal, _ = await client.ask(method, f"/_simulator{path}", json=document)
    assert 400 == status
    assert named in refusal["error"]["message"]


async def test_a_refused_app_is_not_half_made(client: Client) -> None:
    """One wrong member refuses the whole app."""
    status, _, _ = await client.ask("POST", "/_simulator/apps", json={"app_id": "7", "secrets": ["x"], "name": 5})
    state = await client.control("GET", "/state")
    assert (400, [APP_ID]) == (status, [app["app_id"] for app in state["apps"]])


async def test_a_body_that_is_no_json_is_told(client: Client) -> None:
    """The control API says that it was the body."""
    status, refusal, _ = await client.ask("POST", "/_simulator/seed", data=b"{")
    assert (400, True) == (status, refusal["error"]["message"].startswith("body: no JSON"))
