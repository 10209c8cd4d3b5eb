"""The agent's turn to speak: the one job that a conversation has while it is owed an answer.

Knows when to speak and what the agent is shown; Meta is spoken to by `outbound`, the model by `agent`.
"""

import logging

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from agent.ports import LlmError, LlmRefused, LlmUnavailable, Speaker, Turn
from agent.replies import reply_to
from conversations import outbound
from conversations.models import SERVICE_WINDOW, Conversation, Message
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


def owe_answer(conversation: Conversation) -> None:
    """An answer is due, and its job with it: in the caller's transaction, and only one of each."""
    due = Conversation.objects.filter(pk=conversation.pk, answer_due_at=None).update(answer_due_at=timezone.now())
    if due:
        queue_answer(conversation)


def queue_answer(conversation: Conversation) -> None:
    """The job alone, for a conversation that is due."""
    queue().configure_task("answer").defer(conversation_id=str(conversation.pk))


@app.task(name="answer", retry=KeepTrying())
def answer(conversation_id: str) -> None:
    """Says what is owed in this conversation until nothing is; then takes back that an answer is due.

    Can be run again at any point: each pass looks at the rows alone. A conversation whose number is not connected
    stays due, and goes on when it is.
    """
    everything = Conversation.objects.select_related("tenant", "connection", "whatsapp_user")
    conversation = everything.filter(pk=conversation_id).first()
    while conversation and conversation.connection.status == WhatsappConnection.Status.CONNECTED:
        outbound.send_drafts(conversation)
        heard = conversation.unheard().last()
        if heard is not None:
            _draft_reply(conversation, heard)
        elif _nothing_left(conversation):
            return


def _nothing_left(conversation: Conversation) -> bool:
    """Nothing is owed any more; decided under the lock that every new message takes."""
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().get(pk=conversation.pk)
        waiting = locked.unheard().exists() or locked.messages.filter(status=Message.Status.DRAFTED).exists()
        if not waiting:
            Conversation.objects.filter(pk=locked.pk).update(answer_due_at=None)
        return not waiting


def _draft_reply(conversation: Conversation, heard: Message) -> None:
    """The agent's reply to everything up to `heard` becomes a draft; why there is none, a failed one."""
    if heard.sent_at and heard.sent_at < timezone.now() - SERVICE_WINDOW:
        outbound.draft(conversation, heard, status=Message.Status.FAILED, error="The service window has closed.")
        return
    _show_typing(conversation, heard)
    if conversation.connection.status != WhatsappConnection.Status.CONNECTED:
        return
    try:
        reply, prompt = reply_to(
            conversation.tenant,
            conversation.connection.phone_number_id,
            str(conversation.whatsapp_user_id),
            turns(conversation, heard),
        )
    except LlmUnavailable:
        raise
    except LlmRefused as error:
        outbound.draft(conversation, heard, text=_decline(conversation), note=str(error))
    except LlmError as error:
        logger.error("conversation %s has no reply: %s", conversation.pk, error)  # noqa: TRY400 (no trace wanted)
        outbound.draft(conversation, heard, status=Message.Status.FAILED, error=str(error))
    else:
        outbound.draft(
            conversation,
            heard,
            text=reply.text[: outbound.MAX_TEXT],
            note="" if len(reply.text) <= outbound.MAX_TEXT else f"Cut: the reply had {len(reply.text)} characters.",
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


def turns(conversation: Conversation, heard: Message) -> list[Turn]:
    """The last messages, as the model is shown them: what it heard before what it said to it.

    A message that came while the agent was thinking stands before that reply in the conversation, but after it here.
    """
    said = conversation.messages.exclude(status=Message.Status.FAILED).exclude(
        direction=Message.Direction.INBOUND, sequence__gt=heard.sequence
    )
    last = said.select_related("in_reply_to").order_by("-sequence")[: conversation.tenant.context_limit]
    return [
        Turn(Speaker.AGENT if message.direction == Message.Direction.OUTBOUND else Speaker.CUSTOMER, message.text)
        for message in sorted(last, key=lambda m: (m.in_reply_to.sequence if m.in_reply_to else m.sequence, m.sequence))
    ]


def _decline(conversation: Conversation) -> str:
    with translation.override(conversation.tenant.language):
        return gettext("I am sorry, I cannot help you with this here. Please contact us in another way.")
