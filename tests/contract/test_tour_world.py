"""The tour's Meta, browser and buyer against the real simulator, over real HTTP."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request

import pytest

from client.tour.simulation import NotReached, Simulation, allow, fetch
from tests.contract.simulator_server import APP_ID, APP_SECRET, Meta, running_meta


@pytest.fixture(scope="module")
def meta() -> Iterator[Meta]:
    """Serve one simulator for the module; every test makes a world of its own."""
    with running_meta() as meta:
        yield meta


def test_every_tour_has_its_own_world(meta: Meta) -> None:
    """Two tours share neither merchant nor Page, and a world that is made again stays."""
    simulation = Simulation(meta.url)
    first, second = simulation.seed(1), simulation.seed(2)
    assert first == simulation.seed(1)
    assert not {first.user_id, first.page_id, first.psid} & {second.user_id, second.page_id, second.psid}


def test_the_dialog_is_walked_as_a_browser_would(meta: Meta) -> None:
    """Allow is pressed for the right merchant, and the walk ends at the callback with code and state."""
    world = Simulation(meta.url).seed(3)
    callback = f"{meta.url}/_simulator"
    query = {
        "client_id": APP_ID,
        "redirect_uri": callback,
        "state": "a b&c",
        "scope": "pages_messaging,catalog_management",
    }
    landed = urlsplit(allow(f"{meta.url}/v26.0/dialog/oauth?{urlencode(query)}", world.user_id))
    answer = parse_qs(landed.query)
    assert (["a b&c"], 1) == (answer["state"], len(answer["code"]))


def test_a_dialog_that_refuses_is_told(meta: Meta) -> None:
    """An app Meta does not know ends the walk with Meta's own words."""
    with pytest.raises(NotReached, match="Invalid App ID"):
        allow(f"{meta.url}/v26.0/dialog/oauth?client_id=1&redirect_uri=http://127.0.0.1/", "1")


def test_a_buyer_writes_and_reads(meta: Meta) -> None:
    """What the buyer writes is in the conversation, letter by letter."""
    simulation = Simulation(meta.url)
    world = simulation.seed(4)
    mid = simulation.write(world, "আছে? ☕")
    assert [(mid, "আছে? ☕")] == [(message["mid"], message["text"]) for message in simulation.messages(world)]


def test_a_buyer_orders_in_metas_checkout(meta: Meta) -> None:
    """The order stands at the Page in the currency the tour sells in; without an app that manages orders it goes on by itself."""
    simulation = Simulation(meta.url)
    world = simulation.seed(6)
    simulation.open_shop(world)
    order = simulation.read_order(simulation.order(world, "LAMP-1", 3, "USD"))
    assert ("IN_PROGRESS", "USD", [("LAMP-1", 3)], 0) == (
        order["state"],
        order["currency"],
        [(item["retailer_id"], item["quantity"]) for item in order["items"]],
        order["refunded_total"],
    )
    assert [] == simulation.conversions(world)


def test_a_catalog_is_read_to_its_end(meta: Meta) -> None:
    """All items come, more than a page of them, and one can be asked for by its name."""
    catalog_id, token = meta.seed["catalogs"][0]["id"], meta.seed["user"]["token"]
    data = {"title": "Mug", "price": "9.99 USD", "availability": "in stock", "condition": "new", "brand": "Acme"}
    links = {"link": "https://s.example/m", "image_link": "https://i.example/m.jpg", "description": "Clay"}
    names = [f"item-{number}" for number in range(1_001)]
    requests = [{"method": "UPDATE", "data": {"id": name, **data, **links}} for name in names]
    meta.control("PATCH", "/switches", {"batch_seconds": 0.0})
    post_items(meta, catalog_id, token, requests)
    simulation = Simulation(meta.url)
    assert sorted(names) == sorted(str(item["retailer_id"]) for item in simulation.items(catalog_id))
    assert ("Mug", None) == (
        (simulation.item(catalog_id, "item-7") or {}).get("title"),
        simulation.item(catalog_id, "no"),
    )


def post_items(meta: Meta, catalog_id: str, token: str, requests: Sequence[Mapping[str, object]]) -> None:
    """Put items into the catalog as any app would."""
    proof = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
    batch = {"item_type": "PRODUCT_ITEM", "allow_upsert": "true", "requests": json.dumps(requests)}
    form = {"access_token": token, "appsecret_proof": proof, **batch}
    url = f"{meta.url}/v26.0/{catalog_id}/items_batch"
    fetch(Request(url, urlencode(form).encode(), method="POST"))  # noqa: S310 - our own simulator


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "{}/nowhere"])
def test_a_simulator_that_is_not_there_is_told(meta: Meta, url: str) -> None:
    """A wrong address is a sentence, not a traceback."""
    with pytest.raises(NotReached, match=r"cannot be reached|answered 4"):
        Simulation(url.format(meta.url)).seed(5)
