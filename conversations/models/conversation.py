"""The conversations: who speaks with whom, what is owed, and who is silent.

Knows how messages are numbered; nothing of Meta's JSON, of HTTP or of models of language.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.people import WhatsappUser
from tenants.bulk import inserting
from tenants.ids import uuid7
from tenants.models import TenantOwned
from tenants.prepared import Asked, Given, Prepared, PreparedUpdate, together
from whatsapp.models import WhatsappConnection

if TYPE_CHECKING:
    from conversations.models.message import Message

# How long after a customer's message we may answer freely.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
SERVICE_WINDOW = timedelta(hours=24)


class Through(models.TextChoices):
    """Where the business speaks, or why nobody does, when it is not the agent that answers."""

    ECHO = "echo", _("The WhatsApp Business app")
    API = "api", _("The API")
    STAFF = "staff", _("The back office")
    HANDOVER = "handover", _("The agent, handing over")
    LIMIT = "limit", _("Too many turns, or the same words again and again")


class Writer(NamedTuple):
    """A person of the business, as far as we know: where they write, and their name or that of their key."""

    through: str
    name: str = ""


# What says that the agent is silent, and that somebody waits for a person.
PAUSE_FIELDS = ("agent_paused_until", "paused_by", "paused_by_name", "paused_reason", "person_due_at")


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
    paused_by = models.CharField(
        _("silenced through"), max_length=10, choices=Through.choices, blank=True, editable=False
    )
    paused_by_name = models.CharField(_("silenced by"), max_length=150, blank=True, editable=False)
    paused_reason = models.CharField(_("why the agent is silent"), max_length=500, blank=True, editable=False)
    person_due_at = models.DateTimeField(
        _("a person is due since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The customer has been handed over, and no person of the business has spoken since."),
    )
    last_sequence = models.PositiveIntegerField(default=0, editable=False)
    answer_due_at = models.DateTimeField(
        _("answer due since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Set while an answer is owed; one job looks after it, unless it is held."),
    )
    # The answer that is owed has no job, because a person of the business speaks; who hands back queues one.
    answer_held = models.BooleanField(default=False, editable=False)

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
            models.Index(
                fields=["person_due_at"], condition=Q(person_due_at__isnull=False), name="conversation_for_person"
            ),
        ]

    def __str__(self) -> str:
        return str(self.whatsapp_user)

    @classmethod
    def locked(cls, conversation_id: UUID) -> "Conversation | None":
        """The row as it is now, held until the transaction ends; None when it is part of another now, or gone."""
        return next(iter(LOCKED(conversation=conversation_id)), None)

    def append(self, **fields: Any) -> "Message":
        """Adds the next message. This is the row as `locked` gave it, so numbers follow the order of commits."""
        message = self.next(**fields)
        together(*self.appending(message))
        self.last_sequence, self.last_message_at = message.sequence, message.said_at
        return message

    def next(self, **fields: Any) -> "Message":
        """The next message, not stored yet.

        What we say stands after everything said so far, whatever the difference between our clock and Meta's; `said_at`
        is for what is said in one breath.
        """
        return self.messages.model(
            conversation=self,
            tenant_id=self.tenant_id,
            connection_id=self.connection_id,
            sequence=self.last_sequence + 1,
            said_at=max(fields.pop("said_at", None) or timezone.now(), self.last_message_at),
            **fields,
        )

    def appending(self, message: "Message") -> "tuple[Asked[int], Asked[set[UUID]]]":
        """The statements that store the next message. Without the row's lock they raise IntegrityError, and store
        nothing, when something has been said since it was read."""
        at = {"sequence": message.sequence, "before": message.sequence - 1, "at": message.said_at}
        return SAID.asked(conversation=self.pk, **at), inserting([message])

    @staticmethod
    def settling(message: "Message") -> Asked[int]:
        """The statement by which nothing is owed any more, unless something was said after this message: in one, so
        that nothing comes in between."""
        return SETTLED.asked(conversation=message.conversation_id, sequence=message.sequence)

    def unheard(self) -> "models.QuerySet[Message]":
        """The customer's messages that want an answer and that no message of ours has heard yet, the oldest first.

        By what our messages say they have heard, not by who spoke last: a message that arrives while the agent
        thinks stands before the reply, and is still unheard.
        """
        return self.messages.model.unheard_in(self.pk)

    def silence(self, until: datetime, writer: Writer, reason: str = "") -> None:
        """The agent is silent until then. Does not save."""
        self.agent_paused_until, self.paused_reason = until, reason[:500]
        self.paused_by, self.paused_by_name = writer.through, writer.name[:150]

    def person_spoke(self, at: datetime, pause: timedelta, writer: Writer) -> None:
        """A person of the business had a say then: what was said before is answered, and the agent is silent for a
        while. Saves that of the messages; the caller saves the row, whose lock it holds."""
        self.unheard().filter(said_at__lte=at).update(wants_answer=False)
        if self.agent_paused_until is None or at + pause >= self.agent_paused_until:
            self.silence(at + pause, writer)
        if self.person_due_at and self.person_due_at <= at:
            self.person_due_at = None

    def unsilence(self) -> None:
        """The agent may speak again, and nobody waits for a person. Does not save."""
        self.agent_paused_until = self.person_due_at = None
        self.paused_by = self.paused_by_name = self.paused_reason = ""

    def silences(self, message: "Message") -> bool:
        """Whether this draft must not be sent now: the agent's, unless it is how the agent hands over."""
        hands_over = message.written_through == self.paused_by == Through.HANDOVER
        return self.is_paused and message.author == message.Author.AGENT and not hands_over

    @property
    def is_paused(self) -> bool:
        """Whether the agent is silent because a person of the business speaks."""
        return self.agent_paused_until is not None and self.agent_paused_until > timezone.now()

    @property
    def window_closes_at(self) -> datetime | None:
        """Until when we may write freely; None when the customer has never opened the window."""
        return self.window_opened_at + SERVICE_WINDOW if self.window_opened_at else None


LOCKED = Prepared(lambda: Conversation.objects.select_for_update().filter(pk=Given("conversation")))
SAID = PreparedUpdate(
    lambda: Conversation.objects.filter(pk=Given("conversation"), last_sequence=Given("before")),
    last_sequence=Given("sequence"),
    last_message_at=Given("at"),
)
SETTLED = PreparedUpdate(
    lambda: Conversation.objects.filter(pk=Given("conversation"), last_sequence=Given("sequence")),
    answer_due_at=None,
    answer_held=False,
)
