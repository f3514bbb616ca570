"""What a Page's messages are made of beside words: templates that Meta approved, and files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

APPROVED = "APPROVED"
# SDK 26.0.3, page.py: the statuses of message templates; the rest of Meta's words are shown as they are.
_STATES = {
    "PENDING": "PENDING",
    "IN_APPEAL": "PENDING",
    APPROVED: APPROVED,
    "REJECTED": "REJECTED",
    "PAUSED": "PAUSED",
    "LIMIT_EXCEEDED": "PAUSED",
    "DISABLED": "DISABLED",
    "ARCHIVED": "DISABLED",
}


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places, that Meta approves before it is sent."""

    id: str
    name: str
    language: str
    category: str
    status: str
    body: str
    parameter_count: int
    update_time: datetime | None = None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "template_id": self.id,
            "name": self.name,
            "language": self.language,
            "state": f"STATE_{_STATES.get(self.status, 'UNSPECIFIED')}",
            "meta_status": self.status,
            "body": self.body,
            "parameter_count": self.parameter_count,
            "update_time": self.update_time,
        }


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way to Meta, or there: then `attachment_id` is Meta's id for it."""

    id: UUID
    connection_id: UUID
    sha256: str
    file_name: str
    content_type: str
    size_bytes: int
    received_bytes: int
    attachment_id: str
    expire_time: datetime

    @property
    def kind(self) -> str:
        """Tell Meta's word for what it is."""
        kind = self.content_type.partition("/")[0]
        return kind if kind in {"image", "audio", "video"} else "file"

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "upload_id": str(self.id),
            "next_byte": self.received_bytes,
            "complete": bool(self.attachment_id),
            "expire_time": self.expire_time,
        }
