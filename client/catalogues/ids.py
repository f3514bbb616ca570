"""Ids that fit the contract, and a ledger of those a file has used.

The same text gives the same id for ever; two texts never share one. The ledger lies on disk, so a million products cost no
memory.
"""

import hashlib
import re
import sqlite3
import unicodedata

FITS = re.compile(r"[A-Za-z0-9_-]{1,64}")
# An unaltered id never ends like an altered one, so the two kinds cannot meet.
ALTERED = re.compile(r".*-[0-9a-f]{16}", re.DOTALL)
STEM_LENGTH = 47


def fit_id(text: str) -> str:
    """Return `text` when the contract takes it; otherwise what is legible of it and a hash of all of it."""
    if FITS.fullmatch(text) and not ALTERED.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-")[:STEM_LENGTH].rstrip("-")
    return f"{stem or 'id'}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class SeenIds:
    """The different ids seen so far, in a private temporary file that goes away with the process."""

    def __init__(self) -> None:
        # An empty name is SQLite's private on-disk database.
        self._ledger = sqlite3.connect("", isolation_level=None)
        self._ledger.execute("PRAGMA journal_mode = OFF")
        self._ledger.execute("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._ledger.execute("BEGIN")  # one transaction: a commit per id would take most of the time

    def add(self, product_id: str) -> bool:
        """Note an id; False when it is there already."""
        added = self._ledger.execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (product_id.encode(),))
        return added.rowcount == 1

    def __len__(self) -> int:
        return int(self._ledger.execute("SELECT count(*) FROM seen").fetchone()[0])

    def digest(self) -> str:
        """Return what `CommitSnapshot` wants: SHA-256 over the ids in byte order, a line feed after each."""
        digest = hashlib.sha256()
        for (product_id,) in self._ledger.execute("SELECT id FROM seen ORDER BY id"):
            digest.update(product_id + b"\n")
        return digest.hexdigest()

    def close(self) -> None:
        """Let the temporary file go."""
        self._ledger.close()
