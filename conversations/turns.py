"""The agent's turn to speak: when it begins, what the agent is shown, and what becomes of what it says.

Knows rows and the clock; the model is asked by `tasks`, Meta is spoken to by `outbound`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django.utils import timezone, translation
from django.utils.translation import gettext

from agent.models import SystemPrompt
from agent.ports import LlmError, LlmRefused, NoPrompt, Reply, Turn
from agent.replies import Question, question_of
from conversations import context, delivery, handover, limits, media, outbound, patience, trace
from conversations.models import Conversation, Decision, Message
from conversations.reasons import ASKED, NO_TRANSCRIBER
from conversations.standing import CONVERSATION, UNHEARD, is_settled, standing_of
from tenants.bulk import inserting
from tenants.prepared import together
from whatsapp.models import WhatsappConnection

logger = logging.getLogger(__name__)

MEDIA_PAUSE_SECONDS = 0.5
# How often an answer is made anew because the customer has written more; then it is sent, and the rest follows.
MOST_DROPPED = 2
Reason, Word = Message.Reason, Decision.Word


@dataclass(frozen=True)
class Wait:
    """The customer may still be writing, or what they sent is still on its way to us: look again after a moment."""

    seconds: float
    dropped: int


@dataclass(frozen=True)
class Ask:
    """The agent's turn: what to ask, what the answer will have heard, and how many answers to it were dropped."""

    conversation: Conversation
    unheard: Sequence[Message]
    question: Question
    dropped: int

    @property
    def heard(self) -> Message:
        """The last of it."""
        return self.unheard[-1]

    @property
    def told(self) -> list[Decision]:
        """What staff is told of it."""
        several = [(Word.TOGETHER, f"{len(self.unheard)} messages")] if len(self.unheard) > 1 else []
        asked = (Word.ASKED, f"with {len(self.question.turns)} messages of context")
        return [trace.decided(self.unheard, word, detail) for word, detail in (*several, asked)]


Step = Wait | Ask


def begin(conversation_id: UUID | str, dropped: int = 0) -> Step | None:
    """Does what can be done without the model; then what to do next, or None when there is nothing left to do.

    Sends what is drafted. Stops where the agent may not speak: the number is not connected, a person of the business
    speaks, or the conversation has become part of another; it stays due, and goes on when that is over.
    Raises GraphUnavailable when drafts cannot be sent now.
    """
    while standing := standing_of(conversation_id):
        conversation, drafts, unheard = standing
        if drafts:
            _send_drafts(conversation)
            unheard = UNHEARD(conversation=conversation.pk)
        if _has_ended(conversation, unheard):
            return None
        if unheard and not conversation.is_paused and (step := _take_turn(conversation, unheard, dropped)):
            return step
    return None


def send_drafts(conversation_id: UUID | str) -> None:
    """Sends what is drafted here, whoever wrote it. Raises GraphUnavailable when that is not possible now."""
    for conversation in CONVERSATION(conversation=conversation_id):
        _send_drafts(conversation)


def _send_drafts(conversation: Conversation) -> None:
    if _is_connected(conversation):
        outbound.send_drafts(conversation)


def _is_connected(conversation: Conversation) -> bool:
    return conversation.connection.status == WhatsappConnection.Status.CONNECTED


def _has_ended(conversation: Conversation, unheard: Sequence[Message]) -> bool:
    """Nothing is to be said any more, or not by the agent now."""
    if not _is_connected(conversation):
        trace.note(unheard, Word.NOT_CONNECTED, conversation.connection.status)
        return True
    if not unheard:
        return is_settled(conversation)
    return conversation.is_paused and _is_held(conversation, unheard)


def _is_held(conversation: Conversation, unheard: Sequence[Message]) -> bool:
    """The answer has no job any more, for a person speaks; who hands back queues one. False when that has happened."""
    trace.note(unheard, Word.PAUSED, f"until {conversation.agent_paused_until:%Y-%m-%d %H:%M:%S %Z}")
    silent = Conversation.objects.filter(pk=conversation.pk, agent_paused_until__gt=timezone.now())
    return bool(silent.update(answer_held=True))


def _take_turn(conversation: Conversation, unheard: Sequence[Message], dropped: int) -> Step | None:
    """What the model is to be asked; None when the turn has been spoken without it, or cannot be."""
    if seconds := patience.seconds_left(unheard, conversation.tenant):
        return Wait(seconds, dropped)
    if conversation.window_closes_at is None or conversation.window_closes_at < timezone.now():
        trace.note(unheard, Word.WINDOW_CLOSED)
        _say_nothing(unheard, Reason.WINDOW_CLOSED, "The service window has closed.")
        return None
    number = conversation.connection.phone_number_id
    [counted, earlier, prompts] = together(
        limits.counts(conversation, unheard),
        context.earlier(conversation, unheard),
        SystemPrompt.asked_for(conversation.tenant, number),
    )
    if why := limits.reason_to_stop(counted, unheard):
        trace.note(unheard, Word.LIMITED, why)
        limits.stop(conversation, why)
        return None
    if media.is_awaited(unheard):
        trace.note(unheard, Word.MEDIA_AWAITED)
        return Wait(MEDIA_PAUSE_SECONDS, dropped)
    if _speaks_itself(conversation, unheard):
        return None
    said = context.said(conversation, earlier, unheard)
    question = _question(conversation, unheard, next(iter(prompts), None), said)
    if question is None:
        return None
    return Ask(conversation, unheard, question, dropped)


