"""The job that fetches one attachment, again and again for as long as Meta keeps it.

Knows when to try again and when to give up; the message itself waits for nothing here.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from tempfile import SpooledTemporaryFile

from django.db import close_old_connections
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

from agent.ports import TranscriptionUnavailable
from conversations.media import files, transcription
from conversations.models import Attachment
from tenants.queue import queue
from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError, GraphUnavailable, MediaGone, MediaRefused
from whatsapp.exchanges import keep_for
from whatsapp.media import MEGABYTE, fetch
from whatsapp.models import WhatsappConnection

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 2
LONGEST_PAUSE_SECONDS = 3600
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
# From when we were told of it: Meta may have told us late.
META_KEEPS_IT = timedelta(days=7)

Status = Attachment.Status


class WhileMetaKeepsIt(BaseRetryStrategy):
    """Tries again with growing pauses, or when Meta said; the task itself ends it."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        growing = min(FIRST_PAUSE_SECONDS * 2 ** min(job.attempts, 12), LONGEST_PAUSE_SECONDS)
        pause = int(getattr(exception, "retry_after", None) or growing)
        logger.warning("%s tries again in %s s: %s: %s", job.call_string, pause, type(exception).__name__, exception)
        return RetryDecision(retry_in={"seconds": pause})


def queue_fetch(attachments: Sequence[Attachment]) -> None:
    """They are fetched soon: one job each, in the caller's transaction."""
    jobs: list[dict[str, JSONValue]] = [{"attachment_id": str(attachment.pk)} for attachment in attachments]
    if jobs:
        queue().configure_task("fetch_media").batch_defer(*jobs)


@app.task(name="fetch_media", retry=WhileMetaKeepsIt())
def fetch_media(attachment_id: str) -> None:
    """Fetches the bytes, then the words of a voice note: what is still missing of the two.

    Can be run again at any point. What went wrong stays on the row, and whatever may pass is tried again.
    """
    attachment = _read(attachment_id)
    if attachment is None or not _is_unfinished(attachment):
        return
    files.tried(attachment)
    try:
        if attachment.status == Status.PENDING:
            _fetch(attachment)
        attachment = _read(attachment_id)
        if attachment and attachment.status == Status.STORED and transcription.is_due(attachment):
            transcription.transcribe(attachment)
    except Exception as error:
        if not _is_given_up(attachment, error):
            raise


def _read(attachment_id: str) -> Attachment | None:
    everything = Attachment.objects.select_related("tenant", "file", "message__connection")
    return everything.filter(pk=attachment_id).first()


def _is_unfinished(attachment: Attachment) -> bool:
    return attachment.status == Status.PENDING or (
        attachment.status == Status.STORED and transcription.is_due(attachment)
    )


def _fetch(attachment: Attachment) -> None:
    """Stores it, or ends it with Meta's reason or ours. Raises whatever may pass."""
    connection = attachment.message.connection
    if not connection.access_token or connection.status == WhatsappConnection.Status.RECONNECT:
        raise GraphUnavailable("The number is not connected.")
    client = GraphClient(connection.access_token, keep_for(connection, attachment.message_id))
    close_old_connections()
    try:
        with SpooledTemporaryFile(max_size=MEGABYTE) as content:
            kind = attachment.message.type
            fetched = fetch(client, attachment.media_id, connection.phone_number_id, kind, content)
            files.keep(attachment, fetched, content)
    except MediaRefused as error:
        files.ended(attachment, Status.REFUSED, str(error))
    except MediaGone as error:
        files.ended(attachment, Status.GONE, str(error))
    except AccessTokenRejected as error:
        connection.access_lost(str(error))
        raise


def _is_given_up(attachment: Attachment | None, error: Exception) -> bool:
    """Keeps what went wrong. After Meta's seven days that was the last try."""
    if attachment is None:
        return True
    is_over = attachment.created_at < timezone.now() - META_KEEPS_IT
    status = Status.GONE if is_over and attachment.status == Status.PENDING else attachment.status
    files.ended(attachment, status, _words(error))
    return is_over


def _words(error: Exception) -> str:
    """For the tenant too, so without paths and the like: those are in the log."""
    match error:
        case GraphError() | TranscriptionUnavailable():
            return str(error)
        case OSError(strerror=str() as reason):
            return reason
    return type(error).__name__
