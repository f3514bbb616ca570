"""How Meta says what happened: bytes of a delivery into signals.

Never raises, whatever the bytes: what cannot be read becomes `Kept` with a reason, and its neighbours are read all the same.
Ids are texts. A Page is found by `entry.id`, which is an asset's id, never the key of an event.
Its files: `envelope`, `messaging` with its `messages` and `notes`, `changes`, and `parts`, out of which they are all read.
"""

from connector.webhooks.graph.envelope import DEEPEST as DEEPEST
from connector.webhooks.graph.envelope import read_signals as read_signals
from connector.webhooks.graph.envelope import without as without
from connector.webhooks.graph.envelope import without_tokens as without_tokens
