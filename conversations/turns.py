"""The agent's turn to speak: when it begins, what the agent is shown, and what becomes of what it says.

Knows rows and the clock; the model is asked by `tasks`, Meta is spoken to by `outbound`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext

from agent.ports import LlmError, LlmRefused, Media, NoPrompt, Reply, Speaker, Turn
from agent.replies import Question, question_of
from conversations import handover, limits, media, outbound, patience, trace
from conversations.models import Conversation, Decision, Message
from conversations.wording import agent_text
from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError
from whatsapp.exchanges import keep_for
from whatsapp.models import WhatsappConnection

logger = logging.getLogger(__name__)

MEDIA_PAUSE_SECONDS = 0.5
Reason, Word = Message.Reason, Decision.Word


@dataclass(frozen=True)
class Wait:
    """The customer may still be writing, or what they sent is still on its way to us: look again after a moment."""

    seconds: float


@dataclass(frozen=True)
class Ask:
    """The agent's turn: what to ask, and what the answer will have heard."""

    conversation: Conversation
    unheard: Sequence[Message]
    question: Question

    @property
    def heard(self) -> Message:
        """The last of it."""
        return self.unheard[-1]


def begin(conversation_id: UUID | str) -> Ask | Wait | None:
    """Does what can be done without the model; then what to do next, or None when there is nothing left to do.

    Sends what is drafted. Stops where the agent may not speak: the number is not connected, a person of the business
    speaks, or the conversation has become part of another; it stays due, and goes on when that is over.
    Raises GraphUnavailable when drafts cannot be sent now.
    """
    while conversation := _conversation(conversation_id):
        if not _may_speak(conversation):
            return None
        unheard = list(conversation.unheard().select_related("attachment__file"))
        if not unheard:
            if _nothing_left(conversation):
                return None
        elif seconds := patience.seconds_left(unheard, conversation.tenant):
            return Wait(seconds)
        elif step := _take_turn(conversation, unheard):
            return step
    return None


def _conversation(conversation_id: UUID | str) -> Conversation | None:
    everything = Conversation.objects.select_related("tenant", "connection", "whatsapp_user")
    return everything.filter(pk=conversation_id).first()


def _may_speak(conversation: Conversation) -> bool:
    """Whether it is the agent who speaks here now. What was drafted is sent in any case."""
    if conversation.connection.status != WhatsappConnection.Status.CONNECTED:
        trace.note(conversation, list(conversation.unheard()), Word.NOT_CONNECTED, conversation.connection.status)
        return False
    outbound.send_drafts(conversation)
    if conversation.is_paused:
        until = f"until {conversation.agent_paused_until:%Y-%m-%d %H:%M:%S %Z}"
        trace.note(conversation, list(conversation.unheard()), Word.PAUSED, until)
        _nothing_left(conversation)
        return False
    return conversation.connection.status == WhatsappConnection.Status.CONNECTED


def _nothing_left(conversation: Conversation) -> bool:
    """Nothing is owed any more; decided under the lock that every new message takes."""
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().filter(pk=conversation.pk).first()
        if locked is None:
            return True
        waiting = locked.unheard().exists() or outbound.sendable().filter(conversation=locked).exists()
        if not waiting:
            Conversation.objects.filter(pk=locked.pk).update(answer_due_at=None)
        return not waiting


def _take_turn(conversation: Conversation, unheard: Sequence[Message]) -> Ask | Wait | None:
    """What the model is to be asked; None when the turn has been spoken without it, or cannot be."""
    heard = unheard[-1]
    if conversation.window_closes_at is None or conversation.window_closes_at < timezone.now():
        trace.note(conversation, unheard, Word.WINDOW_CLOSED)
        outbound.not_drafted(conversation, heard, Reason.WINDOW_CLOSED, "The service window has closed.")
        return None
    if why := limits.reason_to_stop(conversation, unheard):
        trace.note(conversation, unheard, Word.LIMITED, why)
        limits.stop(conversation, why)
        return None
    if media.is_awaited(unheard):
        trace.note(conversation, unheard, Word.MEDIA_AWAITED)
        return Wait(MEDIA_PAUSE_SECONDS)
    _show_typing(conversation, heard)
    if conversation.connection.status != WhatsappConnection.Status.CONNECTED:
        return None
    if handover.is_asked_for(unheard, conversation.tenant):
        trace.note(conversation, unheard, Word.HANDED_OVER, handover.ASKED)
        handover.hand_over(conversation, heard, handover.ASKED)
        return None
    if media.cannot_hear(unheard):
        trace.note(conversation, unheard, Word.DRAFTED, "Only voice messages, and there is no transcriber.")
        text = media.please_write(conversation.tenant.language)
        outbound.draft(conversation, heard, text=text, note="Only voice messages, and there is no transcriber.")
        return None
    return _question(conversation, unheard)


