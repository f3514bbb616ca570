"""Webhooks as an app's callback meets them."""

import base64
import json

from simulator.signatures import sign_body
from tests.contract.simulator_client import VERIFY, Client, receiving, subscribe
from tests.contract.simulator_server import APP_ID, APP_SECRET


async def test_the_handshake_decides_about_a_subscription(client: Client) -> None:
    """A callback that does not know the verify token is refused with 2200; the right one is listed."""
    app_token = client.seed["app"]["token"]
    async with receiving() as receiver:
        options = {"object": "page", "callback_url": receiver.url, "fields": "messages"}
        _, refusal, _ = await client.graph("POST", f"{APP_ID}/subscriptions", app_token, verify_token="no", **options)
        assert 2200 == refusal["error"]["code"]
        await client.graph("POST", f"{APP_ID}/subscriptions", app_token, verify_token=VERIFY, **options)
        _, listed, _ = await client.graph("GET", f"{APP_ID}/subscriptions", app_token)
        assert [("page", receiver.url, ["messages"])] == [
            (one["object"], one["callback_url"], [name["name"] for name in one["fields"]]) for one in listed["data"]
        ]


async def test_a_buyers_message_arrives_escaped_and_signed(client: Client) -> None:
    """The bytes on the wire are ASCII with escaped slashes, and both signatures cover exactly these bytes."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "messages")
        text = "Où est /a/ 😀?"
        page = client.seed["pages"][0]
        wrote = await client.control("POST", f"/pages/{page['id']}/messages", {"text": text})
        await receiver.wait_for(1)
        body, headers = receiver.bodies[0], receiver.headers[0]
        assert sign_body(APP_SECRET, body) == headers["X-Hub-Signature-256"]
        assert sign_body(APP_SECRET, body, algorithm="sha1") == headers["X-Hub-Signature"]
        assert rb"O\u00f9 est \/a\/ \ud83d\ude00?" in body
        event = receiver.events()[0]
        assert (text, wrote["mid"], wrote["psid"], page["id"], wrote["sent_time"]) == (
            event["message"]["text"], event["message"]["mid"], event["sender"]["id"], event["recipient"]["id"],
            event["timestamp"],
        )  # fmt: skip


async def test_a_sent_message_comes_back_as_echo(client: Client) -> None:
    """Our own message echoes with our app id and metadata, one written in Meta's inbox with another app's."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "message_echoes")
        page = client.seed["pages"][0]
        psid = page["people"][0]["psid"]
        await client.control("POST", f"/pages/{page['id']}/messages", {"psid": psid, "text": "Hello"})
        params = {"recipient": json.dumps({"id": psid}), "message": json.dumps({"text": "Hi", "metadata": "ours"})}
        _, sent, _ = await client.graph("POST", "me/messages", page["token"], **params)
        await receiver.wait_for(1)
        await client.control("POST", f"/pages/{page['id']}/inbox-messages", {"psid": psid, "text": "By hand"})
        await receiver.wait_for(2)
        ours, theirs = (event["message"] for event in receiver.events())
        assert (True, int(APP_ID), "ours", sent["message_id"]) == (
            ours["is_echo"], ours["app_id"], ours["metadata"], ours["mid"],
        )  # fmt: skip
        assert (True, False, "By hand") == (theirs["is_echo"], theirs["app_id"] == int(APP_ID), theirs["text"])


async def test_only_subscribed_fields_are_told(client: Client) -> None:
    """A Page that subscribed to echoes only is not told of messages."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "message_echoes")
        page = client.seed["pages"][0]["id"]
        psid = (await client.control("POST", f"/pages/{page}/messages", {"text": "Hello"}))["psid"]
        await client.control("POST", f"/pages/{page}/inbox-messages", {"psid": psid, "text": "Hi"})
        await receiver.wait_for(1)
        assert [True] == [event["message"].get("is_echo", False) for event in receiver.events()]


async def test_a_failing_callback_is_tried_again_until_it_answers(client: Client) -> None:
    """Two failures and an answer: three POSTs of the same bytes, then silence."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "messages")
        receiver.failures = 2
        await client.control("POST", f"/pages/{client.seed['pages'][0]['id']}/messages", {"text": "Hello"})
        await receiver.wait_for(2)
        await client.control("POST", "/clock/advance", {"seconds": 16})
        await receiver.wait_for(3)
        assert 1 == len(set(receiver.bodies))
        state = await client.until("/deliveries", lambda found: found["deliveries"][0]["state"] == "delivered")
        assert ["500", "500", "200"] == [one["outcome"] for one in state["deliveries"][0]["attempts"]]


async def test_a_page_failing_for_an_hour_loses_its_subscription(client: Client) -> None:
    """After an hour of failures the app is no longer subscribed to the Page."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "messages")
        receiver.failures = 1_000
        page = client.seed["pages"][0]
        await client.control("POST", f"/pages/{page['id']}/messages", {"text": "Hello"})
        for tries in (2, 3):
            await receiver.wait_for(tries)
            assert (await client.graph("GET", f"{page['id']}/subscribed_apps", page["token"]))[1]["data"]
            await client.control("POST", "/clock/advance", {"seconds": 1_800})
        state = await client.until("/state", lambda found: not found["pages"][0]["subscribed"])
        assert (0, 4) == (state["deliveries"]["waiting"], len(receiver.bodies))


async def test_the_answer_of_a_callback_is_kept(client: Client) -> None:
    """The control API shows what the callback said, and a time-out set while running counts at once."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "messages")
        page = client.seed["pages"][0]["id"]
        receiver.answer = '{"url": "https://me.test/1"}'
        await client.control("POST", f"/pages/{page}/messages", {"text": "Hello"})
        found = await client.until("/deliveries", lambda state: state["deliveries"][0]["state"] == "delivered")
        assert receiver.answer == found["deliveries"][0]["answer"]
        receiver.delay_seconds = 5.0
        await client.control("PATCH", "/switches", {"webhook_timeout_seconds": 0.01})
        await client.control("POST", f"/pages/{page}/messages", {"text": "Anybody?"})
        found = await client.until("/deliveries", lambda state: state["deliveries"][1]["attempts"])
        assert "TimeoutError" in found["deliveries"][1]["attempts"][0]["outcome"]


async def test_raw_events_arrive_as_they_are(client: Client) -> None:
    """Any bytes can be sent to the callback, truly signed or with a signature of one's own."""
    async with receiving() as receiver:
        await subscribe(client, receiver, "messages")
        page = client.seed["pages"][0]["id"]
        await client.control("POST", f"/pages/{page}/events", {"body_base64": base64.b64encode(b"\xff{").decode()})
        await receiver.wait_for(1)
        await client.control("POST", f"/pages/{page}/events", {"body": "{}", "signature": "sha256=00"})
        await receiver.wait_for(2)
        assert (b"\xff{", b"{}") == tuple(receiver.bodies)
        assert (sign_body(APP_SECRET, b"\xff{"), "sha256=00") == tuple(
            one["X-Hub-Signature-256"] for one in receiver.headers
        )
