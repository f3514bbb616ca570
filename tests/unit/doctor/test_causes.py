"""Everything the doctor can say is whole, and can be shown to a merchant."""

import re
from dataclasses import replace

import pytest

from connector.doctor.model.causes import CAUSES, Cause, Where
from connector.doctor.model.checks import CHECKS
from connector.doctor.model.values import Kind, State
from connector.graph.faults import Owner
from connector.rpc.callers import POLICY
from tests.unit.doctor.subjects import CONNECTION

ROWS = [pytest.param(cause, id=name) for name, cause in CAUSES.items()]


@pytest.mark.parametrize("cause", ROWS)
def test_a_cause_says_what_is_so_and_what_to_do(cause: Cause) -> None:
    """Title and remedy are sentences; a fix is an RPC that exists; whoever is to act is named by the remedy or has a place to go."""
    assert re.fullmatch(r"[A-Z].+\.", cause.title)
    assert re.fullmatch(r"[A-Z].+\.", cause.remedy)
    assert cause.fix_rpc.partition(".")[0] in {"", *POLICY}
    assert cause.fix_suffices <= bool(cause.fix_rpc)


@pytest.mark.parametrize("cause", ROWS)
def test_a_failure_has_an_owner_who_can_act(cause: Cause) -> None:
    """What fails is somebody's: the merchant's with a button or a page, StormCom's with its operators, Meta's with nothing to do."""
    if cause.state is not State.FAILED:
        return
    match cause.owner:
        case Owner.MERCHANT:
            assert cause.fix_rpc or cause.where
        case Owner.STORMCOM:
            assert "operators" in cause.remedy
        case Owner.META:
            assert cause.remedy.startswith("Nothing")


@pytest.mark.parametrize("cause", ROWS)
def test_what_is_as_it_should_be_needs_nothing(cause: Cause) -> None:
    """OK asks for nothing, and only failures tell at once."""
    assert (cause.state is State.OK) <= (cause.remedy == "Nothing needs to be done." and not cause.fix_rpc)
    assert cause.at_once <= (cause.state is State.FAILED)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_check_can_be_well(kind: Kind) -> None:
    """Every check is in the table and has exactly one way to be OK."""
    assert kind in CHECKS
    assert 1 == sum(cause.kind is kind and cause.state is State.OK for cause in CAUSES.values())


@pytest.mark.parametrize("where", [where for where in Where if where])
def test_a_link_needs_its_ids(where: Where) -> None:
    """A link is filled in for the connection, and left out as a whole where an id is not known."""
    cause = next(cause for cause in CAUSES.values() if cause.where is where)
    assert "{" not in cause.link(CONNECTION, app_id="610")
    bare = replace(CONNECTION, page_id="", catalog_id="", business_id="")
    assert ("{" in where) == (not cause.link(bare, app_id=""))
