"""Hands our drafts to Meta, and keeps what came of it.

Knows the ways a send can end; nothing of why the message was written.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any

from django.db import close_old_connections, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from conversations import statuses, trace
from conversations.models import SERVICE_WINDOW, Conversation, Decision, Message
from conversations.models.message import moving
from conversations.phrasing import split, to_whatsapp
from tenants.prepared import Given, Prepared, PreparedUpdate
from whatsapp import backoff, templates
from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError, GraphUnavailable, OutcomeUnknown
from whatsapp.exchanges import keep_for
from whatsapp.models import WhatsappConnection
from whatsapp.refusals import Throttle

logger = logging.getLogger(__name__)

MAX_TEXT = 4096  # https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages

Status, Reason, Word = Message.Status, Message.Reason, Decision.Word
WHY_NOT = {
    Reason.TAKEN_OVER: "Not sent: a person of the business has spoken meanwhile.",
    Reason.WINDOW_CLOSED: "The service window has closed.",
    Reason.TOO_LATE: "Not sent: it has waited for a day.",
    Reason.NOT_NEEDED: "Not sent once more: a status came meanwhile.",
}
WORD_OF = {Reason.TAKEN_OVER: Word.TAKEN_OVER, Reason.WINDOW_CLOSED: Word.WINDOW_CLOSED}
# What must become clear before the next part of a reply is sent.
UNSETTLED = (Status.SENDING, Status.UNKNOWN)

DRAFTS = Prepared(
    lambda: Message.objects.filter(conversation=Given("conversation"), status=Status.DRAFTED).order_by("sequence")
)


def draft(locked: Conversation, heard: Message, **fields: Any) -> list[Message]:
    """Writes our reply to everything up to `heard` as the next message, or as several when it is long; returns them.

    What a model wrote (`llm_model` says which) is turned into WhatsApp's markup. Nothing when there is a reply to
    `heard` already: a worker that was thought dead may come back.
    """
    if locked.last_sequence > heard.sequence and Message.objects.filter(in_reply_to=heard).exists():
        return []
    text, *others = _parts(fields.pop("text", ""), by_model=bool(fields.get("llm_model")))
    status = fields.pop("status", Status.DRAFTED)
    ours = {"direction": Message.Direction.OUTBOUND, "author": Message.Author.AGENT, "status": status}
    first = locked.append(in_reply_to=heard, text=text, **ours, **fields)
    return [first, *(locked.append(part_of=first, said_at=first.said_at, text=other, **ours) for other in others)]


def _parts(text: str, *, by_model: bool) -> list[str]:
    """The texts of the messages. What is nothing once it is turned (a rule, an empty tag) is said as it was written."""
    turned = to_whatsapp(text) if by_model else text
    return split(turned or text, MAX_TEXT) or [""]


def send_drafts(conversation: Conversation) -> None:
    """Sends what is drafted in this conversation, in order. Raises GraphUnavailable: the rest stays drafted.

    Looks again until nothing moves: what another job found while we were sending, it has left to us.
    """
    while any(_goes_on(message, conversation) for message in DRAFTS(conversation=conversation.pk)):
        pass


def _goes_on(message: Message, conversation: Conversation) -> bool:
    """Whether the draft is none any more.

    A part of a reply is never sent without what stands before it: when that failed, it fails too; while nobody knows
    what became of that, it waits.
    """
    before = _part_before(message)
    if before is None or before.status not in (Status.FAILED, Status.DRAFTED, *UNSETTLED):
        send(message, conversation)
    elif before.status == Status.FAILED:
        message.advance(Status.FAILED, error="Not sent: the part of the reply before it was not sent.")
    elif before.status in UNSETTLED and message.created_at < _oldest_that_waits():
        message.advance(Status.FAILED, error="Not sent: nobody knows what became of the part before it.")
    return message.status != Status.DRAFTED


def _part_before(message: Message) -> Message | None:
    if message.part_of_id is None:
        return None
    reply = Message.objects.filter(Q(pk=message.part_of_id) | Q(part_of=message.part_of_id))
    return reply.filter(sequence__lt=message.sequence).order_by("sequence").last()


def _oldest_that_waits() -> datetime:
    """When it was written. What is older was said to a customer whose service window has closed."""
    return timezone.now() - SERVICE_WINDOW


def sendable() -> QuerySet[Message]:
    """The drafts that can be sent, or given up: all but the parts that wait for what became of one before them."""
    before = Message.objects.filter(Q(pk=OuterRef("part_of")) | Q(part_of=OuterRef("part_of")))
    unsettled = before.filter(sequence__lt=OuterRef("sequence"), status__in=UNSETTLED)
    waits = Q(Exists(unsettled), part_of__isnull=False, created_at__gte=_oldest_that_waits())
    return Message.objects.filter(~waits, status=Status.DRAFTED)


def send(message: Message, conversation: Conversation) -> None:
    """Sends one draft and keeps the outcome on it.

    `sending` is committed before the call, so that a crash leaves a trace, and nothing is ever sent twice: what
    may have reached Meta is `unknown` until a status says more. Raises GraphUnavailable when it surely has not.
    """
    if not _begin(message, conversation):
        return
    connection = conversation.connection
    client = GraphClient(connection.access_token, keep_for(connection, message.pk))
    close_old_connections()
    try:
        wamid = _hand_to_meta(client, message, conversation)
    except GraphError as error:
        _not_sent(message, conversation, error)
    else:
        _sent(message, wamid)


def _hand_to_meta(client: GraphClient, message: Message, conversation: Conversation) -> str:
    number, recipient = conversation.connection.phone_number_id, conversation.whatsapp_user.recipient
    if message.type == Message.TEMPLATE:
        template = templates.as_sent(message.content["template"])
        return client.send_template(number, recipient, template, str(message.pk))
    return client.send_text(number, recipient, message.text, str(message.pk))


def _wait_if_throttled(message: Message, connection: WhatsappConnection) -> None:
    """Raises GraphUnavailable while Meta wants nothing of this number: not every conversation need ask for itself."""
    if seconds := connection.throttled_for:
        Message.objects.filter(pk=message.pk, status=Status.DRAFTED, error_code=None).update(reason=Reason.THROTTLED)
        raise GraphUnavailable("Meta has asked us to wait with this number.", retry_after=backoff.spread(seconds))


def _begin(message: Message, conversation: Conversation) -> bool:
    """The draft is being sent from now on; unless something has happened since it was written.

    What a silenced agent had heard is unheard again: the person has answered it, or the agent does when it may speak.
    """
    connection = conversation.connection
    is_plain = message.resends_id is None and message.type != Message.TEMPLATE
    if is_plain and _sets_out(message, connection):
        return True
    connection.refresh_from_db()
    if connection.status != WhatsappConnection.Status.CONNECTED:
        return False
    _wait_if_throttled(message, connection)
    with transaction.atomic():
        locked = Conversation.locked(conversation.pk)
        if locked is None or _sent_before(locked.pk, message.sequence).exists():
            return False  # part of another now, or not its turn: see send_drafts
        if reason := _why_not(message, locked):
            trace.note_about_answer(message, WORD_OF.get(reason, Word.FAILED), WHY_NOT[reason])
            unheard: dict[str, Any] = {"in_reply_to": None} if reason == Reason.TAKEN_OVER else {}
            message.advance(Status.FAILED, reason=reason, error=WHY_NOT[reason], error_code=None, **unheard)
            return False
        return message.advance(Status.SENDING, **_anew(message))


def _sets_out(message: Message, connection: WhatsappConnection) -> bool:
    """The same where nothing at all is in the way, as nearly always: in one statement, which sees every pause that was
    made before it."""
    now = timezone.now()
    changes = {"status": Status.SENDING, "status_at": now, **_anew(message)}
    given = {"now": now, "since": now - SERVICE_WINDOW, "connected_at": connection.connected_at}
    sets_out = SETS_OUT[message.author == Message.Author.AGENT]
    return message.has_moved(changes, sets_out(message=message.pk, **given, **changes))


def _setting_out(*, is_agents: bool) -> QuerySet[Message]:
    """The given draft, when it may go: by its connection, its window, who speaks, and what is sent before it."""
    free = Conversation.objects.filter(
        Q(connection__throttled_until=None) | Q(connection__throttled_until__lte=Given("now")),
        pk=OuterRef("conversation"),
        connection__status=WhatsappConnection.Status.CONNECTED,
        connection__connected_at=Given("connected_at"),  # so that its token is the one that we know
        window_opened_at__gte=Given("since"),
    )
    if is_agents:
        free = free.filter(Q(agent_paused_until=None) | Q(agent_paused_until__lte=Given("now")))
    before = _sent_before(OuterRef("conversation"), OuterRef("sequence"))
    return moving(Status.SENDING).filter(Exists(free), ~Exists(before))


def _sent_before(conversation: Any, sequence: Any) -> QuerySet[Message]:
    """What another job is sending in this conversation at this moment, and what must arrive first."""
    return Message.objects.filter(conversation=conversation, sequence__lt=sequence, status=Status.SENDING)


def _anew(message: Message) -> dict[str, Any]:
    return {"reason": "", "error": "", "error_code": None, "tries": message.tries + 1}


SETS_OUT = {
    is_agents: PreparedUpdate(
        partial(_setting_out, is_agents=is_agents),
        **{name: Given(name) for name in ("status", "status_at", "reason", "error", "error_code", "tries")},
    )
    for is_agents in (True, False)
}


def _why_not(message: Message, conversation: Conversation) -> Message.Reason | None:
    """A person of the business speaks, it is too late, or a status of the first one has come: under its lock."""
    if conversation.silences(message):
        return Reason.TAKEN_OVER
    if reason := _too_late(message, conversation):
        return reason
    if message.resends_id is not None:
        first = Message.objects.select_for_update().filter(pk=message.resends_id).first()
        return Reason.NOT_NEEDED if first and first.status != Status.UNKNOWN else None
    return None


def _too_late(message: Message, conversation: Conversation) -> Message.Reason | None:
    """A template needs no window; but after a day in which it could not be sent it may not be true any more."""
    if message.type == Message.TEMPLATE:
        return Reason.TOO_LATE if message.created_at < _oldest_that_waits() else None
    closes = conversation.window_closes_at
    return Reason.WINDOW_CLOSED if closes is None or closes < timezone.now() else None


def _sent(message: Message, wamid: str) -> None:
    if not message.advance(Status.SENT, wamid=wamid):
        # A status was faster than the answer to our call; it may not have told us the wamid.
        Message.objects.filter(pk=message.pk, wamid=None).update(wamid=wamid)
    trace.note_about_answer(message, Word.SENT)
    statuses.join(message.connection_id, [wamid])


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
