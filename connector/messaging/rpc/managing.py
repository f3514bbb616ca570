"""How callers look after messages: those they sent, files for them, templates, and how a Page sends."""

import re

from connector.errors import InvalidInput
from connector.messaging import actions, db
from connector.messaging.actions import Announced, Piece
from connector.messaging.model import KNOWN, Message, Template, largest
from connector.messaging.rpc.sending import read_message_id
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import conversation_pb2, message_pb2
from stormcom.facebook.v1 import message_service_pb2 as pb

_LARGEST_PIECE_BYTES = 4 * 1024 * 1024
_LONGEST_NAME, _LONGEST_BODY, _LONGEST_EXAMPLE, _LONGEST_DISCLOSURE = 200, 1024, 200, 200
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def _told(message: Message) -> conversation_pb2.Message:
    return conversation_pb2.Message(**message.document())


async def get_message(runtime: Runtime, request: pb.GetMessageRequest) -> pb.GetMessageResponse:
    """Tell how far a message came."""
    found = await actions.get_message(runtime, request.store_id, read_message_id(request.message_id))
    return pb.GetMessageResponse(message=_told(found))


async def cancel_message(runtime: Runtime, request: pb.CancelMessageRequest) -> pb.CancelMessageResponse:
    """Take back a message that waits."""
    cancelled = await actions.cancel_message(runtime, request.store_id, read_message_id(request.message_id))
    return pb.CancelMessageResponse(message=_told(cancelled))


async def retry_message(runtime: Runtime, request: pb.RetryMessageRequest) -> pb.RetryMessageResponse:
    """Send a message again that Meta refused."""
    waiting = await actions.retry_message(runtime, request.store_id, read_message_id(request.message_id))
    return pb.RetryMessageResponse(message=_told(waiting))


async def upload_attachment(runtime: Runtime, request: pb.UploadAttachmentRequest) -> pb.UploadAttachmentResponse:
    """Take a piece of a file."""
    upload = (
        read.own_id(request.upload_id, "upload_id", db.missing_upload(request.upload_id))
        if request.upload_id
        else _announced(request)
    )
    if not request.piece:
        raise InvalidInput.of("piece", "FIELD_REQUIRED", "needs at least one byte")
    if len(request.piece) > _LARGEST_PIECE_BYTES:
        words = f"has {len(request.piece)} bytes; {_LARGEST_PIECE_BYTES} are allowed"
        raise InvalidInput.of("piece", "FIELD_TOO_LARGE", words, limit=_LARGEST_PIECE_BYTES)
    if request.first_byte < 0:
        raise InvalidInput.of("first_byte", "FIELD_INVALID", "must not be negative")
    piece = Piece(request.first_byte, request.piece)
    kept = await actions.upload_piece(runtime, request.store_id, request.connection_id, upload=upload, piece=piece)
    return pb.UploadAttachmentResponse(**kept.document())


def _announced(request: pb.UploadAttachmentRequest) -> Announced:
    content_type = read.one_of(request.content_type, "content_type", KNOWN)
    if request.size_bytes < 1:
        raise InvalidInput.of("size_bytes", "FIELD_REQUIRED", "is required: how large the whole is")
    if request.size_bytes > (limit := largest(content_type)):
        raise InvalidInput.of("size_bytes", "FIELD_TOO_LARGE", f"at most {limit} bytes are allowed", limit=limit)
    if not _HEX.fullmatch(request.sha256):
        raise InvalidInput.of("sha256", "FIELD_INVALID", "must be 64 hexadecimal digits in lower case")
    name = read.required(request.file_name, "file_name", limit=_LONGEST_NAME)
    if not name.isprintable() or "/" in name or "\\" in name:
        raise InvalidInput.of("file_name", "FIELD_INVALID", "must be a plain name without a path")
    return Announced(name, content_type, request.size_bytes, request.sha256)


async def list_message_templates(
    runtime: Runtime, request: pb.ListMessageTemplatesRequest
) -> pb.ListMessageTemplatesResponse:
    """List a Page's templates, by name."""
    size, scope = read.page_size(request.page_size), (request.store_id, request.connection_id)
    place = read.page_token(request.page_token, *scope, parts=2)
    found = await actions.list_templates(
        runtime,
        request.store_id,
        request.connection_id,
        limit=size + 1,
        after=None if place is None else (str(place[0]), str(place[1])),
    )
    last = found[size - 1] if len(found) > size else None
    return pb.ListMessageTemplatesResponse(
        templates=[message_pb2.MessageTemplate(**one.document()) for one in found[:size]],
        next_page_token=read.write_page_token([last.name, last.language], *scope) if last else "",
    )


async def create_message_template(
    runtime: Runtime, request: pb.CreateMessageTemplateRequest
) -> pb.CreateMessageTemplateResponse:
    """Hand a template to Meta."""
    if not _NAME.fullmatch(request.name):
        raise InvalidInput.of("name", "FIELD_INVALID", "must be 1 to 512 of a-z 0-9 _")
    if not _LANGUAGE.fullmatch(request.language):
        raise InvalidInput.of("language", "FIELD_INVALID", "must be a language such as en or en_US")
    body = read.required(request.body, "body", limit=_LONGEST_BODY)
    count = _places(body)
    if len(request.examples) != count:
        words = f"the body has {count} places; give an example for each"
        raise InvalidInput.of("examples", "FIELD_INVALID", words)
    for number, one in enumerate(request.examples):
        read.required(one, f"examples[{number}]", limit=_LONGEST_EXAMPLE)
    template = Template("", request.name, request.language, "UTILITY", "", body, count)
    examples = list(request.examples)
    kept = await actions.create_template(runtime, request.store_id, request.connection_id, template, examples)
    return pb.CreateMessageTemplateResponse(template=message_pb2.MessageTemplate(**kept.document()))


def _places(body: str) -> int:
    """Count the places of a text.

    Raises:
        InvalidInput: they are not numbers counted up from 1.

    """
    found = dict.fromkeys(one.strip() for one in _PLACE.findall(body))
    if list(found) != [str(number) for number in range(1, len(found) + 1)]:
        raise InvalidInput.of("body", "FIELD_INVALID", "has places that are not {{1}}, {{2}} … in this order")
    return len(found)


async def delete_message_template(
    runtime: Runtime, request: pb.DeleteMessageTemplateRequest
) -> pb.DeleteMessageTemplateResponse:
    """Delete a template at Meta."""
    name = read.required(request.name, "name", limit=512)
    await actions.delete_template(runtime, request.store_id, request.connection_id, name)
    return pb.DeleteMessageTemplateResponse()


async def get_sending_settings(
    runtime: Runtime, request: pb.GetSendingSettingsRequest
) -> pb.GetSendingSettingsResponse:
    """Tell how a Page's messages are sent."""
    words = await actions.read_disclosure(runtime, request.store_id, request.connection_id)
    return pb.GetSendingSettingsResponse(settings=pb.SendingSettings(automation_disclosure=words))


async def update_sending_settings(
    runtime: Runtime, request: pb.UpdateSendingSettingsRequest
) -> pb.UpdateSendingSettingsResponse:
    """Change how a Page's messages are sent."""
    field = "settings.automation_disclosure"
    words = read.within(request.settings.automation_disclosure.strip(), field, limit=_LONGEST_DISCLOSURE)
    await actions.set_disclosure(runtime, request.store_id, request.connection_id, words)
    return pb.UpdateSendingSettingsResponse(settings=pb.SendingSettings(automation_disclosure=words))
