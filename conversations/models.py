"""What was said: the customers, the conversations, the messages, and the raw events they came in.

Knows how a message may change; nothing of Meta's JSON, of HTTP or of models.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agent.models import SystemPrompt
from tenants.ids import uuid7
from tenants.models import TenantOwned
from whatsapp.models import WhatsappConnection

# How long after a customer's message we may answer freely.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
SERVICE_WINDOW = timedelta(hours=24)


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
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
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

    @staticmethod
    def id_of(body: bytes) -> str:
        return hashlib.sha256(body).hexdigest()


class WhatsappUser(TenantOwned):
    """A customer as one tenant knows them: by phone, by business-scoped user id, or by both."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    wa_id = models.CharField(_("phone (wa_id)"), max_length=64, null=True, blank=True)  # noqa: DJ001 (absent ≠ empty)
    user_id = models.CharField(_("business-scoped user id"), max_length=160, null=True, blank=True)  # noqa: DJ001
    name = models.CharField(_("name"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("WhatsApp user")
        verbose_name_plural = _("WhatsApp users")
        constraints = [
            models.UniqueConstraint(fields=["wa_id", "tenant"], name="user_once_by_phone"),
            models.UniqueConstraint(fields=["user_id", "tenant"], name="user_once_by_user_id"),
            models.CheckConstraint(
                condition=(Q(wa_id__isnull=False) & ~Q(wa_id="")) | (Q(user_id__isnull=False) & ~Q(user_id="")),
                name="user_has_an_identity",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.wa_id or self.user_id or ""

    @property
    def recipient(self) -> dict[str, str]:
        """How Meta is told whom to send to; without the plus it may put the business's own country code in front."""
        return {"to": f"+{self.wa_id}"} if self.wa_id else {"recipient": self.user_id or ""}


class Conversation(TenantOwned):
    """All that one customer and one number have said to each other."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        WhatsappConnection, on_delete=models.CASCADE, db_index=False, related_name="+", verbose_name=_("connection")
    )
    whatsapp_user = models.ForeignKey(
        WhatsappUser, on_delete=models.CASCADE, related_name="conversations", verbose_name=_("WhatsApp user")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    last_message_at = models.DateTimeField(_("last message at"), default=timezone.now)
    last_sequence = models.PositiveIntegerField(default=0, editable=False)
    answer_due_at = models.DateTimeField(
        _("answer due since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Set while an answer is owed; exactly one job exists for as long as it is."),
    )

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(fields=["connection", "whatsapp_user"], name="conversation_once_per_user")
        ]
        indexes = [
            models.Index(fields=["tenant", "-last_message_at", "-id"], name="conversation_newest_first"),
            models.Index(fields=["-last_message_at", "-id"], name="conversation_newest_of_all"),
            models.Index(fields=["answer_due_at"], condition=Q(answer_due_at__isnull=False), name="conversation_due"),
        ]

    def __str__(self) -> str:
        return str(self.whatsapp_user)

    def append(self, **fields: Any) -> "Message":
        """Adds the next message. The caller holds this row's lock, so numbers follow the order of commits."""
        now = timezone.now()
        Conversation.objects.filter(pk=self.pk).update(last_sequence=F("last_sequence") + 1, last_message_at=now)
        self.refresh_from_db(fields=["last_sequence", "last_message_at"])
        return Message.objects.create(
            tenant_id=self.tenant_id,
            connection_id=self.connection_id,
            conversation=self,
            sequence=self.last_sequence,
            **fields,
        )

    def unheard(self) -> "models.QuerySet[Message]":
        """The customer's messages that no message of ours has heard yet, the oldest first.

        By what our messages say they have heard, not by who spoke last: a message that arrives while the agent
        thinks stands before the reply, and is still unheard.
        """
        heard = self.messages.filter(in_reply_to__isnull=False).order_by("-sequence")
        last_heard = heard.values_list("in_reply_to__sequence", flat=True).first() or 0
        return self.messages.filter(direction=Message.Direction.INBOUND, sequence__gt=last_heard).order_by("sequence")


class Message(TenantOwned):
    """One message, either way. Ours is a row before it is sent, and its status only moves forward."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        DRAFTED = "drafted", _("Drafted")
        SENDING = "sending", _("Sending")
        UNKNOWN = "unknown", _("Unknown: Meta may have it")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")
        PLAYED = "played", _("Played")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The one leads a unique index of its own, and nobody looks for messages by the other.
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="messages",
        verbose_name=_("conversation"),
    )
    connection = models.ForeignKey(
        WhatsappConnection, on_delete=models.CASCADE, db_index=False, related_name="+", editable=False
    )
    sequence = models.PositiveIntegerField(editable=False, help_text=_("Its number within the conversation."))
    direction = models.CharField(_("direction"), max_length=10, choices=Direction.choices)
    text = models.TextField(_("text"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices)
    status_at = models.DateTimeField(_("status since"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True, help_text=_("By Meta's clock."))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    wamid = models.CharField(_("wamid"), max_length=255, null=True, blank=True)  # noqa: DJ001 (ours has none until sent)
    event = models.ForeignKey(
        WebhookEvent,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("webhook event"),
    )
    error_code = models.IntegerField(_("error code"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it was not sent, or may not have been."))

    # Of the agent's messages only.
    in_reply_to = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reply",
        verbose_name=_("in reply to"),
        help_text=_("The last message it has heard."),
    )
    note = models.TextField(
        _("note"), blank=True, help_text=_("Why the agent said this instead of an answer of its own.")
    )
    system_prompt = models.ForeignKey(
        SystemPrompt,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("system prompt"),
    )
    llm_model = models.CharField(_("model"), max_length=100, blank=True)
    llm_request_id = models.CharField(_("model request id"), max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(_("input tokens"), null=True, blank=True)
    output_tokens = models.PositiveIntegerField(_("output tokens"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["conversation", "sequence"], name="message_in_sequence"),
            models.UniqueConstraint(fields=["wamid", "connection"], name="message_once"),
            models.CheckConstraint(condition=~Q(wamid=""), name="message_wamid_not_empty"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="message_newest_first"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["unknown", "failed"]),
                name="message_troubled",
            ),
            models.Index(
                fields=["status", "status_at"],
                condition=Q(status__in=["drafted", "sending"]),
                name="message_on_its_way",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    def advance(self, status: str, at: datetime | None = None, **fields: Any) -> bool:
        """Moves the message to `status` if that is forward; of two callers at once, one gets True.

        `fields` are written along with it. The instance is refreshed.
        """
        before = [earlier for earlier, later in MOVES.items() if status in later]
        changes = {"status": status, "status_at": at or timezone.now(), **fields}
        moved = Message.objects.filter(pk=self.pk, status__in=before).update(**changes)
        self.refresh_from_db(fields=[*changes])
        return bool(moved)


_SEEN = ("sent", "delivered", "read", "played")

# What may become of a message. Statuses of Meta come in any order, and `delivered` may never come.
MOVES: dict[str, tuple[str, ...]] = {
    "drafted": ("sending", "failed"),
    "sending": ("drafted", "unknown", "failed", *_SEEN),
    "unknown": ("failed", *_SEEN),
    "sent": ("failed", *_SEEN[1:]),
    "delivered": _SEEN[2:],
    "read": _SEEN[3:],
}
