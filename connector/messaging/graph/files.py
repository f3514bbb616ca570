"""How Meta is given a file to be sent later."""

from datetime import timedelta
from typing import Any

from connector.graph.call import Call, Effect, File
from connector.messaging.graph.limits import bucket


def upload(page_id: str, kind: str, file: File) -> Call[str]:
    """Give Meta a file; the answer is its id for it. A second run makes another id, and nobody sees either before it is sent."""
    # SDK 26.0.3, page.py: the edge message_attachments. Unverified: `filedata` beside `message` in one multipart body is recalled.
    message = {"attachment": {"type": kind, "payload": {"is_reusable": True}}}
    return Call(
        "POST",
        f"{page_id}/message_attachments",
        _read_id,
        body={"message": message},
        file=file,
        bucket=bucket(page_id),
        effect=Effect.REPEATABLE,
        timeout=timedelta(seconds=60),
    )


def _read_id(answer: Any) -> str:
    # Unverified: the shape of the answer is recalled.
    return str(int(answer["attachment_id"]))
