"""The simulator over plain HTTP: several calls in one, as Graph batches them."""

import json

from tests.contract.simulator_client import Client


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


async def test_too_many_operations_are_refused(client: Client) -> None:
    """The fifty-first operation refuses the batch."""
    operations = [{"method": "GET", "relative_url": "me"}] * 51
    status, refusal, _ = await client.graph("POST", "", client.seed["user"]["token"], batch=json.dumps(operations))
    assert (400, 100) == (status, refusal["error"]["code"])
