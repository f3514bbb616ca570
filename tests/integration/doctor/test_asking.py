"""Who may ask, how often Meta is asked, and how the list is read."""

import asyncio

import grpc
import pytest

from connector.doctor import actions
from connector.doctor.model.values import Kind
from stormcom.facebook.v1 import health_service_pb2 as pb
from stormcom.facebook.v1.check_pb2 import Check
from stormcom.facebook.v1.health_service_pb2_grpc import FacebookHealthStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.doctor.patient import CATALOG_ID, Patient


async def calls(patient: Patient, *kinds: str) -> int:
    """Run checks; tells how many calls that cost Meta."""
    before = patient.world.records.call_count
    await patient.run(*kinds)
    return patient.world.records.call_count - before


async def test_pressing_again_costs_meta_nothing(patient: Patient) -> None:
    """What was OK is asked again after ten minutes, what was not after one; until then memory answers."""
    patient.world.faults.order({"match": {"path": "external_event_sources"}, "action": {"kind": "status"}})
    kinds = ("CATALOG", "PIXEL")
    assert [2, 0] == [await calls(patient, *kinds), await calls(patient, *kinds)]
    patient.clock.advance(seconds=61)
    assert [1, 0] == [await calls(patient, *kinds), await calls(patient, *kinds)]
    patient.clock.advance(minutes=10)
    assert 2 == await calls(patient, *kinds)


async def test_a_look_that_was_cut_off_is_made_up_for(patient: Patient) -> None:
    """What Meta is silent about holds up nothing else; who then hangs up leaves nothing behind that passes for a look."""
    await patient.run("CATALOG", "PIXEL")
    patient.clock.advance(hours=1)
    silence = {"match": {"path": f"{CATALOG_ID}$"}, "action": {"kind": "delay", "seconds": 60}}
    fault = patient.world.faults.order(silence)
    looks = actions.run(patient.runtime, STORE, "", kinds=[Kind.CATALOG, Kind.PIXEL])
    _, first = await anext(looks)
    while not fault.hits:  # noqa: ASYNC110 – the simulator has no event for it
        await asyncio.sleep(0.01)
    await looks.aclose()
    assert Kind.PIXEL is first.kind
    patient.clock.advance(seconds=61)
    assert [0, 1] == [await calls(patient, "PIXEL"), await calls(patient, "CATALOG")]


async def test_two_who_press_at_once_ask_once(patient: Patient) -> None:
    """The second is told what is remembered, or that somebody is looking right now."""
    before = patient.world.records.call_count
    request = pb.RunDiagnosticsRequest(store_id=STORE, kinds=[Check.KIND_CATALOG])

    async def press() -> str:
        stream = FacebookHealthStub(patient.channel).RunDiagnostics(request)
        (cause,) = [answer.check.cause async for answer in stream]
        return str(cause)

    causes = set(await asyncio.gather(press(), press()))
    assert causes <= {"CATALOG_OURS", "UNDER_WAY"}
    assert "CATALOG_OURS" in causes
    assert 1 == patient.world.records.call_count - before


async def test_the_list_is_paged(patient: Patient) -> None:
    """Pages go on where the last one ended, through every check once."""
    stub, token, names = FacebookHealthStub(patient.channel), "", []
    for _ in range(4):
        page = await stub.ListChecks(pb.ListChecksRequest(store_id=STORE, page_size=4, page_token=token))
        names += [check.kind for check in page.checks]
        token = page.next_page_token
    assert (sorted(names), 13, "") == (names, len(set(names)), token)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (pb.RunDiagnosticsRequest(store_id=STORE, connection_id="nobody"), "CONNECTION_NOT_FOUND"),
        (pb.RunDiagnosticsRequest(store_id="store_2"), "STORE_NOT_CONNECTED"),
        (pb.RunDiagnosticsRequest(store_id=STORE, kinds=[Check.KIND_UNSPECIFIED]), "FIELD_INVALID"),
        (pb.RunDiagnosticsRequest(store_id=STORE, kinds=[Check.KIND_TOKEN, Check.KIND_TOKEN]), "DUPLICATE_ENTRY"),
    ],
    ids=["foreign", "unconnected", "unspecified", "twice"],
)
async def test_a_wrong_wish_is_refused(patient: Patient, request_: pb.RunDiagnosticsRequest, reason: str) -> None:
    """A wrong request is refused with its reason before anything is asked."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        [_ async for _ in FacebookHealthStub(patient.channel).RunDiagnostics(request_)]
    assert (reason,) == reason_of(refused.value)
