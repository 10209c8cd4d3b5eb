"""The conversations: who speaks with whom, what is owed, and who is silent.

Knows how messages are numbered; nothing of Meta's JSON, of HTTP or of models of language.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.people import WhatsappUser
from tenants.ids import uuid7
from tenants.models import TenantOwned
from whatsapp.models import WhatsappConnection

if TYPE_CHECKING:
    from conversations.models.message import Message

# How long after a customer's message we may answer freely.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
SERVICE_WINDOW = timedelta(hours=24)


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
    window_opened_at = models.DateTimeField(
        _("service window opened at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The customer's last message that lets us write freely for 24 hours."),
    )
    agent_paused_until = models.DateTimeField(
        _("agent is silent until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("A person of the business is speaking."),
    )
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
            models.Index(
                fields=["tenant"], condition=Q(answer_due_at__isnull=False), name="conversation_due_of_tenant"
            ),
        ]

    def __str__(self) -> str:
        return str(self.whatsapp_user)

    def append(self, **fields: Any) -> "Message":
        """Adds the next message. The caller holds this row's lock, so numbers follow the order of commits.

        What we say stands after everything said so far, whatever the difference between our clock and Meta's; `said_at`
        is for what is said in one breath.
        """
        said_at = Greatest(fields.pop("said_at", None) or timezone.now(), F("last_message_at"))
        Conversation.objects.filter(pk=self.pk).update(last_sequence=F("last_sequence") + 1, last_message_at=said_at)
        self.refresh_from_db(fields=["last_sequence", "last_message_at"])
        return self.messages.create(
            tenant_id=self.tenant_id,
            connection_id=self.connection_id,
            sequence=self.last_sequence,
            said_at=self.last_message_at,
            **fields,
        )

    def unheard(self) -> "models.QuerySet[Message]":
        """The customer's messages that want an answer and that no message of ours has heard yet, the oldest first.

        By what our messages say they have heard, not by who spoke last: a message that arrives while the agent
        thinks stands before the reply, and is still unheard.
        """
        heard = self.messages.filter(in_reply_to__isnull=False).order_by("-sequence")
        last_heard = heard.values_list("in_reply_to__sequence", flat=True).first() or 0
        return self.messages.filter(wants_answer=True, sequence__gt=last_heard).order_by("sequence")

    @property
    def is_paused(self) -> bool:
        """Whether the agent is silent because a person of the business speaks."""
        return self.agent_paused_until is not None and self.agent_paused_until > timezone.now()

    @property
    def window_closes_at(self) -> datetime | None:
        """Until when we may write freely; None when the customer has never opened the window."""
        return self.window_opened_at + SERVICE_WINDOW if self.window_opened_at else None
