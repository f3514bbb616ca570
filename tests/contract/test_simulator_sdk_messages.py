"""Meta's own SDK reads and writes what conversations are made of beside words: people, files, templates, Instagram."""

from io import BytesIO

import pytest
import requests
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.profile import Profile
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.simulator_server import Meta

# The SDK has no class for messages and attachments, and warns that their fields are none of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not allow field:UserWarning")


def _psid(meta: Meta) -> str:
    return str(meta.seed["pages"][0]["people"][0]["psid"])


def test_a_template_lives_and_ends(meta: Meta, page: Page) -> None:
    """Created it is PENDING, looked at it is APPROVED; its name is taken once per language; deleted it is gone."""
    body = {"type": "BODY", "text": "Order {{1}} is on its way.", "example": {"body_text": [["1001"]]}}
    wanted = {"name": "shipped", "language": "en", "category": "UTILITY", "components": [body]}
    created = page.create_message_template(params=wanted)
    with pytest.raises(FacebookRequestError) as taken:
        page.create_message_template(params=wanted)
    assert 100 == taken.value.api_error_code()
    meta.advance(3_600)
    (listed,) = page.get_message_templates(fields=["name", "status", "components"], params={"name": "shipped"})
    assert (created["id"], "APPROVED", [body]) == (listed["id"], listed["status"], listed["components"])
    assert [] == list(page.get_message_templates(params={"name": "other"}))
    page.delete_message_templates(params={"name": "shipped"})
    assert [] == list(page.get_message_templates())


def test_a_file_is_kept_and_sent_by_its_id(meta: Meta, page: Page, page_api: FacebookAdsApi) -> None:
    """What is uploaded once has an id that messages name; an id of nothing is refused."""
    message = '{"attachment": {"type": "image", "payload": {"is_reusable": true}}}'
    url = f"{meta.url}/{FacebookAdsApi.API_VERSION}/{page['id']}/message_attachments"
    token = meta.seed["pages"][0]["token"]
    kept = requests.post(
        url,
        data={"message": message, **_proof(page_api), "access_token": token},
        files={"filedata": ("scarf.jpg", BytesIO(b"\xff\xd8\xff"), "image/jpeg")},
        timeout=10,
    ).json()
    meta.control("POST", f"/pages/{page['id']}/messages", {"psid": _psid(meta), "text": "A picture?"})
    for attachment_id, accepted in ((kept["attachment_id"], True), ("1", False)):
        attachment = {"type": "image", "payload": {"attachment_id": attachment_id}}
        sent = {"recipient": {"id": _psid(meta)}, "messaging_type": "RESPONSE", "message": {"attachment": attachment}}
        if accepted:
            assert page_api.call("POST", (page["id"], "messages"), params=sent).json()["message_id"]
        else:
            with pytest.raises(FacebookRequestError):
                page_api.call("POST", (page["id"], "messages"), params=sent)


def _proof(api: FacebookAdsApi) -> dict[str, str]:
    """The proof that the SDK adds to every call."""
    return {"appsecret_proof": api._session.appsecret_proof}


def test_who_wrote_is_told(meta: Meta, page_api: FacebookAdsApi) -> None:
    """A person's profile has the names and the picture that Messenger shows."""
    told = Profile(_psid(meta), api=page_api).api_get(fields=["first_name", "last_name", "profile_pic"])
    assert all(told[name] for name in ("first_name", "last_name", "profile_pic"))


def test_instagram_has_a_list_of_its_own(meta: Meta, page: Page) -> None:
    """Conversations of the two platforms stand apart, and changes are found by time."""
    wrote = {"psid": "178000000000777", "text": "Direct", "platform": "INSTAGRAM"}
    meta.control("POST", f"/pages/{page['id']}/messages", wrote)
    meta.control("POST", f"/pages/{page['id']}/messages", {"psid": _psid(meta), "text": "Messenger"})
    params = {"platform": "INSTAGRAM"}
    (direct,) = page.get_conversations(fields=["participants", "updated_time"], params=params)
    assert "178000000000777" in {one["id"] for one in direct["participants"]["data"]}
    assert [] == list(page.get_conversations(params=params | {"updated_after_ms": 99_999_999_999_999}))
    assert direct["id"] not in {one["id"] for one in page.get_conversations(params={"platform": "MESSENGER"})}
