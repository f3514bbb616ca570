"""How Meta says it: send to a person, give it files and templates, and read back what a conversation holds."""

from connector.messaging.graph.conversations import READABLE as READABLE
from connector.messaging.graph.conversations import read_back as read_back
from connector.messaging.graph.files import upload as upload
from connector.messaging.graph.limits import bucket as bucket
from connector.messaging.graph.limits import conversations_bucket as conversations_bucket
from connector.messaging.graph.looking import latest as latest
from connector.messaging.graph.looking import list_conversations as list_conversations
from connector.messaging.graph.looking import take_part as take_part
from connector.messaging.graph.people import Profile as Profile
from connector.messaging.graph.people import profile as profile
from connector.messaging.graph.people import show_action as show_action
from connector.messaging.graph.people import take_over as take_over
from connector.messaging.graph.sending import Outgoing as Outgoing
from connector.messaging.graph.sending import send as send
from connector.messaging.graph.templates import create_template as create_template
from connector.messaging.graph.templates import delete_template as delete_template
from connector.messaging.graph.templates import list_templates as list_templates
from connector.messaging.graph.templates import shown_items as shown_items
