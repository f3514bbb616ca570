"""How callers say it: conversations, messages, and wishes to send one."""

from connector.messaging.rpc.managing import cancel_message as cancel_message
from connector.messaging.rpc.managing import create_message_template as create_message_template
from connector.messaging.rpc.managing import delete_message_template as delete_message_template
from connector.messaging.rpc.managing import get_message as get_message
from connector.messaging.rpc.managing import get_sending_settings as get_sending_settings
from connector.messaging.rpc.managing import list_message_templates as list_message_templates
from connector.messaging.rpc.managing import retry_message as retry_message
from connector.messaging.rpc.managing import update_sending_settings as update_sending_settings
from connector.messaging.rpc.managing import upload_attachment as upload_attachment
from connector.messaging.rpc.reading import list_conversations as list_conversations
from connector.messaging.rpc.reading import list_messages as list_messages
from connector.messaging.rpc.sending import send_message as send_message
