"""Words and numbers that shops write in many ways: barcodes, category paths, weights, days, countries."""

import re
from datetime import date

from connector.catalog.model.text import clean, cut

_LONGEST_PATH = 750
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# SDK 26.0.3, productitem.py, OriginCountry: ISO 3166-1 alpha-2 with AN, AQ and XK.
_CODES = """
    AC AD AE AF AG AI AL AM AN AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS
    IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM
    MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS
    PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK
    TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())


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


def day(text: str) -> str | None:
    """Read a day as `2026-12-31`; None when there is no such day."""
    try:
        return text if _DAY.fullmatch(text) and date.fromisoformat(text) else None
    except ValueError:
        return None


def thousandths(amount: int) -> str:
    """Write an amount given in thousandths as a decimal number without trailing zeros."""
    whole, rest = divmod(amount, 1_000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)
