"""An order's whole machine: whatever happens at Meta, at StormCom and here, in whatever order, ends in the state that Meta holds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import NamedTuple

import pytest

from connector.orders.model.states import Happening, ImportState, State, move
from connector.orders.model.steps import Standing, Step, next_step

H, I, S = Happening, ImportState, State  # noqa: E741 – the tables below are read by it
KNOWN = {I.IMPORTED, I.ACKNOWLEDGED}


class Copy(NamedTuple):
    """An order as Meta shows it: `number` grows with each change, `content` with each of what was ordered."""

    state: State
    number: int = 0
    content: int = 0


@dataclass
class Story:
    """An order at Meta, what we keep of it, what StormCom was asked to make, and what it heard.

    `older` is what Meta held before the last change.
    """

    truth: Copy
    older: Copy
    kept: ImportState = I.SEEN
    read: Copy | None = None
    taken: bool = False
    lapsed: bool = False
    heard: list[Copy] = field(default_factory=list)
    asked: list[State] = field(default_factory=list)
    reserved: int = 0
    answers: int = 0

    def goes(self, *states: State, to: State | None = None) -> None:
        """Let the order go on at Meta, where it can; without a state, in what was ordered."""
        if self.truth.state in states:
            content = self.truth.content + (to is None)
            self.older, self.truth = self.truth, Copy(to or self.truth.state, self.truth.number + 1, content)

    def look(self, shown: Copy) -> None:
        """Take a reading in, unless it is older than what is kept."""
        if self.read and shown.number < self.read.number:
            return
        before = Standing(self.kept, self.read.state if self.read else shown.state, self.taken, told=bool(self.heard))
        same = self.read is not None and self.read.content == shown.content
        step, self.kept = next_step(before, shown.state, same=same, lapsed=self.lapsed)
        self.read, self.reserved = shown, self.reserved + (step is Step.RESERVE)
        self.asked += [shown.state] if step is Step.TELL else []
        if step in {Step.TELL, Step.CHANGED}:
            self.heard.append(shown)
        self.lapsed = self.lapsed and step not in {Step.TELL, Step.RESERVE}

    def happens(self, happening: Happening) -> None:
        """Let something happen here that is no reading."""
        after = move(self.kept, happening, taken=self.taken)
        if after is None or (happening in {H.TAKE, H.REJECT} and (self.taken or self.kept is I.REJECTED)):
            return
        self.answers += happening in {H.TAKE, H.REJECT}
        self.taken, self.kept = self.taken or happening is H.TAKE, after
        if happening is H.ACKNOWLEDGE:
            self.goes(S.CREATED, to=S.IN_PROGRESS)

    def spoils(self) -> None:
        """Let a reading make no sense: an order that StormCom has stays where it is."""
        if not self.taken:
            self.happens(H.SPOIL)

    def lapses(self) -> None:
        """Let the time be over for which its pieces were kept aside."""
        self.lapsed = True


EVENTS: Mapping[str, Callable[[Story], None]] = {
    "look": lambda story: story.look(story.truth),
    "hint": lambda story: story.look(story.truth),
    "late page": lambda story: story.look(story.older),
    "take": lambda story: story.happens(H.TAKE),
    "reject": lambda story: story.happens(H.REJECT),
    "acknowledge": lambda story: story.happens(H.ACKNOWLEDGE),
    "retry": lambda story: story.happens(H.RETRY),
    "spoil": Story.spoils,
    "lapse": Story.lapses,
    "placed": lambda story: story.goes(S.FB_PROCESSING, to=S.CREATED),
    "vanish": lambda story: story.goes(S.FB_PROCESSING, to=S.VANISHED),
    "ship": lambda story: story.goes(S.IN_PROGRESS, S.CREATED, to=S.COMPLETED),
    "cancel": lambda story: story.goes(S.IN_PROGRESS, S.CREATED, to=S.CANCELLED),
    "gone": lambda story: story.goes(S.FB_PROCESSING, S.CREATED, S.IN_PROGRESS, to=S.VANISHED),
    "back": lambda story: story.goes(S.VANISHED, to=S.CREATED),
    "other address": lambda story: story.goes(S.CREATED),
}
SETS = (
    (S.CREATED, "look", "take", "acknowledge", "ship", "late page", "hint"),
    (S.CREATED, "look", "take", "acknowledge", "cancel", "late page", "lapse"),
    (S.CREATED, "look", "hint", "other address", "take", "gone", "late page"),
    (S.CREATED, "look", "other address", "lapse", "reject", "gone", "hint"),
    (S.CREATED, "look", "reject", "retry", "take", "cancel", "late page"),
    (S.CREATED, "spoil", "look", "retry", "take", "acknowledge", "late page"),
    (S.CREATED, "look", "take", "spoil", "acknowledge", "ship", "retry"),
    (S.FB_PROCESSING, "look", "placed", "hint", "take", "cancel", "late page"),
    (S.FB_PROCESSING, "look", "vanish", "placed", "take", "late page", "lapse"),
    (S.FB_PROCESSING, "look", "lapse", "hint", "placed", "spoil", "retry"),
    (S.FB_PROCESSING, "look", "vanish", "hint", "back", "take", "late page"),
    (S.CREATED, "gone", "look", "back", "hint", "take", "spoil"),
    (S.FB_PROCESSING, "placed", "look", "take", "acknowledge", "ship", "late page"),
)


def stories(begin: State, events: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Story]]:
    """Tell every story of up to six events; in the end somebody looks once more."""
    for length in range(1, len(events) + 1):
        for chosen in permutations(events, length):
            story = Story(truth=Copy(begin), older=Copy(begin))
            for event in chosen:
                EVENTS[event](story)
            EVENTS["look"](story)
            yield chosen, story


@pytest.mark.parametrize("events", SETS, ids=" ".join)
def test_any_order_of_six_events_ends_in_the_state_meta_holds(events: tuple[State, *tuple[str, ...]]) -> None:
    """What we keep, and what StormCom heard last, is what Meta holds; StormCom answered at most once, and keeps what it has."""
    begin, *rest = events
    for chosen, story in stories(begin, tuple(rest)):
        assert story.truth == story.read, chosen
        assert 1 + chosen.count("retry") >= story.answers, chosen
        assert story.taken == (story.kept in KNOWN), chosen
        assert 1 + chosen.count("lapse") + chosen.count("spoil") >= story.reserved, chosen
        assert S.VANISHED not in story.asked, chosen
        assert not story.lapsed or story.kept not in {I.RESERVED, I.IMPORTING} or story.truth.state is S.VANISHED, (
            chosen
        )
        if story.heard and story.kept is not I.REJECTED:
            assert story.truth.state is story.heard[-1].state, chosen
            assert story.taken or story.truth.content == story.heard[-1].content or story.truth.state is S.VANISHED, (
                chosen
            )
        assert story.heard or story.truth.state in {S.FB_PROCESSING, S.VANISHED, S.CANCELLED}, chosen


@pytest.mark.parametrize("events", SETS, ids=" ".join)
def test_looking_again_tells_nothing_new(events: tuple[State, *tuple[str, ...]]) -> None:
    """However often what Meta holds is read, StormCom hears of it once."""
    begin, *rest = events
    for chosen, story in stories(begin, tuple(rest)):
        before = list(story.heard), story.reserved, story.kept
        EVENTS["look"](story)
        EVENTS["late page"](story)
        assert before == (story.heard, story.reserved, story.kept), chosen
