"""The data map: every column of every table, what it holds and how long it stays. The sweep carries it out.

A column without a class, and an entry without a column, fail the build. `docs/privacy.md` is written from here.
"""

from collections.abc import Mapping

from connector.privacy.model.classes import DataClass, Entry
from connector.privacy.model.data_map.goods import GOODS
from connector.privacy.model.data_map.people import PEOPLE
from connector.privacy.model.data_map.trade import TRADE
from connector.privacy.model.data_map.upkeep import UPKEEP

DATA_MAP: Mapping[str, Entry] = dict(sorted({**GOODS, **PEOPLE, **TRADE, **UPKEEP}.items()))
"""What every column holds, by table."""


def columns_of(table: str, kind: DataClass) -> tuple[str, ...]:
    """List a table's columns of one class."""
    return tuple(name for name, held in DATA_MAP[table].columns.items() if held is kind)


def write_page() -> str:
    """Write `docs/privacy.md`."""
    head = f"{_HEAD}\n| table | rows stay | a person leaves it by | columns |\n|---|---|---|---|\n"
    return head + "".join(f"{_line(name, told)}\n" for name, told in DATA_MAP.items())


def _line(name: str, told: Entry) -> str:
    kinds = [
        f"{kind.lower()}: {', '.join(columns)}"
        for kind in DataClass
        if (columns := [one for one, held in told.columns.items() if held is kind])
    ]
    stay = "; ".join(map(str, told.retention))
    return f"| `{name}` | {stay} | {told.erased_by or '–'} | {'; '.join(kinds)} |"


_HEAD = """# Personal data

Written from the data map in `connector/privacy/model/data_map/`; a test holds the two, and the tables, together.

- **By age**: the sweep goes through the map every hour. How long a store's messages stay is its own setting (`UpdatePrivacySettings`, 30 to 3,650 days).
- **By a person's wish**: `DeletePersonalData` goes through every table that names a step below; `GetDeletion` tells how far it is and what was removed. Only hashes stay, so that old webhooks of that person store nothing.
- **By Meta's word**: when a merchant removes the app (deauthorize callback) tokens are wiped in the same transaction; when they ask Meta for deletion, what is theirs goes the same way as above, with a status page.
- **Tokens** are sealed and never leave the database unsealed. Logs hold no texts, names or ids of people.
"""
