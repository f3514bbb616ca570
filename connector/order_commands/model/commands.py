"""A command: something StormCom does with an order, and how far Meta was told.

    WAITING ──key kept──▶ SENT ──answered, found at Meta──▶ SUCCEEDED
     │  ▲                  │ │
     │  └─refused for now──┘ ├──refused, but found at Meta as it was wanted──▶ ALREADY_DONE
     │                       ├──refused, or tried in vain──▶ FAILED ──retry──▶ WAITING
     └──taken back──▶ CANCELLED
                             └──no answer──▶ SENT: the same key again, later

An attempt's key is kept before the attempt is made. After a lost answer the same key goes again with the same body: Meta repeats its
answer. What Meta refused it would refuse again under that key: the next attempt has a new one. Where Meta failed, it may have done it
all the same: before a new key is taken, we look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.errors import FailedPrecondition, NotFound
from connector.orders.model.values import write_money


class Kind(StrEnum):
    """What a command does."""

    ACKNOWLEDGE = "ACKNOWLEDGE"
    FULFILL = "FULFILL"
    UPDATE_SHIPMENT = "UPDATE_SHIPMENT"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    RESOLVE_RETURN = "RESOLVE_RETURN"
    RESTATE = "RESTATE"


class State(StrEnum):
    """Where a command stands."""

    WAITING = "WAITING"
    SENT = "SENT"
    SUCCEEDED = "SUCCEEDED"
    ALREADY_DONE = "ALREADY_DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


OPEN = frozenset({State.WAITING, State.SENT})
"""Meta may still come to do it."""
EFFECTIVE = frozenset({State.SUCCEEDED, State.ALREADY_DONE})
"""Meta has it."""


class Outcome(StrEnum):
    """What came of an attempt."""

    BEGUN = "BEGUN"  # no answer yet: found so in a later turn, it was cut off
    DONE = "DONE"
    LOST = "LOST"  # it left, and nobody knows
    ABSENT = "ABSENT"  # it was lost or failed, and Meta shows nothing of it
    UNREACHED = "UNREACHED"  # it never left
    FAILED = "FAILED"  # Meta failed, and said so
    PAUSED = "PAUSED"  # Meta wants a pause
    BUSY = "BUSY"  # another change of the order is under way
    EARLY = "EARLY"  # the buyer is not charged yet
    BEFORE = "BEFORE"  # Meta says that it happened before
    REFUSED = "REFUSED"


UNCERTAIN = frozenset({Outcome.BEGUN, Outcome.LOST, Outcome.FAILED})
"""Meta may have done it without our knowing: what fails behind the effect says so too."""
SAME_KEY = frozenset({Outcome.BEGUN, Outcome.LOST, Outcome.UNREACHED})
"""Meta answered nothing under the key, or we do not know what: the key stays."""


class Attempt(NamedTuple):
    """One attempt: its key, when it was made, what came of it, and Meta's codes when it was refused."""

    key: str
    time: str
    outcome: Outcome
    code: int = 0
    subcode: int = 0


class Pieces(NamedTuple):
    """Pieces of a line, or an amount of minor units for it."""

    line_id: str
    quantity: int
    amount: int = 0


class Names(NamedTuple):
    """What a line is called elsewhere."""

    retailer_id: str = ""
    product_id: str = ""
    variant_id: str = ""


class Problem(NamedTuple):
    """What is wrong with a command."""

    reason: str
    message: str
    since_time: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants done with an order. `body` is what Meta is told, but for the key; `lines` are the pieces it takes.

    `shipping` and `deduction` are minor units; `everything` refunds all that is left.
    """

    kind: Kind
    body: Mapping[str, Any]
    lines: tuple[Pieces, ...] = ()
    shipping: int = 0
    deduction: int = 0
    everything: bool = False
    shipment_id: str = ""
    tracking_number: str = ""
    return_id: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, as it is kept. `external_id` is Meta's id of the shipment, cancellation, refund or return that came of it."""

    id: UUID
    store_id: str
    connection_id: UUID
    order_id: UUID
    external_order_id: str
    state: State
    wish: Wish
    currency_code: str
    attempts: tuple[Attempt, ...]
    first_attempt: int
    answered: bool
    external_id: str
    amount: int | None
    problem: Problem | None
    retry_time: datetime | None
    create_time: datetime
    end_time: datetime | None

    @property
    def round(self) -> tuple[Attempt, ...]:
        """Tell the attempts since somebody last asked for it."""
        return self.attempts[self.first_attempt :]

    @property
    def uncertain(self) -> bool:
        """Tell whether Meta may have done it without our knowing."""
        return any(one.outcome in UNCERTAIN for one in self.attempts)

    def tried(self, outcome: Outcome, code: int = 0, subcode: int = 0) -> tuple[Attempt, ...]:
        """Tell the attempts, now that something came of the last one."""
        return (*self.attempts[:-1], self.attempts[-1]._replace(outcome=outcome, code=code, subcode=subcode))

    def document(self, names: Mapping[str, Names]) -> dict[str, Any]:
        """Write it with the contract's field names; `names` are the lines'."""
        problem = self.problem and {
            **self.problem._asdict(),
            "try_count": len(self.round),
            "retry_time": self.retry_time,
        }
        return {
            "command_id": str(self.id),
            "store_id": self.store_id,
            "order_id": str(self.order_id),
            "kind": f"KIND_{self.wish.kind}",
            "state": f"STATE_{self.state}",
            "lines": [
                {"line_id": one.line_id, "quantity": one.quantity, **names.get(one.line_id, Names())._asdict()}
                for one in self.wish.lines
            ],
            "amount": write_money(self.currency_code, self.amount),
            "shipment_id": self.wish.shipment_id,
            "try_count": len(self.attempts),
            "retry_time": self.retry_time,
            "problem": problem,
            "create_time": self.create_time,
            "end_time": self.end_time,
        }


def missing(command_id: str) -> NotFound:
    """Say that a store has no such command, alike for malformed, foreign and absent ids."""
    return NotFound("COMMAND_NOT_FOUND", "No such command in this store", command_id=command_id)


def immovable(command: Command, verb: str) -> FailedPrecondition:
    """Say that a command is past the point."""
    message = f"The command is {command.state}: it cannot be {verb}"
    return FailedPrecondition("COMMAND_STATE_INVALID", message, command_id=str(command.id), state=command.state)
