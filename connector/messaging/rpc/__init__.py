"""How callers say it: conversations, messages, and wishes to send one."""

from connector.messaging.rpc.reading import list_conversations as list_conversations
from connector.messaging.rpc.reading import list_messages as list_messages
from connector.messaging.rpc.sending import send_message as send_message
