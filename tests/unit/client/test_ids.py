"""Ids fit the contract, stay the same and never meet; the ledger knows each once."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from client.catalogues.ids import SeenIds, fit_id

TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)
FITTING = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(TEXTS)
def test_every_text_becomes_a_valid_id(text: str) -> None:
    """Whatever a file calls its products, the contract takes the id, and the same text gives it again."""
    fitted = fit_id(text)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", fitted)
    assert fitted == fit_id(text)


@given(TEXTS, TEXTS)
def test_two_texts_never_share_an_id(one: str, other: str) -> None:
    """Different names stay different, also where only a sign that ids cannot hold tells them apart."""
    assert (one == other) == (fit_id(one) == fit_id(other))


@given(TEXTS)
def test_an_altered_id_is_not_anybodys_own(text: str) -> None:
    """A product that is called like another one's altered id gets an id of its own."""
    fitted = fit_id(text)
    assert text == fitted or fit_id(fitted) != fitted


@given(FITTING.filter(lambda text: not re.search(r"-[0-9a-f]{16}$", text)))
def test_an_id_that_fits_is_kept(text: str) -> None:
    """An id the contract takes is not touched."""
    assert text == fit_id(text)


def test_an_altered_id_stays_legible() -> None:
    """What can be read of a name is kept in front of the hash."""
    assert fit_id("Café Crème / 350 ml").startswith("Cafe-Creme-350-ml-")


@given(st.lists(FITTING, max_size=30))
def test_the_digest_is_the_contracts(ids: list[str]) -> None:
    """The ledger's count and digest are those of `CommitSnapshot`, in whatever order ids came and how often."""
    ledger = SeenIds()
    for product_id in ids:
        ledger.add(product_id)
    lines = "".join(f"{product_id}\n" for product_id in sorted(set(ids)))
    assert (len(set(ids)), hashlib.sha256(lines.encode()).hexdigest()) == (len(ledger), ledger.digest())
    ledger.close()


def test_an_id_that_comes_again_is_noticed() -> None:
    """Only the first time an id is new."""
    ledger = SeenIds()
    assert [True, True, False] == [ledger.add("a"), ledger.add("b"), ledger.add("a")]
    ledger.close()