def _question(conversation: Conversation, unheard: Sequence[Message]) -> Ask | None:
    number, customer = conversation.connection.phone_number_id, str(conversation.whatsapp_user_id)
    try:
        question = question_of(conversation.tenant, number, customer, said(conversation, unheard))
    except LlmError as error:
        _give_up(conversation, unheard, error)
        return None
    if len(unheard) > 1:
        trace.note(conversation, unheard, Word.TOGETHER, f"{len(unheard)} messages")
    trace.note(conversation, unheard, Word.ASKED, f"with {len(question.turns)} messages of context")
    return Ask(conversation, unheard, question)


def put_off(ask: Ask, reason: str) -> None:
    """The model cannot answer now."""
    trace.note(ask.conversation, ask.unheard, Word.UNAVAILABLE, reason)


def conclude(ask: Ask, reply: Reply | LlmError, *, is_last: bool) -> bool:
    """What the model said becomes a draft, or the reason why there is none.

    False when the customer has written more meanwhile and this is not the last try: then what was said is dropped, for
    the next answer has heard all of it.
    """
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().filter(pk=ask.conversation.pk).first()
        if locked is None:
            return False
        if not is_last and locked.unheard().filter(sequence__gt=ask.heard.sequence).exists():
            trace.note(locked, ask.unheard, Word.SUPERSEDED)
            return False
        match reply:
            case LlmRefused():
                trace.note(locked, ask.unheard, Word.REFUSED, str(reply))
                outbound.draft(locked, ask.heard, text=_decline(ask.conversation), note=str(reply))
            case LlmError():
                _give_up(locked, ask.unheard, reply)
            case Reply(hands_over=reason) if reason:
                trace.note(locked, ask.unheard, Word.HANDED_OVER, reason)
                handover.hand_over(locked, ask.heard, reason)
            case Reply():
                trace.note(locked, ask.unheard, Word.DRAFTED, reply.request_id)
                _draft(locked, ask, reply)
    return True


def _give_up(conversation: Conversation, unheard: Sequence[Message], error: LlmError) -> None:
    logger.error("conversation %s has no reply: %s", conversation.pk, error)
    trace.note(conversation, unheard, Word.GIVEN_UP, str(error))
    reason = Reason.NO_PROMPT if isinstance(error, NoPrompt) else Reason.MODEL_ERROR
    outbound.not_drafted(conversation, unheard[-1], reason, str(error))


def _draft(conversation: Conversation, ask: Ask, reply: Reply) -> None:
    outbound.draft(
        conversation,
        ask.heard,
        text=reply.text,
        system_prompt=ask.question.prompt,
        llm_model=reply.model,
        llm_request_id=reply.request_id,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _show_typing(conversation: Conversation, heard: Message) -> None:
    """Blue ticks and "typing…": a courtesy, so its failure stops nothing, except that a lost access is noted."""
    connection = conversation.connection
    try:
        if connection.throttled_for:
            return
        client = GraphClient(connection.access_token, keep_for(connection, heard.pk))
        client.read_and_type(connection.phone_number_id, heard.wamid or "")
    except AccessTokenRejected as error:
        connection.access_lost(str(error))
    except GraphError as error:
        logger.info("conversation %s shows no typing: %s", conversation.pk, error)


def said(conversation: Conversation, unheard: Sequence[Message]) -> list[Turn]:
    """The last messages, as the model is shown them, and everything unheard at the end."""
    of_conversation = conversation.messages.select_related("attachment__file", "in_reply_to")
    earlier = of_conversation.exclude(Q(status=Message.Status.FAILED) | Q(reason=Reason.RESENT)).exclude(
        wants_answer=True, sequence__gte=unheard[0].sequence
    )
    limit = conversation.tenant.context_limit
    last = list(earlier.order_by("-said_at", "-sequence")[: max(limit - len(unheard), 0)])
    new = sorted(unheard, key=lambda message: (message.said_at, message.sequence))
    in_order = [*_as_the_agent_knew_it(last), *new[-limit:]]
    shown = media.shown(in_order)
    return [_turn(message, shown.get(message.pk)) for message in in_order]


def _turn(message: Message, shown: Media | None) -> Turn:
    speaker = Speaker.AGENT if message.direction == Message.Direction.OUTBOUND else Speaker.CUSTOMER
    return Turn(speaker, agent_text(message, shown=shown is not None), shown)


def _as_the_agent_knew_it(messages: Sequence[Message]) -> list[Message]:
    """In the order they were said; but what came while the agent was thinking stands after that reply.

    The reply did not know of it, whenever it was said.
    """
    replies = [message for message in messages if message.in_reply_to]

    def place(message: Message) -> tuple[datetime, bool, datetime, int]:
        unknown_to = [r.said_at for r in replies if r.in_reply_to and r.in_reply_to.sequence < message.sequence]
        moved = message.wants_answer and unknown_to
        at = max(message.said_at, *unknown_to) if moved else message.said_at
        return at, message.direction == Message.Direction.INBOUND, message.said_at, message.sequence

    return sorted(messages, key=place)


def _decline(conversation: Conversation) -> str:
    with translation.override(conversation.tenant.language):
        return gettext("I am sorry, I cannot help you with this here. Please contact us in another way.")
