"""What the Send API takes and what it refuses, message by message."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from simulator.call import Call
from simulator.errors import GraphError
from simulator.messaging import NODES, list_messages, receive
from simulator.sending import send, upload
from simulator.state import Page, ProductItem
from simulator.world import World
from tests.unit.simulator.worlds import APP_ID, catalog_call, new_world

PSID = "70000000000000001"
URL = "https://pictures.test/1.jpg"
ITEM_ID = "40000000000000001"


def _conversing(**switches: Any) -> tuple[World, Page]:
    """Return a world in which a person has just written to the Page."""
    world = new_world(**switches)
    page = world.all(Page)[0]
    receive(world, page, PSID, text="Hello")
    world.add(ProductItem(ITEM_ID, "p", "5", 1, b"{}", 0.0, 0.0))
    return world, page


def _call(world: World, page: Page, **params: Any) -> Call:
    token = next(token for token in world.tokens.values() if token.kind == "PAGE")
    params = {"recipient": {"id": PSID}, **params}
    return replace(
        catalog_call(world, "POST", "messages", **params), node=page, kind="Page", token=token, app=world.apps[APP_ID]
    )


def _template(**payload: Any) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


QUICK = {"content_type": "text", "title": "Yes", "payload": "Y"}
ELEMENT = {"title": "Lamp"}
BUTTON = {"type": "postback", "title": "Yes", "payload": "Y"}
RECEIPT = {
    "template_type": "receipt",
    "recipient_name": "Rima",
    "order_number": "1",
    "currency": "BDT",
    "payment_method": "Cash",
    "summary": {"total_cost": 5},
}


@pytest.mark.parametrize(
    "message",
    [
        {"text": "x" * 2_000},
        {"text": "Hi", "quick_replies": [QUICK] * 13, "metadata": "m" * 1_000},
        {"attachment": {"type": "image", "payload": {"url": URL, "is_reusable": True}}},
        _template(template_type="button", text="t", buttons=[BUTTON, {"type": "web_url", "title": "See", "url": URL}]),
        _template(template_type="generic", elements=[ELEMENT] * 10),
        _template(template_type="product", elements=[{"id": ITEM_ID}]),
        _template(**RECEIPT),
    ],
)
def test_good_messages_are_sent(message: dict[str, Any]) -> None:
    """A message within all limits gets a mid and is in the conversation."""
    world, page = _conversing()
    sent = send(_call(world, page, message=message))
    thread = page.threads[PSID]
    assert (PSID, thread.messages[-1].id) == (sent["recipient_id"], sent["message_id"])
    assert [thread.messages[-1]] == list(list_messages(replace(_call(world, page), node=thread)).nodes)[:1]


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({}, "text, attachment or template"),
        ({"text": ""}, "text"),
        ({"text": "x" * 2_001}, "text"),
        ({"text": "Hi", "metadata": "m" * 1_001}, "metadata"),
        ({"text": "Hi", "quick_replies": [QUICK] * 14}, "quick_replies"),
        ({"text": "Hi", "quick_replies": [{**QUICK, "title": "t" * 21}]}, "title"),
        ({"text": "Hi", "quick_replies": [{"content_type": []}]}, "content_type"),
        ({"text": "Hi", "attachment": {"type": "image", "payload": {"url": URL}}}, "send two"),
        ({"text": "Hi", "reply_to": "m_1"}, "reply_to"),
        ({"attachment": {"type": "hologram", "payload": {}}}, "attachment.type"),
        ({"attachment": {"type": "image", "payload": {}}}, "url"),
        ({"attachment": {"type": "image", "payload": {"attachment_id": "5"}}}, "attachment_id"),
        (_template(template_type="button", text="t", buttons=[{"title": "t" * 21}]), "buttons.title"),
        (_template(template_type="generic", elements=[{"title": "t", "subtitle": "t" * 81}]), "elements.subtitle"),
        (_template(template_type="generic", elements=["x"]), "elements"),
        ({"attachment": {"type": "image", "payload": []}}, "payload"),
        (_template(template_type="button", text="t", buttons=[]), "buttons"),
        (_template(template_type="button", text="t" * 641, buttons=[{}]), "text"),
        (_template(template_type="generic", elements=[ELEMENT] * 11), "elements"),
        (_template(template_type="button", text="t", buttons=[{"title": "Yes", "payload": "Y"}]), "web_url"),
        (_template(template_type="product", elements=[{"id": "1"}]), "no item"),
        (_template(template_type="receipt"), "recipient_name"),
        (_template(**RECEIPT | {"summary": {}}), "total_cost"),
        (_template(**RECEIPT | {"summary": {"total_cost": "much"}}), "numbers"),
        (_template(template_type="poem"), "poem"),
    ],
)
def test_bad_messages_are_refused_by_name(message: dict[str, Any], named: str) -> None:
    """The refusal is code 100, names the member, and nothing is sent."""
    world, page = _conversing()
    with pytest.raises(GraphError, match=named) as caught:
        send(_call(world, page, message=message))
    assert (100, 1) == (caught.value.code, len(page.threads[PSID].messages))


def test_reusable_attachments_are_sent_again_by_id() -> None:
    """An upload, or a message whose attachment is reusable, gives an id that later messages may name."""
    world, page = _conversing()
    reusable = {"attachment": {"type": "image", "payload": {"url": URL, "is_reusable": True}}}
    for answer in (send(_call(world, page, message=reusable)), upload(_call(world, page, message=reusable))):
        again = {"attachment": {"type": "image", "payload": {"attachment_id": answer["attachment_id"]}}}
        assert "attachment_id" in send(_call(world, page, message=again))
        assert URL == page.threads[PSID].messages[-1].attachments[0]["payload"]["url"]
    with pytest.raises(GraphError, match="is_reusable"):
        upload(_call(world, page, message={"attachment": {"type": "image", "payload": {"url": URL}}}))


@pytest.mark.parametrize(("size", "subcode"), [(25_000_000, None), (25_000_001, 2018109)])
def test_files_travel_in_the_body_up_to_a_size(size: int, subcode: int | None) -> None:
    """A file in the multipart body takes the place of a URL; a too big one is 100/2018109."""
    world, page = _conversing()
    message = {"attachment": {"type": "file", "payload": {}}}
    call = _call(world, page, message=message, filedata={"filename": "a.pdf", "size_bytes": size})
    if subcode is None:
        send(call)
        assert page.threads[PSID].messages[-1].attachments[0]["payload"]["url"].endswith("a.pdf")
        return
    with pytest.raises(GraphError) as caught:
        send(call)
    assert (100, subcode) == (caught.value.code, caught.value.subcode)


def test_unreachable_people_are_551() -> None:
    """Who left cannot be written to."""
    world, page = _conversing()
    page.profiles[PSID].reachable = False
    with pytest.raises(GraphError) as caught:
        send(_call(world, page, message={"text": "Hi"}))
    assert (551, 1545041) == (caught.value.code, caught.value.subcode)


def test_utility_messages_need_an_approved_template() -> None:
    """An approved template may be sent at any time, another one never."""
    world, page = _conversing()
    world.clock.advance(30 * 86_400)
    page.templates = ["order_sent"]
    template = {"name": "order_sent", "language": {"code": "en"}}
    assert PSID == send(_call(world, page, messaging_type="UTILITY", message={"template": template}))["recipient_id"]
    with pytest.raises(GraphError, match="promo"):
        send(_call(world, page, messaging_type="UTILITY", message={"template": {"name": "promo"}}))


def test_the_human_agent_feature_must_be_granted() -> None:
    """Without the feature the tag does not help."""
    world, page = _conversing()
    world.apps[APP_ID].human_agent = False
    with pytest.raises(GraphError) as caught:
        send(_call(world, page, messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT", message={"text": "Hi"}))
    assert 10 == caught.value.code


def test_a_thread_of_another_app_is_not_ours_to_write_to() -> None:
    """While another app controls the thread, sending is refused."""
    world, page = _conversing()
    page.owner_app_by_psid[PSID] = "5"
    with pytest.raises(GraphError, match="controls this thread"):
        send(_call(world, page, message={"text": "Hi"}))


def test_actions_stand_alone() -> None:
    """A sender action is noted; with a message beside it it is refused; an unknown one too."""
    world, page = _conversing()
    assert {"recipient_id": PSID} == send(_call(world, page, sender_action="typing_on"))
    send(_call(world, page, sender_action="mark_seen"))
    assert (["TYPING_ON", "MARK_SEEN"], 0) == (page.threads[PSID].actions, page.threads[PSID].unread)
    for params in ({"sender_action": "typing_on", "message": {"text": "Hi"}}, {"sender_action": "wave"}):
        with pytest.raises(GraphError, match="sender_action"):
            send(_call(world, page, **params))


def test_old_messages_cannot_be_read() -> None:
    """Only the newest messages have readable text; lists leave that of older ones out, they themselves seem deleted."""
    world, page = _conversing(readable_messages=2)
    receive(world, page, PSID, text="Second")
    receive(world, page, PSID, text="Third")
    read, thread = NODES["Message"].fields["message"], page.threads[PSID]
    assert [None, "Second", "Third"] == [read(_call(world, page), message) for message in thread.messages]
    with pytest.raises(GraphError, match="no longer available"):
        read(replace(_call(world, page), node=thread.messages[0]), thread.messages[0])


def test_answers_echo_to_subscribed_apps_only() -> None:
    """Without a subscription nothing waits to be told."""
    world, page = _conversing()
    send(_call(world, page, message=orjson.dumps({"text": "Hi"}).decode()))
    assert [] == world.outbox.updates
