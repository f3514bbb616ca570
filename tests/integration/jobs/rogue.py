"""A worker whose tasks are done by a test's action: `python -m tests.integration.jobs.rogue ACTION LANE…`."""

import sys

from jobs.worker import main
from tests.integration.jobs.acts import plans

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], plans=plans(sys.argv[1])))
