"""The simulator over plain HTTP: versions, forms of parameters, paging, reach, hostile input."""

import gzip
import json
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
