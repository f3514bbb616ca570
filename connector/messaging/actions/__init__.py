"""What the connector does about messages.

What comes in is kept by Meta's own ids: repeated, late and reversed signals end in the same state. What goes out is stored
first, marked before the call to Meta begins, and never sent again while anybody might have received it: after a lost answer
the message is UNKNOWN until Meta's echo or a read-back of the conversation tells.
Its files: `receiving`, `wishing`, `sending`, `managing`, `uploading`, `templates`, `settling`, `reading`, `watching`, `desk`, `taking_over`, `people`, `backfilling` (with `taking_in`), `silence`, and `outcomes`, which they share.
"""

from connector.messaging.actions.backfilling import backfill, begin_backfill, list_backfills, plan_backfill
from connector.messaging.actions.changing import receive_changes
from connector.messaging.actions.desk import assign, get_conversation, mark_read, set_typing, show_action
from connector.messaging.actions.managing import (
    cancel_message,
    get_message,
    read_disclosure,
    retry_message,
    set_disclosure,
)
from connector.messaging.actions.noting import receive_notes
from connector.messaging.actions.people import look_up_people
from connector.messaging.actions.progressing import receive_progress
from connector.messaging.actions.reading import Leaf, list_around, list_conversations, list_messages
from connector.messaging.actions.receiving import receive_echoes, receive_messages
from connector.messaging.actions.sending import send_pending, wait_for
from connector.messaging.actions.settling import settle
from connector.messaging.actions.silence import check_silence
from connector.messaging.actions.taking_over import take_over
from connector.messaging.actions.templates import create_template, delete_template, list_templates, sync_templates
from connector.messaging.actions.uploading import Announced, Piece, upload_piece
from connector.messaging.actions.watching import Sight, Watched, watch
from connector.messaging.actions.wishing import send_message, send_receipt

__all__ = [
    "Announced",
    "Leaf",
    "Piece",
    "Sight",
    "Watched",
    "assign",
    "backfill",
    "begin_backfill",
    "cancel_message",
    "check_silence",
    "create_template",
    "delete_template",
    "get_conversation",
    "get_message",
    "list_around",
    "list_backfills",
    "list_conversations",
    "list_messages",
    "list_templates",
    "look_up_people",
    "mark_read",
    "plan_backfill",
    "read_disclosure",
    "receive_changes",
    "receive_echoes",
    "receive_messages",
    "receive_notes",
    "receive_progress",
    "retry_message",
    "send_message",
    "send_pending",
    "send_receipt",
    "set_disclosure",
    "set_typing",
    "settle",
    "show_action",
    "sync_templates",
    "take_over",
    "upload_piece",
    "wait_for",
    "watch",
]
