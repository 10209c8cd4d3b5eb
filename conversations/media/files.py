"""The bytes: kept once per tenant, and let go when no message of the tenant has them any more.

A row comes before its file and goes after it, so that whatever dies in between leaves a row that the purge finds.
Knows nothing of where the bytes come from.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import IO
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from conversations.models import Attachment, MediaFile, Message, media_storage
from whatsapp.media import Fetched

logger = logging.getLogger(__name__)

BATCH = 100
# A file without an attachment may be about to have one.
ORPHAN_AFTER = timedelta(hours=1)


def keep(attachment: Attachment, fetched: Fetched, content: IO[bytes]) -> None:
    """The attachment has these bytes from now on. Raises what the storage raises, and can be done again then.

    Of two who bring the same bytes at once, the second waits, and finds them whole.
    """
    file, _created = MediaFile.objects.get_or_create(
        tenant_id=attachment.tenant_id,
        sha256=fetched.sha256,
        defaults={
            "mime_type": fetched.mime_type,
            "size": fetched.size,
            "file": f"{attachment.tenant_id}/{fetched.sha256[:2]}/{fetched.sha256}",
        },
    )
    with transaction.atomic():
        file = MediaFile.objects.select_for_update().get(pk=file.pk)
        if not _is_whole(file):
            media_storage().delete(str(file.file))
            content.seek(0)
            media_storage().save(str(file.file), File(content))
        Attachment.objects.filter(pk=attachment.pk).update(file=file, status=Attachment.Status.STORED, error="")


def _is_whole(file: MediaFile) -> bool:
    """Whoever wrote it may have died in the middle, or met a full disk."""
    storage, name = media_storage(), str(file.file)
    return storage.exists(name) and storage.size(name) == file.size


def forget(messages: Iterable[UUID] | QuerySet[Message]) -> None:
    """The media of these messages go: the attachments in the caller's transaction, the bytes when it is committed."""
    attachments = Attachment.objects.filter(message__in=messages)
    files = list(attachments.exclude(file=None).values_list("file_id", flat=True).distinct())
    attachments.delete()
    transaction.on_commit(partial(_let_go, files), robust=True)


def purge_orphans() -> int:
    """Lets go of the bytes that no attachment has, in small batches; returns of how many."""
    orphans = MediaFile.objects.filter(created_at__lt=timezone.now() - ORPHAN_AFTER).exclude(
        Exists(Attachment.objects.filter(file=OuterRef("pk")))
    )
    gone, page = 0, orphans
    while pks := list(page.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        gone += _let_go(pks)
        page = orphans.filter(pk__gt=pks[-1])
    return gone


def _let_go(files: Iterable[UUID]) -> int:
    return sum(_let_one_go(pk) for pk in files)


def _let_one_go(pk: UUID) -> bool:
    """True when it has gone. One that somebody has again, or whose storage fails, stays for now."""
    try:
        with transaction.atomic():
            file = MediaFile.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if file is None or file.attachments.exists():
                return False
            media_storage().delete(str(file.file))
            file.delete()
    except Exception:
        logger.exception("media file %s was not deleted, and waits for the purge", pk)
        return False
    return True


def tried(attachment: Attachment) -> None:
    """Counts a try, before it is made: it may end with its worker."""
    Attachment.objects.filter(pk=attachment.pk).update(tries=F("tries") + 1)


def ended(attachment: Attachment, status: str, error: str) -> None:
    """How the attachment stands now, and why."""
    Attachment.objects.filter(pk=attachment.pk).update(status=status, error=error[:500])