def _speaks_itself(conversation: Conversation, unheard: Sequence[Message]) -> bool:
    """Whether no model is needed for this turn. It is spoken by then, unless the access is lost."""
    wants_a_person = handover.is_asked_for(unheard, conversation.tenant)
    if not wants_a_person and not media.cannot_hear(unheard):
        return False
    trace.keep(delivery.show_typing(conversation, unheard[-1]))
    if not _is_connected(conversation):
        return True
    if wants_a_person:
        trace.note(unheard, Word.HANDED_OVER, ASKED)
        handover.hand_over(conversation, unheard[-1], ASKED)
    else:
        trace.note(unheard, Word.DRAFTED, NO_TRANSCRIBER)
        _say(unheard, text=media.please_write(conversation.tenant.language), note=NO_TRANSCRIBER)
    return True


def _question(
    conversation: Conversation, unheard: Sequence[Message], prompt: SystemPrompt | None, said: Sequence[Turn]
) -> Question | None:
    try:
        return question_of(conversation.tenant, prompt, str(conversation.whatsapp_user_id), said)
    except LlmError as error:
        _give_up(unheard, error)
        return None


def put_off(ask: Ask, reason: str, records: Sequence[Model]) -> None:
    """The model cannot answer now."""
    trace.keep(records)
    trace.note(ask.unheard, Word.UNAVAILABLE, reason)


def conclude(ask: Ask, reply: Reply | LlmError, records: Sequence[Model]) -> Step | None:
    """What the model said becomes a draft and is sent, or the reason why there is none; then what to do next.

    It is dropped when the customer has written more meanwhile, for the next answer has heard all of it; but only so
    often. And when a person of the business has written, however often that was. Keeps the `records` of what was done
    while the model thought. Raises GraphUnavailable.
    """
    said = _say_at_once(ask, reply) if isinstance(reply, Reply) and not reply.hands_over else None
    if said and said.status == Message.Status.SENDING:
        is_last_word = delivery.deliver(said, ask.conversation, records)
        return None if is_last_word else begin(ask.conversation.pk)
    trace.keep(records)
    if said:
        return begin(ask.conversation.pk)
    with transaction.atomic():
        locked = Conversation.locked(ask.conversation.pk)
        if locked is None:
            return None
        if overtaken := _overtaken(ask, locked):
            trace.note(ask.unheard, overtaken)
        else:
            _take_down(locked, ask, reply)
    return begin(ask.conversation.pk, ask.dropped + 1 if overtaken else 0)


def _say_at_once(ask: Ask, reply: Reply) -> Message | None:
    """Where nobody has said anything meanwhile, as nearly always: drafted, and being sent, by one commit."""
    decision = inserting([trace.decided(ask.unheard, Word.DRAFTED, reply.request_id)])
    return outbound.draft_and_set_out(ask.conversation, ask.heard, decision, **_fields(ask, reply))


def _overtaken(ask: Ask, locked: Conversation) -> Decision.Word | None:
    """What was said meanwhile that the answer ought to have heard."""
    since = locked.messages.filter(sequence__gt=ask.conversation.last_sequence)
    if since.filter(author=Message.Author.BUSINESS).exclude(written_through="").exists():
        return Word.TAKEN_OVER
    newer = locked.unheard().filter(sequence__gt=ask.heard.sequence)
    return Word.SUPERSEDED if ask.dropped < MOST_DROPPED and newer.exists() else None


def _take_down(locked: Conversation, ask: Ask, reply: Reply | LlmError) -> None:
    """What the model said, as drafts; or why it is not said."""
    match reply:
        case LlmRefused():
            trace.note(ask.unheard, Word.REFUSED, str(reply))
            outbound.draft(locked, ask.heard, text=_decline(ask.conversation), note=str(reply))
        case LlmError():
            _give_up(ask.unheard, reply)
        case Reply(hands_over=reason) if reason:
            trace.note(ask.unheard, Word.HANDED_OVER, reason)
            handover.hand_over(locked, ask.heard, reason)
        case Reply():
            trace.note(ask.unheard, Word.DRAFTED, reply.request_id)
            outbound.draft(locked, ask.heard, **_fields(ask, reply))


def _give_up(unheard: Sequence[Message], error: LlmError) -> None:
    logger.error("conversation %s has no reply: %s", unheard[-1].conversation_id, error)
    trace.note(unheard, Word.GIVEN_UP, str(error))
    reason = Reason.NO_PROMPT if isinstance(error, NoPrompt) else Reason.MODEL_ERROR
    _say_nothing(unheard, reason, str(error))


def _say_nothing(unheard: Sequence[Message], reason: Message.Reason, why: str) -> None:
    """In the place of our reply it says why there is none."""
    _say(unheard, status=Message.Status.FAILED, reason=reason, error=why)


@transaction.atomic
def _say(unheard: Sequence[Message], **fields: Any) -> None:
    """Our reply to these, without the model."""
    if locked := Conversation.locked(unheard[-1].conversation_id):
        outbound.draft(locked, unheard[-1], **fields)


def _fields(ask: Ask, reply: Reply) -> dict[str, Any]:
    return {
        "text": reply.text,
        "system_prompt": ask.question.prompt,
        "llm_model": reply.model,
        "llm_request_id": reply.request_id,
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
    }


def _decline(conversation: Conversation) -> str:
    with translation.override(conversation.tenant.language):
        return gettext("I am sorry, I cannot help you with this here. Please contact us in another way.")
