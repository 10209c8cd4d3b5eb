"""What is done for the connections in the background: looked at daily, renewed in time, forgotten when asked.

Knows when; what is done is in `health`, `lifecycle` and `templates`.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

from tenants.queue import queue
from whatsapp import health, lifecycle, templates
from whatsapp.errors import AccessTokenRejected, GraphError, GraphUnavailable
from whatsapp.models import DataDeletionRequest, EmbeddedSignupSession, GraphExchange, WhatsappConnection

logger = logging.getLogger(__name__)

EVERY_NIGHT = "17 3 * * *"
AN_HOUR_LATER = "17 4 * * *"
EVERY_HOUR = "43 * * * *"
TOGETHER = 100  # connections that are looked at in the same moment …
PAUSE_SECONDS = 20  # … and how long after them the next
BATCH = 1000
GRANT_LIVES = timedelta(days=7)
FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 3600
MOST_TRIES = 12  # most of a day; then it is the next night's turn


def living() -> QuerySet[WhatsappConnection]:
    """The connections that can work without anybody acting at Meta first."""
    return WhatsappConnection.objects.filter(status__in=lifecycle.ALIVE)


def queue_check(connection: WhatsappConnection) -> None:
    """The doctor comes soon: in the caller's transaction."""
    queue().configure_task("check_connection").defer(connection_id=str(connection.pk))


@app.task(name="check_connection")
def check_connection(connection_id: str) -> None:
    """Renews the token if it is time, and looks at everything."""
    connection = living().filter(pk=connection_id).first()
    if connection is not None:
        lifecycle.refresh_token(connection)
        health.examine(connection)


def queue_recovery(connection: WhatsappConnection) -> None:
    """The doctor comes soon, and does what is missing: in the caller's transaction."""
    queue().configure_task("recover_connection").defer(connection_id=str(connection.pk))


@app.task(name="recover_connection")
def recover_connection(connection_id: str) -> None:
    """Meta says that the number is back on the platform: with access that still works it is connected again."""
    lost = [WhatsappConnection.Status.RECONNECT, *lifecycle.ALIVE]
    connection = WhatsappConnection.objects.filter(pk=connection_id, status__in=lost).first()
    if connection is not None:
        health.repair(connection)


@app.periodic(cron=EVERY_NIGHT)
@app.task(name="check_connections")
def check_connections(timestamp: int) -> None:
    """One job a connection, spread, so that neither Meta nor our own queue has them all at once."""
    ids = living().order_by("pk").values_list("pk", flat=True)
    _spread("check_connection", [{"connection_id": str(pk)} for pk in ids])


def _spread(task_name: str, arguments: Sequence[dict[str, JSONValue]]) -> None:
    for start in range(0, len(arguments), TOGETHER):
        seconds = start // TOGETHER * PAUSE_SECONDS
        task = queue().configure_task(task_name, schedule_in={"seconds": seconds}, priority=-1)
        task.batch_defer(*arguments[start : start + TOGETHER])


# ── Templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


class UntilTomorrow(BaseRetryStrategy):
    """Tries again with growing pauses, or when Meta said, while Meta cannot be asked."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, GraphUnavailable) or job.attempts >= MOST_TRIES:
            return None
        growing = min(FIRST_PAUSE_SECONDS * 2**job.attempts, LONGEST_PAUSE_SECONDS)
        return RetryDecision(retry_in={"seconds": int(exception.retry_after or growing)})


@app.task(name="sync_templates", retry=UntilTomorrow())
def sync_templates(connection_id: str, asked_at: str) -> None:
    """Reads the templates of the number's account, unless they have been read since it was asked for.

    A refused access is for the doctor to look at; what else Meta refuses stays on the connection until the next time.
    """
    connection = living().filter(pk=connection_id).first()
    if connection is None or _were_read_since(connection, asked_at):
        return
    try:
        templates.sync(connection)
    except GraphUnavailable:
        raise
    except AccessTokenRejected:
        queue_check(connection)
    except GraphError as error:
        logger.warning("connection %s: its templates were not read: %s", connection.pk, error)


def _were_read_since(connection: WhatsappConnection, asked_at: str) -> bool:
    read_at = connection.templates_synced_at
    return read_at is not None and read_at >= datetime.fromisoformat(asked_at)


@app.periodic(cron=AN_HOUR_LATER)
@app.task(name="sync_all_templates")
def sync_all_templates(timestamp: int) -> None:
    """One job an account that has a connected number, spread."""
    now, account = timezone.now().isoformat(), ("tenant_id", "business_account_id")
    connected = living().filter(status=WhatsappConnection.Status.CONNECTED)
    ids = connected.order_by(*account, "pk").distinct(*account).values_list("pk", flat=True)
    _spread("sync_templates", [{"connection_id": str(pk), "asked_at": now} for pk in ids])


# ── What is not kept ─────────────────────────────────────────────────────────────────────────────────────────────────


@app.periodic(cron=EVERY_HOUR)
@app.task(name="purge_exchanges")
def purge_exchanges(timestamp: int) -> None:
    """Deletes what is older than EXCHANGE_LOG_DAYS."""
    old = GraphExchange.objects.filter(created_at__lt=timezone.now() - timedelta(days=settings.EXCHANGE_LOG_DAYS))
    while batch := list(old.order_by("created_at").values_list("pk", flat=True)[:BATCH]):
        GraphExchange.objects.filter(pk__in=batch).delete()


@app.periodic(cron=EVERY_HOUR)
@app.task(name="forget_old_grants")
def forget_old_grants(timestamp: int) -> None:
    """A token that led to no connection within a week is wiped: nobody will go on with that signup."""
    old = EmbeddedSignupSession.objects.filter(used_at__lt=timezone.now() - GRANT_LIVES).exclude(access_token="")
    old.update(access_token="", numbers=[])


def queue_deletion(request: DataDeletionRequest) -> None:
    """The person's connections are wiped soon: in the caller's transaction."""
    queue().configure_task("delete_data").defer(request_id=str(request.pk))


@app.task(name="delete_data", retry=RetryStrategy(max_attempts=20, wait=60))
def delete_data(request_id: str) -> None:
    """Ends what this Meta user granted. Can be run again: what has ended is not ended again."""
    request = DataDeletionRequest.objects.get(pk=request_id)
    lifecycle.forget(request.meta_user_id)
    request.completed_at = timezone.now()
    request.save(update_fields=["completed_at"])
