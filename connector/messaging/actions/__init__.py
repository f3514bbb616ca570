"""What the connector does about messages.

What comes in is kept by Meta's own ids: repeated, late and reversed signals end in the same state. What goes out is stored
first, marked before the call to Meta begins, and never sent again while anybody might have received it: after a lost answer
the message is UNKNOWN until Meta's echo or a read-back of the conversation tells.
Its files: `receiving`, `sending`, `settling`, `reading`, and `outcomes`, which they share.
"""

from connector.messaging.actions.reading import list_conversations, list_messages
from connector.messaging.actions.receiving import receive_delivery, receive_echo, receive_messages, receive_read
from connector.messaging.actions.sending import send_message, send_pending, wait_for
from connector.messaging.actions.settling import settle

__all__ = [
    "list_conversations",
    "list_messages",
    "receive_delivery",
    "receive_echo",
    "receive_messages",
    "receive_read",
    "send_message",
    "send_pending",
    "settle",
    "wait_for",
]
