"""Option names and whom a product is for, in many languages."""

from collections.abc import Callable

import pytest

from connector.catalog.model.options import age_group_of, gender_of, sort_options


@pytest.mark.parametrize(
    ("options", "known", "rest"),
    [
        ({"Color": "red"}, {"color": "red"}, ""),
        ({"COLOUR": "red", "Größe": "M"}, {"color": "red", "size": "M"}, ""),
        ({"রঙ": "লাল", "সাইজ": "বড়"}, {"color": "লাল", "size": "বড়"}, ""),
        ({"Material": "wool", "Muster": "dots"}, {"material": "wool", "pattern": "dots"}, ""),
        ({"Scent": "rose", "Flavour": "mint"}, {}, "Flavour:mint,Scent:rose"),
        ({"Color": "red", "Colour": "blue"}, {"color": "red"}, "Colour:blue"),
        ({"Fit": "a,b:c"}, {}, "Fit:a b c"),
        ({"Size": "  "}, {}, ""),
        ({"Title": "Default"}, {}, "Title:Default"),
        ({"Gender": "Men", "Fit": "slim"}, {"gender": "male"}, "Fit:slim"),
        ({"Gender": "anyone"}, {}, "Gender:anyone"),
        ({"Size (EU)": "42"}, {"size": "42"}, ""),
        ({"Shoe size": "42"}, {"size": "42"}, ""),
        ({" C-O-L-O-R: ": "red"}, {"color": "red"}, ""),
        ({"<b>Farbe</b>": "rot"}, {}, "Farbe:rot"),
    ],
)
def test_options_are_sorted(options: dict[str, str], known: dict[str, str], rest: str) -> None:
    """Names are recognised in many languages and cases; the rest travels as name and value, free of separators."""
    assert (known, rest) == sort_options(options)[:2]


def spaced(name: str) -> str:
    """Write a name as forms do."""
    return f" {name}: "


def wide(name: str) -> str:
    """Write Latin letters as wide as East Asian ones."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in name)


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", "Colour Size Pattern Material"), ("de", "Farbe Größe Muster Material"), ("fr", "Couleur Taille Motif Matière"),
        ("es", "Color Talla Estampado Material"), ("it", "Colore Taglia Motivo Materiale"), ("pt", "Cor Tamanho Estampa Tecido"),
        ("nl", "Kleur Maat Patroon Materiaal"), ("pl", "Kolor Rozmiar Wzór Materiał"), ("tr", "RENK BEDEN DESEN KUMAŞ"),
        ("ru", "Цвет Размер Узор Материал"), ("uk", "Колір Розмір Візерунок Матеріал"), ("ar", "اللون المقاس نقش القماش"),
        ("hi", "रंग आकार पैटर्न सामग्री"), ("bn", "রঙ সাইজ নকশা কাপড়"), ("id", "Warna Ukuran Corak Bahan"), ("ja", "カラー サイズ 柄 素材"),
        ("ko", "색상 사이즈 무늬 소재"), ("zh", "颜色 尺码 图案 材质"), ("vi", "Màu-sắc Kích-thước Hoa-văn Chất-liệu"), ("th", "สี ขนาด ลาย วัสดุ"),
        ("without accents", "Couleur Tamano Patron Matiere"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [str, str.upper, str.lower, spaced, wide])
def test_names_are_known_in_the_languages_of_merchants(language: str, names: str, write: Callable[[str], str]) -> None:
    """Each of Meta's four fields is found under its usual name in each language, however that is written."""
    options = {write(name.replace("-", " ")): str(place) for place, name in enumerate(names.split())}
    assert {"color": "0", "size": "1", "pattern": "2", "material": "3"} == sort_options(options).known, language


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("Men's", "male"),
        ("KADIN", "female"),
        ("kad\u0131n", "female"),
        ("男女兼用", "unisex"),
        ("robots", None),
        ("", None),
    ],
)
def test_gender_of(word: str, read: str | None) -> None:
    """Many words for Meta's three."""
    assert read == gender_of(word)


@pytest.mark.parametrize(
    ("word", "read"), [("Kids", "kids"), ("all_ages", "all ages"), ("Teenager", "teen"), ("old", None)]
)
def test_age_group_of(word: str, read: str | None) -> None:
    """Many words for Meta's seven."""
    assert read == age_group_of(word)
