"""The staff's pages for single messages, of every tenant, the last that reached us first.

Knows how a message is told in a line and how its facts look; nothing of the chat around it.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversations.models import Message
from conversations.problems import problem_of
from conversations.reasons import told
from conversations.trace import decisions_about
from conversations.wording import transcript_text
from tenants.admin import NOTHING, TenantFilter, badge, link_to, moment, moment_of
from tenants.endless import EndlessAdmin
from whatsapp.admin.exchanges import exchanges_about, pretty
from whatsapp.refusals import Next

PREVIEW_LENGTH = 80
# The columns that `in_a_line` reads.
IN_A_LINE = (
    *("type", "text", "content", "edited_at", "revoked_at"),
    *("attachment__status", "attachment__filename", "attachment__transcript"),
)
# The columns that the name of a customer is made of.
CALLED = ("name", "contact_name", "username", "wa_id", "user_id")

Status = Message.Status
TROUBLED = (Status.FAILED, Status.UNKNOWN)
TONES = {Status.FAILED: "bad", Status.UNKNOWN: "warn", Status.DRAFTED: "warn", Status.SENDING: "warn"}


class MessageStatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Without `played`: our texts never are, and to find none means to read all."""
        return [("troubled", _("Failed or unknown")), *(c for c in Status.choices if c[0] != Status.PLAYED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "troubled":
            return queryset.filter(status__in=TROUBLED)
        return queryset.filter(status=self.value()) if self.value() else queryset


def status_badge(message: Message) -> SafeString:
    status = Status(message.status)
    return badge(TONES.get(status, "quiet"), status.label)  # `get_status_display` would hash all of them for each


def in_a_line(message: Message) -> str:
    """How it begins. Needs its attachment, which the caller has read along."""
    words = " ".join(transcript_text(message).split())
    return words if len(words) <= PREVIEW_LENGTH else f"{words[:PREVIEW_LENGTH].rstrip()}…"


def preview(message: Message, mark: str = "") -> SafeString:
    return format_html('<span class="preview" dir="auto">{}{}</span>', mark, in_a_line(message))


@admin.register(Message)
class MessageAdmin(EndlessAdmin):
    list_display = ["time", "tenant", "customer", "author", "type", "state", "error_code", "start"]
    list_filter = ["direction", MessageStatusFilter, TenantFilter]
    search_fields = ["wamid__exact"]
    search_help_text = _("A whole wamid.")
    ordering = ["-created_at", "-id"]
    fields = [
        *("tenant", "talk", "sequence", "direction", "author", "written_through", "written_by"),
        *("type", "state", "status_time", "trouble", "error_code", "error", "tries", "first", "remark", "words"),
        *("details", "attached", "about", "said", "edited", "revoked"),
        *("became", "wants_answer", "time", "sent", "wamid", "happening", "calls", "price"),
        *("prompt", "llm_model", "llm_request_id", "input_tokens", "output_tokens"),
    ]
    time = moment_of("created_at", _("time"))
    said = moment_of("said_at", _("said at"))
    edited = moment_of("edited_at", _("edited at"))
    revoked = moment_of("revoked_at", _("deleted by its author at"))
    sent = moment_of("sent_at", _("sent at (Meta's clock)"))
    status_time = moment_of("status_at", _("status since"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = Message.objects.select_related("tenant", "conversation__whatsapp_user", "system_prompt", "attachment")
        return rows.defer("system_prompt__text")

    def listed(self, rows: QuerySet[Message]) -> QuerySet[Message]:
        names = [f"conversation__whatsapp_user__{name}" for name in CALLED]
        listed = rows.select_related(None).select_related("tenant", "conversation__whatsapp_user", "attachment")
        return listed.only("created_at", "tenant__name", *names, "author", "status", "error_code", *IN_A_LINE)

    @admin.display(description=_("customer"))
    def customer(self, message: Message) -> str:
        return str(message.conversation)

    @admin.display(description=_("conversation"))
    def talk(self, message: Message) -> SafeString:
        return link_to("conversations_conversation", message.conversation_id, message.conversation)

    @admin.display(description=_("status"))
    def state(self, message: Message) -> SafeString:
        return status_badge(message)

    @admin.display(description=_("text"))
    def start(self, message: Message) -> SafeString:
        return preview(message)

    @admin.display(description=_("text"))
    def words(self, message: Message) -> SafeString:
        return format_html('<div class="prompt-text" dir="auto">{}</div>', transcript_text(message))

    @admin.display(description=_("problem"))
    def trouble(self, message: Message) -> SafeString | str:
        problem = problem_of(message)
        if problem is None:
            return NOTHING
        told = format_html("{} <strong>{}</strong>", problem.what, problem.to_do)
        if problem.kind != Next.WINDOW:
            return told
        url = reverse("admin:conversations_conversation_change", args=[message.conversation_id])
        return format_html('{} <a href="{}#template">{}</a>', told, url, _("Send a template"))

    @admin.display(description=_("sends once more"))
    def first(self, message: Message) -> SafeString | str:
        return link_to("conversations_message", message.resends_id, _("Message")) if message.resends_id else NOTHING

    @admin.display(description=_("note"))
    def remark(self, message: Message) -> str:
        return told(message.note) or NOTHING

    @admin.display(description=_("content"))
    def details(self, message: Message) -> SafeString | str:
        return pretty(message.content or None)

    @admin.display(description=_("attachment"))
    def attached(self, message: Message) -> SafeString | str:
        found = getattr(message, "attachment", None)
        return link_to("conversations_attachment", found.pk, found) if found else NOTHING

    @admin.display(description=_("refers to"))
    def about(self, message: Message) -> SafeString | str:
        """A link to the message, when we have it."""
        others = Message.objects.filter(connection=message.connection_id, wamid=message.refers_to)
        found = others.select_related("attachment").first() if message.refers_to else None
        wamid = format_html("<code>{}</code>", message.refers_to) if message.refers_to else NOTHING
        return (
            format_html("{} {}", link_to("conversations_message", found.pk, in_a_line(found)), wamid)
            if found
            else wamid
        )

    @admin.display(description=_("what became of it"))
    def became(self, message: Message) -> SafeString | str:
        """Every decision about it: why it was answered so, or was not."""
        steps = [(moment(d.at), d.get_word_display(), told(d.detail)) for d in decisions_about(message)]
        lines = format_html_join("", '<li>{} {} <span class="quiet">{}</span></li>', steps)
        return format_html('<ol class="trace">{}</ol>', lines) if steps else NOTHING

    @admin.display(description=_("pricing"))
    def price(self, message: Message) -> SafeString | str:
        return pretty(message.pricing)

    @admin.display(description=_("webhook event"))
    def happening(self, message: Message) -> SafeString | str:
        return link_to("conversations_webhookevent", message.event_id, _("Event")) if message.event_id else NOTHING

    @admin.display(description=_("calls to Meta"))
    def calls(self, message: Message) -> SafeString | str:
        return exchanges_about([message.pk]).get(message.pk, NOTHING)

    @admin.display(description=_("system prompt"))
    def prompt(self, message: Message) -> SafeString | str:
        prompt = message.system_prompt
        return link_to("agent_systemprompt", prompt.pk, f"v{prompt.version}") if prompt else NOTHING
