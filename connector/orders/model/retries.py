"""When an order in quarantine is tried again by itself: Meta may have mended it, or a release of ours learned to read it. Pure."""

from datetime import datetime, timedelta

_FIRST, _LONGEST = timedelta(hours=1), timedelta(days=1)
_MOST = 35
"""Of these the pauses come to a month: what is not mended by then waits for a person alone."""


def next_try(tries: int, *, at: datetime) -> datetime | None:
    """Tell when it is tried again after so many tries in vain; None when only a person has it tried again."""
    return at + min(_FIRST * 2 ** (tries - 1), _LONGEST) if tries <= _MOST else None
