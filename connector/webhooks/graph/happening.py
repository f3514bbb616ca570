"""One thing that happened between a person and a Page: what every reader of a kind is given."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.messaging.model import Channel
from connector.webhooks.model import digest


@dataclass(frozen=True, slots=True)
class Happening:
    """An event, taken apart: Meta's name of its kind, what stands under that name, and between whom and when it happened.

    `standby`: it came while another app owned the thread. `actor_id` is who did it: the person, or the Page.
    """

    kind: str
    value: dict[str, Any]
    frame: dict[str, Any]
    psid: str
    actor_id: str
    time: datetime
    channel: Channel
    standby: bool

    @property
    def key(self) -> str:
        """What tells an event without a `mid` from others: its own bytes."""
        return digest(json.dumps(self.frame, sort_keys=True).encode()).hex()
