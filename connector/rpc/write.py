"""Values into responses: the small conversions every feature needs."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from connector.values import Environment
from stormcom.facebook.v1 import connection_pb2 as pb


def instant(value: datetime | None) -> Timestamp | None:
    """Write a moment; None leaves the field unset."""
    if value is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(value)
    return timestamp


def environment(value: Environment) -> pb.Environment.ValueType:
    """Write an environment."""
    return pb.ENVIRONMENT_TEST if value is Environment.TEST else pb.ENVIRONMENT_PRODUCTION
