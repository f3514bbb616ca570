"""Addresses in ASCII."""
# ruff: noqa: RUF001 – letters that look like others are what this is about

import pytest

from connector.orders.model.latin import ascii_address, to_ascii


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Rue de l’Église 12 – bât. Ü", "Rue de l'Eglise 12 - bat. U"),
        ("Łódź, Straße ß, Ærø, İstanbul, ŞIŞLI", "Lodz, Strasse ss, AEro, Istanbul, SISLI"),
        ("Αθήνα", "Athina"),
        ("Щорса, Київ, Ёлка", "Shchorsa, Kiyiv, Yolka"),
        ("東京 Tokyo 1", "Tokyo 1"),
        ("ঢাকা", ""),
        ("plain", "plain"),
    ],
)  # fmt: skip
def test_a_text_is_written_in_ascii(text: str, plain: str) -> None:
    """Accents go, letters are spelled out, and what has no counterpart is left out rather than guessed."""
    assert to_ascii(text).isascii()
    assert plain.upper() == to_ascii(text).upper()


def test_an_address_that_is_ascii_has_no_second_form() -> None:
    """Nothing is told twice."""
    assert ascii_address({"name": "J Doe", "city": "Boston"}) is None
