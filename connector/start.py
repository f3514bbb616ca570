"""How every process starts: settings, log and traces first; what keeps it from its work is one sentence and exit code 1.

Expected is a dependency that is too old, a wrong setting, a server that does not answer, an address that is taken, another schema. Anything else is a fault
of ours and keeps its traceback.
"""

import gc
import os
import resource
import sys
from collections.abc import Callable

import sqlalchemy.exc

from connector import floors, log
from connector.db import migrations, walls
from connector.settings import Settings, SettingsError

_NEW_OBJECTS = 50_000
"""So many are made before Python looks for cycles among them. Measured: its usual 700 takes a third of the time of storing stock."""


def run(work: Callable[[Settings], None]) -> int:
    """Read the settings and work with them; return the exit code."""

    def with_settings() -> None:
        settings = Settings.read(os.environ)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold keys and tokens
        log.configure(level=settings.log_level, form=settings.log_format)
        gc.freeze()  # what is loaded by now stays, and is never looked through again
        gc.set_threshold(_NEW_OBJECTS)
        work(settings)

    return explained(with_settings)


def explained(work: Callable[[], None]) -> int:
    """Work; return the exit code, and say on stderr what was in the way."""
    try:
        floors.require()
        work()
    except (floors.TooOldError, SettingsError, migrations.WrongSchemaError, walls.NoWallError) as problem:
        return _refuse(str(problem))
    except sqlalchemy.exc.OperationalError as problem:
        # libpq appends an advice on lines of their own.
        return _refuse(f"The database at DATABASE_URL cannot be reached: {str(problem.orig).splitlines()[0]}")
    return 0


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 – the one place of a process that speaks to a terminal
    return 1
