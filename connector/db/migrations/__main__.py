"""Writes the next migration (`make migration NAME='what it does'`): what the tables of the code have and the database has not.

The database at DATABASE_URL must be up to date. Read what was written before committing it: a renamed column looks like a new one.
"""

import os
import sys

from connector.db.migrations import history
from connector.settings import read_database_url

if __name__ == "__main__":
    history.write(read_database_url(os.environ), " ".join(sys.argv[1:]))
