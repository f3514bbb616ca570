"""FacebookForwarding, as callers say it."""

from collections.abc import Sequence
from datetime import timedelta

from connector import addresses
from connector.errors import InvalidInput
from connector.forwarding import actions
from connector.forwarding.model import (
    CHANNELS,
    DIGEST_PERIOD,
    LONGEST_DIGEST,
    MOST_ADDRESSES,
    SHORTEST_DIGEST,
    Forwarding,
    Wish,
)
from connector.rpc import read, write
from connector.runtime import Runtime
from connector.smtp import Told, Verdict
from stormcom.facebook.v1 import conversation_pb2
from stormcom.facebook.v1 import forwarding_pb2 as forwarding_pb
from stormcom.facebook.v1 import forwarding_service_pb2 as pb

_LONGEST_ADDRESS = 320
_REASONS = {Verdict.ACCEPTED: "", Verdict.REFUSED: "MAIL_REFUSED", Verdict.LATER: "MAIL_SERVER_FAILING"}


async def get_mail_forwarding(runtime: Runtime, request: pb.GetMailForwardingRequest) -> pb.GetMailForwardingResponse:
    """Tell the settings."""
    found = await actions.get_forwarding(runtime, request.store_id, request.connection_id)
    return pb.GetMailForwardingResponse(forwarding=_write(found))


async def update_mail_forwarding(
    runtime: Runtime, request: pb.UpdateMailForwardingRequest
) -> pb.UpdateMailForwardingResponse:
    """Replace the settings."""
    wish = read_wish(request.settings)
    kept = await actions.set_forwarding(runtime, request.store_id, request.connection_id, wish)
    return pb.UpdateMailForwardingResponse(forwarding=_write(kept))


async def test_mail_forwarding(
    runtime: Runtime, request: pb.TestMailForwardingRequest
) -> pb.TestMailForwardingResponse:
    """Send a test."""
    told = await actions.try_out(runtime, request.store_id, request.connection_id)
    return pb.TestMailForwardingResponse(outcomes=[_outcome(address, one) for address, one in told])


async def resolve_reply_address(
    runtime: Runtime, request: pb.ResolveReplyAddressRequest
) -> pb.ResolveReplyAddressResponse:
    """Find the conversation."""
    address = read.required(request.address, "address", limit=_LONGEST_ADDRESS)
    talk = await actions.resolve(runtime, request.store_id, address)
    return pb.ResolveReplyAddressResponse(
        connection_id=str(talk.connection_id),
        conversation_id=str(talk.id),
        last_message_time=write.instant(talk.last_message_time),
    )


def read_wish(settings: forwarding_pb.MailForwardingSettings) -> Wish:
    """Read settings.

    Raises:
        InvalidInput: naming the field that is wrong.

    """
    given = settings.addresses
    if settings.enabled or given:
        read.entries(given, "settings.addresses", limit=MOST_ADDRESSES)
    known = tuple(_address(one, f"settings.addresses[{place}]") for place, one in enumerate(given))
    _distinct(known)
    period = DIGEST_PERIOD
    if settings.HasField("digest_period"):
        period = settings.digest_period.ToTimedelta()
        if not SHORTEST_DIGEST <= period <= LONGEST_DIGEST or period % timedelta(seconds=1):
            message = "must be 1 minute to 24 hours, in whole seconds"
            raise InvalidInput.of("settings.digest_period", "FIELD_INVALID", message)
    channels = tuple(_channel(one, f"settings.channels[{place}]") for place, one in enumerate(settings.channels))
    return Wish(settings.enabled, known, tuple(dict.fromkeys(channels)), settings.include_text, period)


def _distinct(known: Sequence[str]) -> None:
    """Refuse an address that stands twice, without saying it: it is somebody's."""
    lower = [one.lower() for one in known]
    for place, one in enumerate(lower):
        if one in lower[:place]:
            raise InvalidInput.of(f"settings.addresses[{place}]", "DUPLICATE_ENTRY", "stands twice; send each once")


def _address(text: str, field: str) -> str:
    try:
        return addresses.read(text)
    except ValueError:
        message = "must be an e-mail address such as staff@shop.example, with ASCII before the @"
        raise InvalidInput.of(field, "FIELD_INVALID", message) from None


def _channel(number: int, field: str) -> str:
    known = {int(value): name.removeprefix("CHANNEL_") for name, value in conversation_pb2.Channel.items()}
    name = known.get(number, "")
    if name not in CHANNELS:
        raise InvalidInput.of(field, "FIELD_INVALID", "must be a channel that conversations take place in")
    return name


def _write(forwarding: Forwarding) -> forwarding_pb.MailForwarding:
    wish = forwarding.wish
    settings = forwarding_pb.MailForwardingSettings(
        enabled=wish.enabled,
        addresses=wish.addresses,
        channels=[conversation_pb2.Channel.Value(f"CHANNEL_{one}") for one in wish.channels],
        include_text=wish.include_text,
    )
    settings.digest_period.FromTimedelta(wish.digest_period)
    return forwarding_pb.MailForwarding(
        connection_id=str(forwarding.connection_id),
        settings=settings,
        state=forwarding_pb.MailForwarding.State.Value(f"STATE_{forwarding.state}"),
        reason=forwarding.reason,
        fail_time=write.instant(forwarding.fail_time),
        last_send_time=write.instant(forwarding.last_send_time),
        update_time=write.instant(forwarding.update_time),
    )


def _outcome(address: str, told: Told) -> pb.TestMailForwardingResponse.Outcome:
    accepted = told.verdict is Verdict.ACCEPTED
    code = 0 if accepted else told.code
    return pb.TestMailForwardingResponse.Outcome(
        address=address, accepted=accepted, reason=_REASONS[told.verdict], reply_code=code
    )
