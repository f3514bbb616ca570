"""FacebookPushes, as callers say it."""

from connector import links
from connector.errors import InvalidInput
from connector.events.rpc import fields
from connector.pushes import actions
from connector.pushes.actions.posting import allowed
from connector.pushes.model import Push, Verdict, read_secret
from connector.rpc import read, write
from connector.runtime import Runtime
from connector.vault import Secret
from stormcom.facebook.v1 import push_service_pb2 as pb

_DEFAULT_CONSUMER = "push"
_LONGEST_URL = 2_000


async def configure_push(runtime: Runtime, request: pb.ConfigurePushRequest) -> pb.ConfigurePushResponse:
    """Make or change a push."""
    push = await actions.configure(
        runtime,
        request.store_id,
        _consumer(request.consumer),
        url=_url(request.url, private=runtime.private_pushes),
        kinds=fields.kinds(request.kinds),
        secret=_secret(request.secret),
    )
    return pb.ConfigurePushResponse(push=_write(push))


async def get_push(runtime: Runtime, request: pb.GetPushRequest) -> pb.GetPushResponse:
    """Tell one push."""
    return pb.GetPushResponse(push=_write(await actions.get(runtime, request.store_id, _consumer(request.consumer))))


async def list_pushes(runtime: Runtime, request: pb.ListPushesRequest) -> pb.ListPushesResponse:
    """List pushes by consumer."""
    size, scope = read.page_size(request.page_size), ("pushes", request.store_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    found, more = await actions.list_page(runtime, request.store_id, after=str(key[0]) if key else "", size=size)
    token = read.write_page_token([found[-1].consumer], *scope) if more else ""
    return pb.ListPushesResponse(pushes=map(_write, found), next_page_token=token)


async def enable_push(runtime: Runtime, request: pb.EnablePushRequest) -> pb.EnablePushResponse:
    """Let a push go on."""
    enabled = await actions.enable(runtime, request.store_id, _consumer(request.consumer))
    return pb.EnablePushResponse(push=_write(enabled))


async def test_push(runtime: Runtime, request: pb.TestPushRequest) -> pb.TestPushResponse:
    """Post a trial."""
    answer, took, event_id = await actions.try_out(runtime, request.store_id, _consumer(request.consumer))
    return pb.TestPushResponse(
        delivered=answer.verdict is Verdict.TAKEN,
        answer=answer.word,
        duration_ms=round(took.total_seconds() * 1000),
        event_id=str(event_id),
    )


async def delete_push(runtime: Runtime, request: pb.DeletePushRequest) -> pb.DeletePushResponse:
    """End a push."""
    await actions.end(runtime, request.store_id, _consumer(request.consumer))
    return pb.DeletePushResponse()


def _consumer(name: str) -> str:
    return fields.consumer(name, _DEFAULT_CONSUMER)


def _url(text: str, *, private: bool) -> str:
    given = read.required(text, "url", limit=_LONGEST_URL)
    if private and given.startswith("http://"):
        return given
    if not given.lower().startswith("https://"):
        raise InvalidInput.of("url", "FIELD_INVALID", "must begin with https://")
    if private:
        return given
    try:
        sent = links.absolute(given)
    except ValueError as wrong:
        raise InvalidInput.of("url", "FIELD_INVALID", str(wrong)) from wrong
    if not allowed(sent, private=private):
        raise InvalidInput.of("url", "FIELD_INVALID", "must be a public https address")
    return sent


def _secret(text: str) -> Secret:
    try:
        if text:
            read_secret(text)
    except ValueError as wrong:
        raise InvalidInput.of("secret", "FIELD_INVALID", str(wrong)) from None
    return Secret(text)


def _write(push: Push) -> pb.Push:
    return pb.Push(
        consumer=push.consumer,
        url=push.url,
        kinds=push.kinds,
        state=pb.Push.State.Value(f"STATE_{push.state}"),
        reason=push.reason,
        last_answer=push.last_answer,
        last_time=write.instant(push.last_time),
        failing_since_time=write.instant(push.failing_since_time),
        resume_time=write.instant(push.resume_time),
        former_secret_expire_time=write.instant(push.former_secret_expire_time),
        create_time=write.instant(push.create_time),
    )
