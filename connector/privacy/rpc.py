"""FacebookAdmin's half of data protection: deletions, and how long messages stay."""

import re

from connector.db.retentions import LONGEST, SHORTEST
from connector.errors import InvalidInput
from connector.messaging import db as messaging
from connector.privacy import actions
from connector.privacy.actions.asking import Person
from connector.privacy.db import ledger
from connector.privacy.model.deletions import Deletion, SubjectKind
from connector.rpc import calling, read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import admin_service_pb2 as pb

_DIGITS = re.compile(r"[0-9]{5,64}")
_EMAIL = re.compile(r"[^\s@\x00-\x20]{1,64}@[^\s@\x00-\x20]{1,189}")
_FORMS = {
    "psid": (SubjectKind.PSID, _DIGITS, "must be 5 to 64 digits"),
    "meta_user_id": (SubjectKind.META_USER, _DIGITS, "must be 5 to 64 digits"),
    "email": (SubjectKind.EMAIL, _EMAIL, "must be an e-mail address"),
}


async def delete_personal_data(
    runtime: Runtime, request: pb.DeletePersonalDataRequest
) -> pb.DeletePersonalDataResponse:
    """Open a deletion."""
    asked = {"request_id": request.request_id, "caller": calling.caller()}
    deletion = await actions.delete_person(runtime, request.store_id, _person(request), **asked)
    return pb.DeletePersonalDataResponse(deletion=_write(deletion))


async def get_deletion(runtime: Runtime, request: pb.GetDeletionRequest) -> pb.GetDeletionResponse:
    """Tell one deletion."""
    wanted = read.own_id(request.deletion_id, "deletion_id", ledger.missing(request.deletion_id))
    return pb.GetDeletionResponse(deletion=_write(await actions.get_deletion(runtime, request.store_id, wanted)))


async def list_deletions(runtime: Runtime, request: pb.ListDeletionsRequest) -> pb.ListDeletionsResponse:
    """List deletions, newest first."""
    size, scope = read.page_size(request.page_size), ("deletions", request.store_id)
    after = read_place(request.page_token, *scope)
    found = await actions.list_deletions(runtime, request.store_id, size=size, after=after)
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    token = write_place(last.create_time, last.id, *scope) if last else ""
    return pb.ListDeletionsResponse(deletions=map(_write, shown), next_page_token=token)


async def get_privacy_settings(
    runtime: Runtime, request: pb.GetPrivacySettingsRequest
) -> pb.GetPrivacySettingsResponse:
    """Tell how long messages stay."""
    days = await actions.read_setting(runtime, request.store_id)
    return pb.GetPrivacySettingsResponse(settings=pb.PrivacySettings(message_days=days))


async def update_privacy_settings(
    runtime: Runtime, request: pb.UpdatePrivacySettingsRequest
) -> pb.UpdatePrivacySettingsResponse:
    """Set how long messages stay."""
    days = request.settings.message_days
    if not SHORTEST.days <= days <= LONGEST.days:
        words = f"must be {SHORTEST.days} to {LONGEST.days}"
        raise InvalidInput.of("settings.message_days", "FIELD_INVALID", words)
    await actions.set_setting(runtime, request.store_id, days)
    return pb.UpdatePrivacySettingsResponse(settings=pb.PrivacySettings(message_days=days))


def _person(request: pb.DeletePersonalDataRequest) -> Person:
    named = request.WhichOneof("person")
    if named is None:
        raise InvalidInput.of("person", "FIELD_REQUIRED", "name one of psid, conversation_id, meta_user_id, email")
    word: str = getattr(request, named)
    if named == "conversation_id":
        return Person(conversation_id=read.own_id(word, "conversation_id", messaging.missing(word)))
    kind, form, words = _FORMS[named]
    if not form.fullmatch(word):
        raise InvalidInput.of(named, "FIELD_INVALID", words)
    return Person(kind, word)


def _write(deletion: Deletion) -> pb.Deletion:
    return pb.Deletion(**deletion.document())
