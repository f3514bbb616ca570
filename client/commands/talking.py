"""Conversations, messages and answers."""

import sys
import uuid
from datetime import timedelta
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration

from client.output import moment, word
from client.session import session_of
from stormcom.facebook.v1.connector_service_pb2 import ListConversationsRequest, ListMessagesRequest, SendMessageRequest
from stormcom.facebook.v1.conversation_pb2 import Message, Sender

app = typer.Typer()

LONGEST_WAIT = timedelta(seconds=20)


@app.command()
def conversations(
    context: typer.Context,
    *,
    unread: Annotated[bool, typer.Option(help="Only those with unread messages.")] = False,
) -> None:
    """List conversations, newest message first."""
    session = session_of(context)
    request = ListConversationsRequest(connection_id=session.connection_id, unread_only=unread)
    session.output.list(
        session.caller.list_all(session.caller.connector.ListConversations, request, field="conversations"),
        {
            "conversation": lambda conversation: conversation.conversation_id,
            "person": lambda conversation: conversation.person.name or conversation.person.psid,
            "unread": lambda conversation: conversation.unread_count,
            "newest": lambda conversation: moment(conversation.last_message_time),
            "answer until": lambda conversation: moment(conversation.window.response_expire_time),
            "text": lambda conversation: conversation.snippet,
        },
    )


@app.command()
def messages(
    context: typer.Context, conversation: Annotated[str, typer.Argument(help="The conversation's id.")]
) -> None:
    """List a conversation's messages, newest first."""
    session = session_of(context)
    request = ListMessagesRequest(conversation_id=conversation)
    session.output.list(
        session.caller.list_all(session.caller.connector.ListMessages, request, field="messages"),
        {
            "sent": lambda message: moment(message.send_time),
            "from": lambda message: word(message, "origin"),
            "state": lambda message: word(message, "state"),
            "text": lambda message: (
                message.text or message.unsupported_kind or f"({len(message.attachments)} attachments)"
            ),
            "reason": lambda message: message.reason,
        },
    )


@app.command()
def send(
    context: typer.Context,
    conversation: Annotated[str, typer.Argument(help="The conversation's id.")],
    text: Annotated[str, typer.Argument(help="The text; `-` reads it from standard input.")],
    request_id: Annotated[str, typer.Option(help="Repeat an earlier try with its id: the message goes out once.")] = "",
    *,
    human: Annotated[bool, typer.Option(help="A human writes: allowed for 7 days where Meta permits it.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait for Meta's answer.")] = True,
) -> None:
    """Answer a person."""
    session = session_of(context)
    request = SendMessageRequest(
        conversation_id=conversation,
        request_id=request_id or str(uuid.uuid4()),
        text=sys.stdin.read() if text == "-" else text,
        sender=Sender.SENDER_HUMAN if human else Sender.SENDER_AUTOMATION,
        wait=Duration(seconds=int(LONGEST_WAIT.total_seconds())) if wait else None,
    )
    message = session.caller.call(session.caller.connector.SendMessage, request).message
    session.output.show(message, f"{message.message_id}: {word(message, 'state')} {message.reason}".rstrip())
    if message.state == Message.STATE_FAILED:
        raise typer.Exit(1)
