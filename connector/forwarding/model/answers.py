"""How an answer finds its conversation: by a token in the address it is sent to, which only we can make, for one store only.

A token is the conversation's id and a mark over store and conversation. It is no secret: whoever got the mail may answer. It never ends;
a conversation that is gone is not found.
"""

import base64
import binascii
import hmac
import re
from uuid import UUID

from connector.addresses import TOKEN

PURPOSE = "mail_reply"
_MARK_BYTES = 10


def write_token(conversation_id: UUID, mark: bytes) -> str:
    """Write a token. Small letters and digits only: mail servers may change the case of an address."""
    return base64.b32encode(conversation_id.bytes + mark[:_MARK_BYTES]).decode().rstrip("=").lower()


def read_token(template: str, address: str) -> tuple[UUID, bytes] | None:
    """Find the conversation that an address names, and the mark it carries; None when it is not one of ours."""
    before, _, after = template.partition(TOKEN)
    form = rf"{re.escape(before)}([a-z2-7]{{42}}){re.escape(after)}"
    found = re.fullmatch(form, address.strip(), re.IGNORECASE)
    if not template or found is None:
        return None
    try:
        plain = base64.b32decode(found[1].upper() + "======")
    except binascii.Error:
        return None
    return UUID(bytes=plain[:16]), plain[16:]


def same_mark(given: bytes, ours: bytes) -> bool:
    """Tell whether a mark is the one we would make; in constant time."""
    return hmac.compare_digest(given, ours[:_MARK_BYTES])
