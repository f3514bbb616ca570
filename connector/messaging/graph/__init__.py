"""How Meta says it: send to a person, and read back what a conversation holds."""

from connector.messaging.graph.conversations import READABLE as READABLE
from connector.messaging.graph.conversations import read_back as read_back
from connector.messaging.graph.limits import bucket as bucket
from connector.messaging.graph.sending import send_text as send_text
