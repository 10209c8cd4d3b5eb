"""The one job that a conversation has while it is owed an answer: the agent's turns, until there is nothing to say.

Knows when to try again, and whom to serve first; what a turn is, is in `turns`. While the model thinks, nothing of the
database is held, so that hundreds of conversations can wait for it in one process.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from django.db.models import Model
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

from agent.ports import LlmError, LlmUnavailable, Reply
from agent.replies import reply_to
from conversations import delivery, trace, turns
from conversations.models import Conversation
from tenants.prepared import Asked
from tenants.queue import in_thread, queue

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 600
# More waiting conversations of one tenant than this are not counted: they are last in any case.
MOST_COUNTED = 1024
# Counting and queueing in one statement: `length(ltrim(…))` is how many binary digits the place in the queue has.
QUEUE_ANSWERS = """
    WITH due AS (
        SELECT id, tenant_id, place, row_number() OVER (PARTITION BY tenant_id ORDER BY place) AS place_of_tenant
        FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS due(id, tenant_id, place)
    ), tenant AS (
        SELECT due.tenant_id, (
            SELECT count(*) FROM (
                SELECT FROM conversations_conversation AS waiting
                WHERE waiting.tenant_id = due.tenant_id AND answer_due_at IS NOT NULL LIMIT %s
            ) AS counted
        ) - count(*) AS ahead
        FROM due GROUP BY due.tenant_id
    ), job AS (
        SELECT due.id, place, (greatest(ahead, 0) + place_of_tenant - 1)::integer AS ahead
        FROM due JOIN tenant USING (tenant_id)
    )
    SELECT procrastinate_defer_jobs_v1(array_agg(ROW(
        %s, %s, -length(ltrim(ahead::bit(32)::text, '0')), NULL, NULL, jsonb_build_object('conversation_id', id), NULL
    )::procrastinate_job_to_defer_v1 ORDER BY place)) FROM job
"""


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
            reply, records = await _reply_to(step)
            step = await in_thread(turns.conclude, step, reply, records)


@app.task(name="send_drafts", retry=KeepTrying())
async def send_drafts(conversation_id: str) -> None:
    """Sends what a person of the business has written, or a template, while the agent is silent or thinks."""
    await in_thread(turns.send_drafts, conversation_id)


async def _reply_to(ask: turns.Ask) -> tuple[Reply | LlmError, list[Model]]:
    """What the model says, or why it never will, with the record of what was shown meanwhile. Raises LlmUnavailable:
    try again."""
    reply, records = await asyncio.gather(_asked(ask), in_thread(show_that_it_is_asked, ask))
    if isinstance(reply, LlmUnavailable):
        await in_thread(turns.put_off, ask, str(reply), records)
        raise reply
    return reply, records


async def _asked(ask: turns.Ask) -> Reply | LlmError:
    try:
        return await reply_to(ask.question)
    except LlmError as error:
        return error


def show_that_it_is_asked(ask: turns.Ask) -> list[Model]:
    """To staff and to the customer, while the model thinks; returns the record of what Meta was told."""
    trace.keep(ask.told)
    return delivery.show_typing(ask.conversation, ask.heard)


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
    if due := list(conversations):
        queueing_answers(due).now()


def queueing_answers(due: Sequence[Conversation]) -> Asked[None]:
    """The statement that does so for these conversations, at least one; by then they are stored as due."""
    ids, tenants = [each.pk for each in due], [each.tenant_id for each in due]
    return Asked(QUEUE_ANSWERS, [ids, tenants, MOST_COUNTED, answer.queue, answer.name], lambda _cursor: None)
