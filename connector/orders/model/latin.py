"""Writes names and addresses in ASCII, for labels and old systems.

Accents go; letters of Latin, Greek and Cyrillic that are not a letter and an accent are spelled out. Other scripts have no
letter for letter in ASCII: their letters are left out, so a field in such a script alone comes out empty, and the original counts.
"""
# ruff: noqa: RUF001, RUF003 – letters that look like others are what this is about

import unicodedata
from collections.abc import Mapping
from typing import Any

_LATIN = "ß ss æ ae œ oe ø o đ d ð d þ th ł l ħ h ı i ĸ k ŋ ng ŧ t ə e ƒ f"
_GREEK = "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o"
_CYRILLIC = (
    "а a б b в v г g ґ g д d ђ dj е e є ye ж zh з z и i і i ї yi й y ј j к k л l љ lj м m н n њ nj о o п p р r с s т t ћ c "
    "у u ў u ф f х kh ц ts ч ch џ dz ш sh щ shch ъ - ы y ь - э e ю yu я ya ё yo"
)
_MARKS = '‘ \' ’ \' ‚ \' “ " ” " „ " « " » " – - — - ‐ - ‑ - − - … ... ′ \' № No × x ¿ ? ¡ ! · .'


def _table() -> dict[int, str]:
    words = f"{_LATIN} {_GREEK} {_CYRILLIC} {_MARKS}".split()
    pairs = {letter: "" if plain == "-" and letter.isalpha() else plain for letter, plain in zip(words[::2], words[1::2], strict=True)}  # fmt: skip
    capitals = {letter.upper(): plain.capitalize() for letter, plain in pairs.items() if len(letter.upper()) == 1}
    return {ord(letter): plain for letter, plain in {**capitals, **pairs}.items()}


_SPELLED = _table()


def to_ascii(text: str) -> str:
    """Write a text in ASCII; what cannot be written is left out."""
    # Composed first: й and ё are letters of their own, not и and е with an accent.
    spelled = unicodedata.normalize("NFC", text).translate(_SPELLED)
    bare = unicodedata.normalize("NFKD", spelled).translate(_SPELLED)
    return " ".join(bare.encode("ascii", "ignore").decode().split())


def ascii_address(address: Mapping[str, Any]) -> dict[str, Any] | None:
    """Write an address in ASCII; None when it is already."""
    if all(str(value).isascii() for value in address.values()):
        return None
    return {name: to_ascii(str(value)) for name, value in address.items()}
