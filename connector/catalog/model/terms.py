"""Words and numbers that shops write in many ways: option names, barcodes, category paths."""

import re
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import normalize

from connector.catalog.model.text import clean, cut

# https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21): the four variant fields and their limits.
AXES = {"color": 100, "size": 100, "pattern": 100, "material": 200}
_SPELLINGS = {
    "color": """color colour colors colours farbe couleur colore cor kleur färg farve farge väri renk kolor barva culoare цвет колір
        χρώμα لون رنگ रंग রং রঙ 颜色 顏色 色 カラー 색상 màu warna สี""",
    "size": """size sizes größe grösse groesse taille talla tamaño tamano taglia misura tamanho maat storlek størrelse koko beden boyut
        rozmiar velikost mărime размер розмір μέγεθος مقاس حجم اندازه आकार সাইজ 尺寸 尺码 尺碼 サイズ 사이즈 ukuran ขนาด""",
    "pattern": "pattern muster motif motiv patrón patron estampado motivo padrão patroon mönster mønster desen wzór vzor узор نمط প্যাটার্ন 图案 柄 무늬",
    "material": """material materials fabric werkstoff matière matiere matériau materiale materiaal materiaali malzeme materiał materiál
        материал матеріал υλικό خامة مواد सामग्री উপাদান 材料 材质 材質 素材 소재 bahan วัสดุ""",
}
# Only these: vowel signs of many scripts are no letters, but part of the word.
_LOOSE = re.compile(r"[\s_\-.:/()]+")


@lru_cache(maxsize=4_096)
def _folded(name: str) -> str:
    return _LOOSE.sub("", normalize("NFC", name).casefold())


_AXIS_OF = {_folded(word): axis for axis, words in _SPELLINGS.items() for word in words.split()}
_SEPARATORS = re.compile(r"[,:]+")
_LONGEST_PATH = 750


def axes(options: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Sort options into Meta's four variant fields and the rest, `name:value,name:value`; a second spelling joins the rest."""
    known: dict[str, str] = {}
    rest: list[str] = []
    for name in sorted(options):
        value = clean(options[name])
        axis = _AXIS_OF.get(_folded(name))
        if not value:
            continue
        if axis and axis not in known:
            known[axis] = value
        else:
            rest.append(f"{_separate(clean(name))}:{_separate(value)}")
    return known, ",".join(rest)


def _separate(text: str) -> str:
    return " ".join(_SEPARATORS.sub(" ", text).split())


def barcode(gtin: str) -> str | None:
    """Read a GTIN-8, -12, -13 or -14; None when the length or the check digit is wrong."""
    digits = gtin.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) in {8, 12, 13, 14}) or not digits.strip("0"):
        return None
    # https://www.gs1.org/services/how-calculate-check-digit-manually (recalled): weights 3 and 1 from the right.
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return digits if total % 10 == 0 else None


def category_path(categories: tuple[str, ...]) -> str:
    """Join a category path; when it is too long the innermost categories are kept."""
    names = [name for name in (clean(category).replace(">", "/") for category in categories) if name]
    while len(names) > 1 and len(" > ".join(names)) > _LONGEST_PATH:
        names.pop(0)
    return cut(" > ".join(names), _LONGEST_PATH)
