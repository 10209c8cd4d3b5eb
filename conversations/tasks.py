"""The one job that a conversation has while it is owed an answer: the agent's turns, until there is nothing to say.

Knows when to try again, and whom to serve first; what a turn is, is in `turns`. While the model thinks, nothing of the
database is held, so that hundreds of conversations can wait for it in one process.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

from agent.ports import LlmError, LlmUnavailable, Reply
from agent.replies import reply_to
from conversations import turns
from conversations.models import Conversation
from tenants.queue import in_thread, queue

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 600
# More waiting conversations of one tenant than this are not counted: they are last in any case.
MOST_COUNTED = 1024


class KeepTrying(BaseRetryStrategy):
    """Tries again with growing pauses, or when Meta or the model said; what ends it is the service window."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        growing = min(FIRST_PAUSE_SECONDS * 2 ** min(job.attempts, 10), LONGEST_PAUSE_SECONDS)
        pause = int(getattr(exception, "retry_after", None) or growing)
        logger.warning("%s tries again in %s s: %s: %s", job.call_string, pause, type(exception).__name__, exception)
        return RetryDecision(retry_in={"seconds": pause})


@app.task(name="answer", retry=KeepTrying())
async def answer(conversation_id: str) -> None:
    """Says what is owed in this conversation until nothing is.

    Can be run again at any point: each turn looks at the rows alone. When the customer writes while the model thinks,
    its answer is dropped, and made again with the new words.
    """
    step = await in_thread(turns.begin, conversation_id)
    while step:
        if isinstance(step, turns.Wait):
            await asyncio.sleep(step.seconds)
            step = await in_thread(turns.begin, conversation_id, step.dropped)
        else:
            reply = await _reply_to(step)
            step = await in_thread(turns.conclude, step, reply)


@app.task(name="send_drafts", retry=KeepTrying())
async def send_drafts(conversation_id: str) -> None:
    """Sends what a person of the business has written, or a template, while the agent is silent or thinks."""
    await in_thread(turns.send_drafts, conversation_id)


async def _reply_to(ask: turns.Ask) -> Reply | LlmError:
    """What the model says, or why it never will. Raises LlmUnavailable: try again."""
    try:
        return await reply_to(ask.question)
    except LlmUnavailable as error:
        await in_thread(turns.put_off, ask, str(error))
        raise
    except LlmError as error:
        return error


def owe_answer(conversation: Conversation) -> None:
    """An answer is due, and its job with it: in the caller's transaction, and only one of each."""
    due = Conversation.objects.filter(pk=conversation.pk, answer_due_at=None).update(answer_due_at=timezone.now())
    if due:
        queue_answers([conversation])


def queue_drafts(conversations: Iterable[Conversation]) -> None:
    """The jobs that send what persons have written; before everything else, in the caller's transaction."""
    arguments: list[dict[str, JSONValue]] = [{"conversation_id": str(each.pk)} for each in conversations]
    if arguments:
        queue().configure_task("send_drafts").batch_defer(*arguments)


def queue_answers(conversations: Iterable[Conversation]) -> None:
    """The jobs alone, for conversations that are due; in the caller's transaction.

    The more conversations of a tenant wait already, the later a further one is served: a tenant with ten thousand of
    them does not hold up the one of another.
    """
    of_tenant: dict[UUID, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        of_tenant[conversation.tenant_id].append(conversation)
    jobs: dict[int, list[dict[str, JSONValue]]] = defaultdict(list)
    for tenant_id, due in of_tenant.items():
        waiting = Conversation.objects.filter(tenant_id=tenant_id, answer_due_at__isnull=False)
        ahead = max(waiting[:MOST_COUNTED].count() - len(due), 0)
        for place, conversation in enumerate(due, ahead):
            jobs[-place.bit_length()].append({"conversation_id": str(conversation.pk)})
    for priority, arguments in jobs.items():
        queue().configure_task("answer", priority=priority).batch_defer(*arguments)
