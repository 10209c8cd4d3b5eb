"""What Meta posted, as it came, and the statuses that came before the messages they are about.

Knows nothing of what was done with it.
"""

import hashlib
import json
from collections.abc import Iterable

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import TenantOwned
from tenants.prepared import Asked
from whatsapp.models import WhatsappConnection


class WebhookEvent(models.Model):
    """One body that Meta posted, as it came. Belongs to no tenant: one body may speak of several."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider_event_id = models.CharField(
        _("provider event id"),
        max_length=64,
        unique=True,
        help_text=_("SHA-256 of the body: Meta gives its events no id, and repeats them byte for byte."),
    )
    body = models.TextField(_("body"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    outcome = models.JSONField(_("outcome"), default=dict, blank=True, help_text=_("How many items ended how."))
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="event_newest_first"),
            models.Index(fields=["received_at"], condition=Q(processed_at=None), name="event_unprocessed"),
            models.Index(fields=["-received_at"], condition=~Q(error=""), name="event_with_error"),
        ]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M:%S} · {self.provider_event_id[:12]}"

    @classmethod
    def of(cls, body: bytes) -> "WebhookEvent":
        """The row of this body, not stored yet."""
        return cls(provider_event_id=_digest(body), body=_text(body), received_at=timezone.now())

    @classmethod
    def storing(cls, bodies: Iterable[bytes]) -> Asked[None]:
        """The statement that stores the rows of these bodies, but of those that came before.

        With no row made in Python, for whoever has no use for them: each costs as much as all the rest of storing it.
        """
        told = [
            {"id": str(uuid7()), "digest": _digest(body), "body": _text(body), "at": str(timezone.now())}
            for body in bodies
        ]
        return Asked(STORE, [json.dumps(told)], lambda _cursor: None)


STORE = (
    "INSERT INTO conversations_webhookevent (id, provider_event_id, body, received_at, outcome, error) "
    "SELECT id, digest, body, at, '{}', '' "
    "FROM jsonb_to_recordset(%s::jsonb) AS new(id uuid, digest text, body text, at timestamptz) "
    "ON CONFLICT (provider_event_id) DO NOTHING"
)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _text(body: bytes) -> str:
    """As PostgreSQL can store it, whatever was posted."""
    return body.decode("utf-8", "replace").replace("\0", "�")


class ParkedStatus(TenantOwned):
    """A status of a message that we do not know yet: kept for a while, and joined to it when it appears."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        WhatsappConnection, on_delete=models.CASCADE, db_index=False, related_name="+", verbose_name=_("connection")
    )
    wamid = models.CharField(_("wamid"), max_length=255)
    status = models.CharField(_("status"), max_length=10)
    at = models.DateTimeField(_("at"))
    error_code = models.IntegerField(_("error code"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    pricing = models.JSONField(_("pricing"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("status without a message")
        verbose_name_plural = _("statuses without a message")
        constraints = [
            models.UniqueConstraint(fields=["wamid", "connection", "status"], name="parked_status_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="parked_status_oldest")]

    def __str__(self) -> str:
        return f"{self.wamid} · {self.status}"
