"""Why a message was answered as it was, or was not: one row for each decision, with its time.

Knows the words for decisions; nothing of how they are made.
"""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from tenants.ids import uuid7
from tenants.models import TenantOwned


class Decision(TenantOwned):
    """About the messages of a conversation with these numbers: the first to the last of what was unheard then."""

    class Word(models.TextChoices):
        REPEATED = "repeated", _("Meta repeated it: it is stored and answered once")
        NOT_CONNECTED = "not_connected", _("The number is not connected: the answer waits")
        PAUSED = "paused", _("A person of the business is speaking: the agent is silent")
        MEDIA_AWAITED = "media_awaited", _("The agent waited for what was sent with it")
        WINDOW_CLOSED = "window_closed", _("The service window had closed")
        TOGETHER = "together", _("Several messages were answered together")
        ASKED = "asked", _("The model was asked")
        UNAVAILABLE = "unavailable", _("The model could not answer now: it is asked again")
        SUPERSEDED = "superseded", _("The customer wrote more meanwhile: the answer was dropped and made anew")
        REFUSED = "refused", _("The model declined to answer")
        GIVEN_UP = "given_up", _("The model will not answer this")
        LIMITED = "limited", _("Too many turns, or the same words again and again: the agent is silent")
        HANDED_OVER = "handed_over", _("The conversation was handed over to a person")
        DRAFTED = "drafted", _("An answer was written")
        DELAYED = "delayed", _("Meta did not take the answer: it is sent again")
        SENT = "sent", _("Meta took the answer")
        FAILED = "failed", _("Meta refused the answer")
        UNKNOWN = "unknown", _("Meta may have the answer")
        TAKEN_OVER = "taken_over", _("A person of the business spoke first: the answer was dropped")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_index=False, related_name="+")
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    word = models.CharField(_("decision"), max_length=20, choices=Word.choices)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [
            models.Index(fields=["conversation", "last"], name="decision_of_conversation"),
            models.Index(fields=["at"], name="decision_oldest"),
        ]

    def __str__(self) -> str:
        return self.word
