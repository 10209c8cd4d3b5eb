"""Our drafts: how they come to be, in which order they go out, and whether one may go now.

Knows nothing of why a message was written; what Meta makes of it is `delivery`'s.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from conversations import trace
from conversations.delivery import deliver
from conversations.models import SERVICE_WINDOW, Conversation, Decision, Message
from conversations.models.message import movable_to
from conversations.phrasing import split, to_whatsapp
from tenants.prepared import Asked, Given, Prepared, PreparedUpdate, together
from tenants.transactions import contained
from whatsapp import backoff
from whatsapp.errors import GraphUnavailable
from whatsapp.models import WhatsappConnection

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
    if _begin(message, conversation):
        deliver(message, conversation)


def draft_and_set_out(conversation: Conversation, heard: Message, *along: Asked[Any], **fields: Any) -> Message | None:
    """The same as `draft`, and the draft is being sent already when nothing is in the way: all of it in one statement
    without the conversation's lock, so nothing when somebody has said something since it was read, or for a long reply.

    What is given `along` is done with it, or not at all.
    """
    text, *others = _parts(fields.pop("text"), by_model=bool(fields.get("llm_model")))
    if others:
        return None
    ours = {"direction": Message.Direction.OUTBOUND, "author": Message.Author.AGENT, "status": Status.DRAFTED}
    message = conversation.next(in_reply_to=heard, text=text, **ours, **fields)
    changes, setting_out = _setting_out(message, conversation.connection)
    try:
        with contained():
            *_stored, moved = together(*conversation.appending(message), *along, setting_out)
    except IntegrityError:
        return None
    message.has_moved(changes, moved)
    return message


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
    changes, setting_out = _setting_out(message, connection)
    return message.has_moved(changes, setting_out.now())


def _setting_out(message: Message, connection: WhatsappConnection) -> tuple[dict[str, Any], Asked[int]]:
    """What is changed by that, and the statement."""
    now = timezone.now()
    changes = {"status": Status.SENDING, "status_at": now, **_anew(message)}
    given = {"now": now, "since": now - SERVICE_WINDOW, "connected_at": connection.connected_at}
    sets_out = SETS_OUT[message.author == Message.Author.AGENT]
    return changes, sets_out.asked(message=message.pk, **given, **changes)


def _free_to_go(*, is_agents: bool) -> QuerySet[Message]:
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
    return movable_to(Status.SENDING).filter(Exists(free), ~Exists(before))


def _sent_before(conversation: Any, sequence: Any) -> QuerySet[Message]:
    """What another job is sending in this conversation at this moment, and what must arrive first."""
    return Message.objects.filter(conversation=conversation, sequence__lt=sequence, status=Status.SENDING)


def _anew(message: Message) -> dict[str, Any]:
    return {"reason": "", "error": "", "error_code": None, "tries": message.tries + 1}


SETS_OUT = {
    is_agents: PreparedUpdate(
        partial(_free_to_go, is_agents=is_agents),
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
