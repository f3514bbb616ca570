"""How Meta is asked what it has: conversations newest first, each with its readable messages, in one call."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connector.graph.call import Call
from connector.messaging.graph.conversations import READABLE, read_time
from connector.messaging.graph.limits import conversations_bucket
from connector.messaging.model import Attachment, Channel, FoundConversation, FoundMessage, Participant

# Unverified: the fields of messages and attachments are recalled.
_FILES = "attachments{id,mime_type,name,size,image_data{url,preview_url},video_data{url,preview_url},file_url}"
_MESSAGE = f"id,created_time,from,message,sticker,reply_to,{_FILES}"
# SDK 26.0.3, unifiedthread.py.
_CONVERSATION = "id,updated_time,participants,unread_count,message_count"
_BRIEF = "id,created_time,from"
_LATEST = 10
_MEDIA = ("image", "video", "audio")


def list_conversations(
    page_id: str, channel: Channel, *, since: datetime, before: datetime | None, limit: int
) -> Call[tuple[FoundConversation, ...]]:
    """List conversations of a channel that changed between two moments, the latest first, each with its readable messages."""
    fields = f"{_CONVERSATION},messages.limit({READABLE}){{{_MESSAGE}}}"
    return _list(page_id, channel, fields, since=since, before=before, limit=limit)


def latest(page_id: str, channel: Channel, *, since: datetime) -> Call[tuple[FoundConversation, ...]]:
    """List what was written lately: only which messages there are."""
    fields = f"id,updated_time,participants,messages.limit({_LATEST}){{{_BRIEF}}}"
    return _list(page_id, channel, fields, since=since, before=None, limit=_LATEST)


def take_part(page_id: str, psid: str, channel: Channel) -> Call[tuple[Participant, ...]]:
    """Tell who takes part in the conversation with a person."""
    params = {"platform": channel.platform, "user_id": psid, "fields": "id,participants"}
    return Call(
        "GET", f"{page_id}/conversations", _read_parts, params=params, bucket=conversations_bucket(page_id, channel)
    )


def _list(
    page_id: str, channel: Channel, fields: str, *, since: datetime, before: datetime | None, limit: int
) -> Call[tuple[FoundConversation, ...]]:
    # SDK 26.0.3, page.py, get_conversations: platform, updated_after_ms, updated_before_ms.
    params = {
        "platform": channel.platform,
        "fields": fields,
        "limit": str(limit),
        "updated_after_ms": _milliseconds(since),
    } | ({"updated_before_ms": _milliseconds(before)} if before else {})
    return Call(
        "GET",
        f"{page_id}/conversations",
        lambda answer: tuple(_read_conversation(one) for one in answer["data"]),
        params=params,
        bucket=conversations_bucket(page_id, channel),
        timeout=timedelta(seconds=30),
    )


def _milliseconds(time: datetime) -> str:
    return str(int(time.timestamp() * 1_000))


def _read_parts(answer: Any) -> tuple[Participant, ...]:
    return tuple(one for listed in answer["data"][:1] for one in _participants(listed))


def _participants(entry: Mapping[str, Any]) -> tuple[Participant, ...]:
    listed = (entry.get("participants") or {}).get("data", ())
    return tuple(Participant(str(one["id"]), str(one.get("name", "")), str(one.get("username", ""))) for one in listed)


def _read_conversation(entry: Mapping[str, Any]) -> FoundConversation:
    listed = entry.get("messages") or {"data": []}
    return FoundConversation(
        thread_id=str(entry["id"]),
        update_time=read_time(entry["updated_time"]),
        participants=_participants(entry),
        messages=tuple(_read_message(one) for one in listed["data"]),
        complete="next" not in (listed.get("paging") or {}),
        unread_count=entry.get("unread_count"),
        message_count=entry.get("message_count"),
    )


def _read_message(entry: Mapping[str, Any]) -> FoundMessage:
    mid, time = str(entry["id"]), read_time(entry["created_time"])
    if not entry.get("from"):  # Unverified: so do messages look that are too old to be read in detail
        return FoundMessage(mid, time, readable=False)
    files = [_read_attachment(one) for one in (entry.get("attachments") or {}).get("data", ())]
    sticker = [Attachment("sticker", url=str(entry["sticker"]))] if entry.get("sticker") else []
    return FoundMessage(
        mid,
        time,
        sender_id=str(entry["from"]["id"]),
        text=str(entry.get("message") or ""),
        attachments=(*files, *sticker),
        reply_to_mid=str((entry.get("reply_to") or {}).get("mid", "")),
    )


def _read_attachment(entry: Mapping[str, Any]) -> Attachment:
    mime = str(entry.get("mime_type", ""))
    media = entry.get("image_data") or entry.get("video_data") or {}
    kind = mime.partition("/")[0]
    return Attachment(
        kind if kind in _MEDIA else "file",
        url=str(media.get("url") or entry.get("file_url") or ""),
        title=str(entry.get("name", "")),
        size_bytes=int(entry.get("size") or 0),
        mime_type=mime,
        preview_url=str(media.get("preview_url") or ""),
    )
