"""The agent's turn to speak: the one job that a conversation has while it is owed an answer.

Knows when to speak and what the agent is shown; Meta is spoken to by `outbound`, the model by `agent`.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

from agent.models import SystemPrompt
from agent.ports import LlmError, LlmRefused, LlmUnavailable, Media, Reply, Speaker, Turn
from agent.replies import reply_to
from conversations import media, outbound
from conversations.models import Conversation, Message
from conversations.wording import agent_text
from tenants.queue import queue
from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError
from whatsapp.exchanges import keep_for
from whatsapp.models import WhatsappConnection

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 600


class KeepTrying(BaseRetryStrategy):
    """Tries again with growing pauses, or when Meta or the model said; what ends it is the service window."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        growing = min(FIRST_PAUSE_SECONDS * 2 ** min(job.attempts, 10), LONGEST_PAUSE_SECONDS)
        pause = int(getattr(exception, "retry_after", None) or growing)
        logger.warning("%s tries again in %s s: %s: %s", job.call_string, pause, type(exception).__name__, exception)
        return RetryDecision(retry_in={"seconds": pause})


class MediaAwaited(Exception):
    """What the customer sent is still on its way to us: the agent looks at it in a moment."""

    retry_after = 1.0


def owe_answer(conversation: Conversation) -> None:
    """An answer is due, and its job with it: in the caller's transaction, and only one of each."""
    due = Conversation.objects.filter(pk=conversation.pk, answer_due_at=None).update(answer_due_at=timezone.now())
    if due:
        queue_answers([conversation])


def queue_answers(conversations: Iterable[Conversation]) -> None:
    """The jobs alone, for conversations that are due."""
    arguments: list[dict[str, JSONValue]] = [
        {"conversation_id": str(conversation.pk)} for conversation in conversations
    ]
    if arguments:
        queue().configure_task("answer").batch_defer(*arguments)


@app.task(name="answer", retry=KeepTrying())
def answer(conversation_id: str) -> None:
    """Says what is owed in this conversation until nothing is; then takes back that an answer is due.

    Can be run again at any point: each pass looks at the rows alone. A conversation whose number is not connected, or
    in which a person of the business speaks, stays due, and goes on when that is over.
    """
    while conversation := _to_answer(conversation_id):
        outbound.send_drafts(conversation)
        if conversation.is_paused:
            return
        unheard = list(conversation.unheard())
        if unheard:
            _draft_reply(conversation, unheard)
        elif _nothing_left(conversation):
            return


def _to_answer(conversation_id: str) -> Conversation | None:
    """The conversation as it is now, unless its number is not connected, or it has become part of another."""
    everything = Conversation.objects.select_related("tenant", "connection", "whatsapp_user")
    connected = everything.filter(connection__status=WhatsappConnection.Status.CONNECTED)
    return connected.filter(pk=conversation_id).first()


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


def _draft_reply(conversation: Conversation, unheard: Sequence[Message]) -> None:
    """The agent's reply to everything unheard becomes a draft; why there is none, a failed one.

    Raises MediaAwaited while something that was sent is still being fetched, for a bounded time.
    """
    heard = unheard[-1]
    if conversation.window_closes_at is None or conversation.window_closes_at < timezone.now():
        outbound.draft(conversation, heard, status=Message.Status.FAILED, error="The service window has closed.")
        return
    _show_typing(conversation, heard)
    if conversation.connection.status != WhatsappConnection.Status.CONNECTED:
        return
    if media.is_awaited(unheard):
        raise MediaAwaited
    if media.cannot_hear(unheard):
        text = media.please_write(conversation.tenant.language)
        outbound.draft(conversation, heard, text=text, note="Only voice messages, and there is no transcriber.")
        return
    _ask_the_model(conversation, unheard)


def _ask_the_model(conversation: Conversation, unheard: Sequence[Message]) -> None:
    heard = unheard[-1]
    try:
        reply, prompt = reply_to(
            conversation.tenant,
            conversation.connection.phone_number_id,
            str(conversation.whatsapp_user_id),
            turns(conversation, unheard),
        )
    except LlmUnavailable:
        raise
    except LlmRefused as error:
        outbound.draft(conversation, heard, text=_decline(conversation), note=str(error))
    except LlmError as error:
        logger.error("conversation %s has no reply: %s", conversation.pk, error)  # noqa: TRY400 (no trace wanted)
        outbound.draft(conversation, heard, status=Message.Status.FAILED, error=str(error))
    else:
        _draft(conversation, heard, reply, prompt)


def _draft(conversation: Conversation, heard: Message, reply: Reply, prompt: SystemPrompt) -> None:
    outbound.draft(
        conversation,
        heard,
        text=reply.text,
        system_prompt=prompt,
        llm_model=reply.model,
        llm_request_id=reply.request_id,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _show_typing(conversation: Conversation, heard: Message) -> None:
    """Blue ticks and "typing…": a courtesy, so its failure stops nothing, except that a lost access is noted."""
    connection = conversation.connection
    try:
        client = GraphClient(connection.access_token, keep_for(connection, heard.pk))
        client.read_and_type(connection.phone_number_id, heard.wamid or "")
    except AccessTokenRejected as error:
        connection.access_lost(str(error))
    except GraphError as error:
        logger.info("conversation %s shows no typing: %s", conversation.pk, error)


def turns(conversation: Conversation, unheard: Sequence[Message]) -> list[Turn]:
    """The last messages, as the model is shown them, and everything unheard at the end."""
    of_conversation = conversation.messages.select_related("attachment__file", "in_reply_to")
    said = of_conversation.exclude(status=Message.Status.FAILED).exclude(
        wants_answer=True, sequence__gte=unheard[0].sequence
    )
    limit = conversation.tenant.context_limit
    last = list(said.order_by("-said_at", "-sequence")[: max(limit - len(unheard), 0)])
    new = list(of_conversation.filter(pk__in=[message.pk for message in unheard]).order_by("said_at", "sequence"))
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
