"""Passing troubles of the database and of the lease: the task's, not the signal's."""

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from connector.db.outbox import LeaseLost

# Passing troubles of the database and of the lease: the task's, not the signal's.
PASSING = (OperationalError, InterfaceError, PoolTimeoutError, OSError, LeaseLost)
