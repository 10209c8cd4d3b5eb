"""What customers send beside words: what Meta says of it, and the bytes once we have them.

Knows nothing of how they are fetched or served.
"""

from typing import Any

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.message import Message
from tenants.ids import uuid7
from tenants.models import TenantOwned


def media_storage() -> Storage:
    """Where the bytes lie: STORAGES["media"]."""
    return storages["media"]


class MediaFile(TenantOwned):
    """Bytes, kept once per tenant however often they were sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, help_text=_("Of what we have, in hexadecimal."))
    mime_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    file = models.FileField(_("file"), storage=media_storage, max_length=200)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("media file")
        verbose_name_plural = _("media files")
        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="media_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.mime_type} · {self.sha256[:12]}"

    def open(self) -> "File[Any]":
        """The bytes. Raises what the storage raises: FileNotFoundError when they are gone."""
        return media_storage().open(str(self.file))


class Attachment(TenantOwned):
    """The media of one message: what Meta calls it, and how far we have come in fetching it."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Being fetched")
        STORED = "stored", _("Stored")
        REFUSED = "refused", _("Refused: too large, or of a type that we do not take")
        GONE = "gone", _("Meta does not have it any more")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, related_name="attachment", verbose_name=_("message")
    )
    media_id = models.CharField(_("media id"), max_length=255, help_text=_("Meta's; good for seven days."))
    mime_type = models.CharField(_("type"), max_length=100, blank=True)
    filename = models.CharField(_("file name"), max_length=255, blank=True)
    sha256 = models.CharField(max_length=100, blank=True, editable=False, help_text=_("As Meta says it, in base64."))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    error = models.CharField(_("error"), max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    transcript = models.TextField(_("transcript"), blank=True, help_text=_("What is said in a voice note."))
    file = models.ForeignKey(
        MediaFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="attachments", verbose_name=_("file")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="attachment_newest_first"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["refused", "gone"]),
                name="attachment_missing",
            ),
            models.Index(fields=["created_at"], condition=Q(status="pending"), name="attachment_pending"),
        ]

    def __str__(self) -> str:
        return self.filename or self.mime_type or self.media_id
