"""What we tell Meta in a conversation: one message of ours, of which it keeps what came of it; or that we type.

Knows the ways a send can end; nothing of whether the message may be sent.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import close_old_connections
from django.db.models import Model

from conversations import statuses, trace
from conversations.models import Conversation, Decision, Message
from tenants.prepared import together
from whatsapp import backoff, templates
from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError, GraphUnavailable, OutcomeUnknown
from whatsapp.exchanges import gather_for
from whatsapp.models import WhatsappConnection
from whatsapp.refusals import Throttle

logger = logging.getLogger(__name__)

Status, Reason, Word = Message.Status, Message.Reason, Decision.Word


def deliver(message: Message, conversation: Conversation, earlier: Sequence[Model] = ()) -> bool:
    """Hands a message that is being sent to Meta, and keeps the outcome on it; with records of what was told `earlier`.

    Returns whether nothing is owed in the conversation any more. Raises GraphUnavailable when it surely was not taken.
    """
    connection = conversation.connection
    records = [*earlier]
    client = GraphClient(connection.access_token, gather_for(connection, message.pk, records))
    close_old_connections()
    try:
        wamid = _hand_to_meta(client, message, conversation)
    except GraphError as error:
        trace.keep(records)
        _not_sent(message, conversation, error)
        return False
    return _sent(message, wamid, records)


def show_typing(conversation: Conversation, heard: Message) -> list[Model]:
    """Blue ticks and "typing…": a courtesy, so its failure stops nothing, except that a lost access is noted.

    Returns the record of the exchange, which is not kept yet.
    """
    connection = conversation.connection
    records: list[Model] = []
    try:
        if not connection.throttled_for:
            client = GraphClient(connection.access_token, gather_for(connection, heard.pk, records))
            client.read_and_type(connection.phone_number_id, heard.wamid or "")
    except AccessTokenRejected as error:
        connection.access_lost(str(error))
    except GraphError as error:
        logger.info("conversation %s shows no typing: %s", conversation.pk, error)
    return records


def _hand_to_meta(client: GraphClient, message: Message, conversation: Conversation) -> str:
    number, recipient = conversation.connection.phone_number_id, conversation.whatsapp_user.recipient
    if message.type == Message.TEMPLATE:
        template = templates.as_sent(message.content["template"])
        return client.send_template(number, recipient, template, str(message.pk))
    return client.send_text(number, recipient, message.text, str(message.pk))


def _sent(message: Message, wamid: str, records: list[Model]) -> bool:
    """Whether nothing is owed any more: it answers the last thing that was said, and has become the last one itself."""
    changes, moving = message.moving(Status.SENT, wamid=wamid)
    heard = trace.heard_by(message)
    about = [trace.first_heard(heard)] if heard else []
    owed = [Conversation.settling(message)] if heard and heard.sequence == message.sequence - 1 else []
    moved, parked, *found = together(moving, statuses.parked(message.connection_id, [wamid]), *about, *owed)
    if not message.has_moved(changes, moved):
        # A status was faster than the answer to our call; it may not have told us the wamid.
        Message.objects.filter(pk=message.pk, wamid=None).update(wamid=wamid)
    trace.keep([*records, *([trace.decided_about(heard, found[0], Word.SENT)] if heard else [])])
    if parked:
        statuses.join(message.connection_id, [wamid])
    return bool(owed and found[-1])


def _not_sent(message: Message, conversation: Conversation, error: GraphError) -> None:
    kept: dict[str, Any] = {"error": str(error), "error_code": _code(error), "reason": _reason(error)}
    logger.warning("message %s was not sent: %s", message.pk, error)
    match error:
        case GraphUnavailable() if not backoff.is_enough(error, message.tries):
            _wait(error, message, conversation.connection)
            message.advance(Status.DRAFTED, **kept)
            trace.note_about_answer(message, Word.DELAYED, str(error))
            raise error
        case AccessTokenRejected():
            message.advance(Status.DRAFTED, **kept)
            conversation.connection.access_lost(str(error))
            trace.note_about_answer(message, Word.DELAYED, str(error))
        case OutcomeUnknown():
            message.advance(Status.UNKNOWN, **kept)
            trace.note_about_answer(message, Word.UNKNOWN, str(error))
        case _:
            message.advance(Status.FAILED, **kept)
            trace.note_about_answer(message, Word.FAILED, str(error))


def _wait(error: GraphUnavailable, message: Message, connection: WhatsappConnection) -> None:
    """How long, for this conversation; and for the whole number when that is what Meta wants."""
    error.retry_after = backoff.pause_after(error, message.tries)
    if error.retry_after and backoff.throttle_of(error) == Throttle.NUMBER:
        connection.throttled(error.retry_after)


def _code(error: GraphError) -> int | None:
    """Meta's code. 0 is one of them, but also stands for none."""
    return error.code if error.code or isinstance(error, AccessTokenRejected) else None


def _reason(error: GraphError) -> str:
    """Ours, where no code of Meta's says it."""
    if isinstance(error, OutcomeUnknown):
        return Reason.NO_ANSWER
    return Reason.UNREACHABLE if isinstance(error, GraphUnavailable) and not error.code else ""
