"""The messages, either way, and how a message may change. Knows nothing of Meta's JSON, of HTTP or of the queue."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import models
from django.db.models import Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agent.models import SystemPrompt
from conversations.models.conversation import Conversation, Through
from conversations.models.events import WebhookEvent
from tenants.ids import uuid7
from tenants.models import TenantOwned
from tenants.prepared import Asked, Given, PreparedUpdate
from whatsapp.models import WhatsappConnection

# Meta may have them, and nobody has decided yet what follows from it.
UNDECIDED = Q(status="unknown") & ~Q(reason__in=["left_unknown", "resent"])


class Message(TenantOwned):
    """One message, either way. Ours is a row before it is sent, and its status only moves forward."""

    TEMPLATE = "template"  # the one type of ours that needs no service window

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

    class Reason(models.TextChoices):
        """Why it did not go out, or may not have, where no code of Meta's tells it. Sentences: `problems`."""

        WINDOW_CLOSED = "window_closed", _("The service window has closed")
        TOO_LATE = "too_late", _("It could not be sent for a day")
        TAKEN_OVER = "taken_over", _("A person has taken over")
        NO_PROMPT = "no_prompt", _("No active prompt")
        MODEL_REFUSED = "model_refused", _("The model has refused")
        MODEL_ERROR = "model_error", _("The model gave no reply")
        UNREACHABLE = "unreachable", _("Meta was not reached")
        THROTTLED = "throttled", _("Meta asks us to wait")
        NO_ANSWER = "no_answer", _("No clear answer of Meta's")
        WORKER_DIED = "worker_died", _("The worker died while sending")
        LEFT_UNKNOWN = "left_unknown", _("Unknown, and left so")
        RESENT = "resent", _("Unknown, and sent once more")
        NOT_NEEDED = "not_needed", _("Not needed any more")

    class Author(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        AGENT = "agent", _("Agent")
        BUSINESS = "business", _("A person of the business")

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
    sequence = models.PositiveIntegerField(editable=False, help_text=_("In which order they reached us."))
    said_at = models.DateTimeField(
        _("said at"), default=timezone.now, help_text=_("Orders the conversation: Meta's time, never in the future.")
    )
    direction = models.CharField(_("direction"), max_length=10, choices=Direction.choices)
    author = models.CharField(_("author"), max_length=10, choices=Author.choices, default=Author.CUSTOMER)
    type = models.CharField(_("type"), max_length=40, default="text", help_text=_("In Meta's words."))
    text = models.TextField(_("text"), blank=True, help_text=_("The words in it: text, caption, the label chosen."))
    content = models.JSONField(_("content"), default=dict, blank=True, help_text=_("What there is beside the words."))
    refers_to = models.CharField(
        _("refers to"),
        max_length=255,
        blank=True,
        help_text=_("The wamid that is quoted, reacted to, edited, deleted."),
    )
    wants_answer = models.BooleanField(_("wants an answer"), default=False)
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("deleted by its author at"), null=True, blank=True)
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
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    tries = models.PositiveSmallIntegerField(
        _("tries"), default=0, editable=False, help_text=_("How often it was handed to Meta.")
    )
    resends = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="resent_as",
        verbose_name=_("sends once more"),
        help_text=_("The message of unknown end whose words these are: each is sent once more at most once."),
    )
    pricing = models.JSONField(_("pricing"), null=True, blank=True, help_text=_("What Meta charges for it."))

    # Of what a person of the business wrote, and of the sentence by which the agent hands over to one.
    written_through = models.CharField(_("written through"), max_length=10, choices=Through.choices, blank=True)
    written_by = models.CharField(
        _("written by"), max_length=150, blank=True, help_text=_("The person, or the key of their program.")
    )

    # Of the agent's messages only.
    in_reply_to = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="reply",
        verbose_name=_("in reply to"),
        help_text=_("The last message it has heard."),
    )
    part_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="parts",
        verbose_name=_("part of"),
        help_text=_("The first message of a reply that is too long for one; null for that one itself."),
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
            models.Index(fields=["conversation", "-said_at", "-sequence"], name="message_as_said"),
            models.Index(fields=["tenant", "said_at"], name="message_oldest_of_tenant"),
            models.Index(
                fields=["connection", "refers_to"],
                condition=Q(type__in=["edit", "revoke"]),
                name="message_edits_and_revokes",
            ),
            models.Index(fields=["part_of"], condition=Q(part_of__isnull=False), name="message_parts"),
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
            models.Index(fields=["status_at"], condition=UNDECIDED, name="message_undecided"),
        ]

    def __str__(self) -> str:
        return self.text[:60] or self.type

    @classmethod
    def unheard_in(cls, conversation: Any) -> "models.QuerySet[Message]":
        """See `Conversation.unheard`. `conversation` is its key, or what stands for it in a prepared query."""
        of_conversation = cls.objects.filter(conversation=conversation)
        heard = of_conversation.filter(in_reply_to__isnull=False).order_by("-sequence")
        last_heard = Coalesce(Subquery(heard.values("in_reply_to__sequence")[:1]), 0)
        return of_conversation.filter(wants_answer=True, sequence__gt=last_heard).order_by("sequence")

    def may_become(self, status: str) -> bool:
        """Whether that is forward from where it stands."""
        return status in MOVES.get(self.status, ())

    def advance(self, status: str, **fields: Any) -> bool:
        """Moves the message to `status` if that is forward; of two callers at once, one gets True.

        `fields` are written along with it. The instance is as the row is then.
        """
        changes, moving = self.moving(status, **fields)
        return self.has_moved(changes, moving.now())

    def moving(self, status: str, **fields: Any) -> tuple[dict[str, Any], Asked[int]]:
        """What changes by that, and the statement: to be sent with others, its result to be given to `has_moved`."""
        changes = {"status": status, "status_at": timezone.now(), **fields}
        return changes, _move(status, tuple(changes)).asked(message=self.pk, **changes)

    def has_moved(self, changes: Mapping[str, Any], moved: int) -> bool:
        """Whether a move with these changes was made, to `moved` rows; the instance is as the row is then."""
        if not moved:
            self.refresh_from_db(fields=[*changes])
            return False
        for name, value in changes.items():
            setattr(self, name, value)
        return True


def movable_to(status: str) -> models.QuerySet[Message]:
    """The message that a prepared statement is given, if `status` is forward for it."""
    before = [earlier for earlier, later in MOVES.items() if status in later]
    return Message.objects.filter(pk=Given("message"), status__in=before)


@cache
def _move(status: str, names: Sequence[str]) -> PreparedUpdate:
    return PreparedUpdate(lambda: movable_to(status), **{name: Given(name) for name in names})


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
