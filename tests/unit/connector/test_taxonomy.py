"""Taxonomies: read as their publishers write them, looked up by id, path and words."""

from pathlib import Path

import pytest

from connector.taxonomy import Entry, Kind, Unknown, load, read

LIST = """# Google_Product_Taxonomy_Version: 2021-09-21
1 - Animals & Pet Supplies
166 - Apparel & Accessories
1604 - Apparel & Accessories > Clothing
212 - Apparel & Accessories > Clothing > Shirts & Tops
187 - Apparel & Accessories > Shoes
"""
FULL = read(LIST)


@pytest.mark.parametrize(
    "said",
    ["1604", "Apparel & Accessories > Clothing", " apparel &  accessories>CLOTHING "],
)
def test_a_category_is_found_by_id_and_path(said: str) -> None:
    """Case and blanks do not matter."""
    assert Entry("1604", "Apparel & Accessories > Clothing") == FULL.find(said)


@pytest.mark.parametrize(
    ("said", "close"),
    [
        ("Apparel & Accesories > Clothing", "Apparel & Accessories > Clothing"),
        ("Clothing > Shirts", "Apparel & Accessories > Clothing > Shirts & Tops"),
        ("Shoos", "Apparel & Accessories > Shoes"),
    ],
)
def test_what_the_full_list_lacks_is_unknown(said: str, close: str) -> None:
    """A wrong path is refused with what comes closest to it first."""
    with pytest.raises(Unknown) as caught:
        FULL.find(said)
    assert close == caught.value.close[0]


@pytest.mark.parametrize("said", ["999999", "Zzz", ">", ""])
def test_nothing_comes_close_to_nonsense(said: str) -> None:
    """What has no word in common with the list gets no advice."""
    with pytest.raises(Unknown) as caught:
        FULL.find(said)
    assert () == caught.value.close


@pytest.mark.parametrize(
    ("text", "edition", "entry"),
    [
        (LIST, "Google_Product_Taxonomy_Version: 2021-09-21", Entry("187", "Apparel & Accessories > Shoes")),
        ("category_id,category\r\n2,home\r\n3,home > beds\r\n", "2 categories", Entry("3", "home > beds")),
        ('\ufeff4,"home > sofas, chairs"', "1 categories", Entry("4", "home > sofas, chairs")),
    ],
)
def test_lists_are_read_as_published(text: str, edition: str, entry: Entry) -> None:
    """Plain and comma-separated lists are read, and say which edition they are."""
    found = read(text)
    assert (edition, entry) == (found.edition, found.find(entry.id))


def test_a_file_without_categories_is_refused(tmp_path: Path) -> None:
    """A wrong file is found out at once."""
    file = tmp_path / "list.txt"
    file.write_text("<html>")
    with pytest.raises(ValueError, match="Apparel"):
        load(Kind.GOOGLE, str(file))


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        (Kind.GOOGLE, "212", Entry("212", "")),
        (Kind.GOOGLE, "166", Entry("166", "Apparel & Accessories")),
        (Kind.GOOGLE, "apparel & accessories > Anything", Entry("", "apparel & accessories > Anything")),
        (Kind.META, "clothing > men", Entry("", "clothing > men")),
        (Kind.META, "429", Entry("429", "")),
    ],
)
def test_without_a_list_the_form_is_checked(kind: Kind, said: str, expected: Entry) -> None:
    """An id and a path that may exist are taken as they are."""
    assert expected == load(kind, "").find(said)


@pytest.mark.parametrize(
    ("kind", "said"),
    [(Kind.GOOGLE, "Clothes"), (Kind.GOOGLE, "Apparel & Accessories > > X"), (Kind.META, ""), (Kind.META, "x" * 251)],
)
def test_without_a_list_some_is_still_wrong(kind: Kind, said: str) -> None:
    """Google's first word, an empty part and a path that is too long are found out without a list."""
    with pytest.raises(Unknown):
        load(kind, "").find(said)


def test_a_search_finds_the_nearest_first() -> None:
    """Entries that share more words come first, then those that say them last, then shorter ones; an id finds its entry."""
    assert ["212", "1604"] == [one.id for one in FULL.search("clothing shirts", limit=2)]
    assert ["166"] == [one.id for one in FULL.search(" 166 ", limit=9)]
    assert [] == FULL.search("&", limit=9)
