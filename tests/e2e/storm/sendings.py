"""Texts sent to people while Meta's answers get lost: each must be with its person at most once, and its fate be known."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from client.call import Caller
from client.tour.simulation import Simulation
from stack.supervisor import Stack
from stormcom.facebook.v1.connector_service_pb2 import (
    ListConversationsRequest,
    ListMessagesRequest,
    SendMessageRequest,
)
from stormcom.facebook.v1.conversation_pb2 import Message
from tests.e2e.ledger import Balance, Value, compare, waiting
from tests.e2e.storm.town import PATIENCE_SECONDS, Town, await_for, found

SETTLED = frozenset({"STATE_SENT", "STATE_DELIVERED", "STATE_READ", "STATE_FAILED"})


@dataclass(slots=True)
class Sendings:
    """Conversations that stand open, what was sent into them, and what became of it."""

    simulation: Simulation
    town: Town
    conversations: list[tuple[Caller, str]] = field(default_factory=list)
    texts: dict[str, Value] = field(default_factory=dict)

    @classmethod
    def open(cls, stack: Stack, number: int, *, stores: int, people: int) -> "Sendings":
        """Let everybody in a new town write, so that they may be answered."""
        sendings = cls(Simulation(stack.simulator_url), found(stack, number, stores=stores, people=people))
        for page, psids in sendings.town.people.items():
            for psid in psids:
                wish = {"psid": psid, "text": "Hello"}
                sendings.simulation._ask("POST", f"/_simulator/pages/{page}/messages", wish)
        await_for("the conversations", lambda: sendings._meet() == stores * people)
        return sendings

    def _meet(self) -> int:
        self.conversations = [
            (caller, one.conversation_id)
            for caller in self.town.callers
            for one in caller.list_all(
                caller.connector.ListConversations, ListConversationsRequest(page_size=200), field="conversations"
            )
        ]
        return len(self.conversations)

    def lose_answers(self, times: int, *, hold_seconds: float = 0.0) -> None:
        """Let Meta do so often for each Page what it is asked and never say so: after so long the connection just ends."""
        for page in self.town.people:
            order = {"match": {"method": "POST", "path": f"{page}/messages$"}, "times": times}
            self.simulation._ask(
                "POST", "/_simulator/faults", {**order, "action": {"kind": "drop_answer", "seconds": hold_seconds}}
            )

    def send(self, each: int = 1) -> None:
        """Ask for so many texts to everybody."""
        for _ in range(each):
            for caller, conversation_id in self.conversations:
                text = f"Text {len(self.texts)} for you"
                caller.call(
                    caller.connector.SendMessage, SendMessageRequest(conversation_id=conversation_id, text=text)
                )
                self.texts[text] = ()

    def wait_until_seen(self, number: int) -> None:
        """Wait until so many texts reached people."""
        await_for("the texts", lambda: len(self._seen()) >= number)

    def wait_until_settled(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until it is known of each text whether it went out."""
        await_for("the fates", lambda: {state for _, state in self._states()} <= SETTLED, seconds=seconds)

    def balance(self) -> Balance:
        """Compare what was asked for with what people have, and count what nobody knows the fate of."""
        states = self._states()
        failed = {text for text, state in states if state == "STATE_FAILED"}
        must_have = {text: () for text in self.texts if text not in failed}
        return (
            compare("texts at people", {**must_have, **dict.fromkeys(failed & set(self._seen()), ())}, ((one, ()) for one in self._seen()))
            + compare("texts here", self.texts, ((text, ()) for text, _ in states))
            + waiting("texts", states, settled=SETTLED)
        )  # fmt: skip

    def _seen(self) -> list[str]:
        return [
            str(one["text"])
            for page, psids in self.town.people.items()
            for psid in psids
            for one in self._thread(page, psid)
            if one["from_page"]
        ]

    def _thread(self, page: str, psid: str) -> list[dict[str, Any]]:
        query = urlencode({"page_id": page, "psid": psid})
        return list(self.simulation._ask("GET", f"/_simulator/messages?{query}")["messages"])

    def _states(self) -> list[tuple[str, str]]:
        return [
            (one.text, Message.State.Name(one.state))
            for caller, conversation_id in self.conversations
            for one in caller.list_all(
                caller.connector.ListMessages,
                ListMessagesRequest(conversation_id=conversation_id, page_size=200),
                field="messages",
            )
            if one.origin == Message.ORIGIN_STORMCOM
        ]
