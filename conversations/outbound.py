"""Hands our drafts to Meta, and keeps what came of it.

Knows the ways a send can end; nothing of why the message was written.
"""

import logging
from typing import Any

from django.db import close_old_connections, transaction

from conversations import statuses
from conversations.models import Conversation, Message
from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError, GraphUnavailable, OutcomeUnknown
from whatsapp.exchanges import keep_for

logger = logging.getLogger(__name__)

MAX_TEXT = 4096  # https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages

Status = Message.Status


def draft(conversation: Conversation, heard: Message, **fields: Any) -> None:
    """Writes our reply to everything up to `heard` as the next message.

    Does nothing when that has a reply already: a worker that was thought dead may come back.
    """
    with transaction.atomic():
        Conversation.objects.select_for_update().get(pk=conversation.pk)
        if not Message.objects.filter(in_reply_to=heard).exists():
            ours = {"direction": Message.Direction.OUTBOUND, "author": Message.Author.AGENT}
            conversation.append(in_reply_to=heard, **ours, **{"status": Status.DRAFTED, **fields})


def send_drafts(conversation: Conversation) -> None:
    """Sends what is drafted in this conversation, in order. Raises GraphUnavailable: the rest stays drafted."""
    for message in conversation.messages.filter(status=Status.DRAFTED).order_by("sequence"):
        send(message, conversation)


def send(message: Message, conversation: Conversation) -> None:
    """Sends one draft and keeps the outcome on it.

    `sending` is committed before the call, so that a crash leaves a trace, and nothing is ever sent twice: what
    may have reached Meta is `unknown` until a status says more. Raises GraphUnavailable when it surely has not.
    """
    connection = conversation.connection
    client = GraphClient(connection.access_token, keep_for(connection, message.pk))
    if not _begin(message, conversation):
        return
    close_old_connections()
    try:
        wamid = client.send_text(
            connection.phone_number_id, conversation.whatsapp_user.recipient, message.text, str(message.pk)
        )
    except GraphError as error:
        _not_sent(message, conversation, error)
    else:
        _sent(message, wamid)


def _begin(message: Message, conversation: Conversation) -> bool:
    """The draft is being sent from now on; unless it is the agent's, and the agent is silent since it was written.

    What that one had heard is unheard again: the person has answered it, or the agent does when it may speak again.
    """
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().get(pk=conversation.pk)
        if locked.silences(message):
            error = "Not sent: a person of the business has spoken meanwhile."
            message.advance(Status.FAILED, error=error, in_reply_to=None)
            return False
        return message.advance(Status.SENDING, error="", error_code=None)


def _sent(message: Message, wamid: str) -> None:
    if not message.advance(Status.SENT, wamid=wamid):
        # A status was faster than the answer to our call; it may not have told us the wamid.
        Message.objects.filter(pk=message.pk, wamid=None).update(wamid=wamid)
    statuses.join(message.connection_id, [wamid])


def _not_sent(message: Message, conversation: Conversation, error: GraphError) -> None:
    kept: dict[str, Any] = {"error": str(error), "error_code": error.code or None}
    logger.warning("message %s was not sent: %s", message.pk, error)
    match error:
        case GraphUnavailable():
            message.advance(Status.DRAFTED, **kept)
            raise error
        case AccessTokenRejected():
            message.advance(Status.DRAFTED, **kept)
            conversation.connection.access_lost(str(error))
        case OutcomeUnknown():
            message.advance(Status.UNKNOWN, **kept)
        case _:
            message.advance(Status.FAILED, **kept)
