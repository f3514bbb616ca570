"""Reads the ids of conversations that requests name."""

from uuid import UUID

from connector.messaging import db
from connector.rpc import read


def read_conversation_id(value: str) -> UUID:
    """Read the id of a conversation; a malformed one looks like a missing one."""
    return read.own_id(value, "conversation_id", db.missing(value))
