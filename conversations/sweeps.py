"""What goes on even when something died: looks at the rows every few seconds and takes up what was left lying.

Each sweep is cheap when there is nothing to do, and harmless when done twice.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from conversations import inbound, outbound, resending, statuses
from conversations.models import Conversation, Message, WebhookEvent
from conversations.tasks import owe_answer, queue_answers, queue_drafts
from whatsapp.models import WhatsappConnection

logger = logging.getLogger(__name__)

EVERY_FIVE_SECONDS = "* * * * * */5"
BATCH = 100
EVENT_LEFT_AFTER = timedelta(seconds=30)
ANSWER_LEFT_AFTER = timedelta(seconds=30)
# A send that has not ended after both of its timeouts will not end any more.
SEND_LEFT_AFTER = timedelta(seconds=settings.META_TIMEOUT_SECONDS + 15)


@app.periodic(cron=EVERY_FIVE_SECONDS)
@app.task(name="retry_jobs_of_dead_workers", pass_context=True)
async def retry_jobs_of_dead_workers(context: JobContext, timestamp: int) -> None:
    """The jobs of workers that have missed three heartbeats go back into the queue."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=3 * settings.WORKER_HEARTBEAT_SECONDS):
        logger.warning("%s was left by a dead worker and is taken up again", job.call_string)
        await manager.retry_job(job)


@app.periodic(cron=EVERY_FIVE_SECONDS)
@app.task(name="sweep")
def sweep(timestamp: int) -> None:
    """Takes up events, sends and answers that were left lying, and what Meta has never said a word about."""
    process_left_events()
    statuses.join_left()
    give_up_left_sends()
    go_on_with_parts()
    resending.decide_overdue()
    queue_left_answers()
    queue_left_words()


def process_left_events() -> None:
    """Events that were stored but not processed: the web process died in between, or the database did."""
    left = WebhookEvent.objects.filter(processed_at=None, received_at__lt=timezone.now() - EVENT_LEFT_AFTER)
    inbound.process(left.order_by("received_at")[:BATCH])


def give_up_left_sends() -> None:
    """Messages whose worker died while it was sending them: Meta may have them, so they are `unknown`."""
    left = Message.objects.filter(status=Message.Status.SENDING, status_at__lt=timezone.now() - SEND_LEFT_AFTER)
    for message in left.order_by("status_at")[:BATCH]:
        message.advance(
            Message.Status.UNKNOWN,
            reason=Message.Reason.WORKER_DIED,
            error="The worker died while sending: Meta may have it.",
        )


def go_on_with_parts() -> None:
    """Replies of which a part waited for what became of the one before it, and need not wait any more."""
    parts = outbound.sendable().filter(part_of__isnull=False, conversation__answer_due_at=None)
    for conversation in Conversation.objects.filter(pk__in=parts.values("conversation")).order_by("pk")[:BATCH]:
        owe_answer(conversation)


def queue_left_answers() -> None:
    """Conversations that are due and have no job: the agent could not speak, and can again."""
    left = _without_job().filter(
        Q(agent_paused_until=None) | Q(agent_paused_until__lt=timezone.now()),
        answer_due_at__lt=timezone.now() - ANSWER_LEFT_AFTER,
    )
    conversations = list(left.order_by("answer_due_at")[:BATCH])
    Conversation.objects.filter(pk__in=[conversation.pk for conversation in conversations]).update(answer_held=False)
    queue_answers(conversations)


def queue_left_words() -> None:
    """What a person wrote, or a handover, that could not be sent and can again, whether the agent is silent or not."""
    left_before = timezone.now() - ANSWER_LEFT_AFTER
    drafts = Message.objects.filter(status=Message.Status.DRAFTED, status_at__lt=left_before)
    left = drafts.exclude(written_through="").values("conversation")
    queue_drafts(_without_job().filter(pk__in=left)[:BATCH])


def _without_job() -> QuerySet[Conversation]:
    """The conversations of connected numbers that no job looks after."""
    job = ProcrastinateJob.objects.filter(
        task_name__in=["answer", "send_drafts"], status__in=["todo", "doing"]
    ).annotate(
        conversation_id=Func(F("args"), template="%(expressions)s->>'conversation_id'", output_field=TextField())
    )
    connected = Conversation.objects.filter(connection__status=WhatsappConnection.Status.CONNECTED)
    return connected.exclude(Exists(job.filter(conversation_id=Cast(OuterRef("pk"), TextField()))))
