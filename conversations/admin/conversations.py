"""The staff's pages for what was said: conversations as a chat, messages, Meta's events, and the queue's jobs.

Reads only, newest first, and counts nothing: these tables grow with every message of every tenant.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

from conversations.models import Conversation, Message, WebhookEvent
from tenants.admin import NOTHING, TenantFilter, badge, link_to, moment, moment_of, tenant_column
from tenants.endless import EndlessAdmin, NewestFirst
from tenants.models import Tenant
from whatsapp.admin.exchanges import exchanges_about

MESSAGES_PER_PAGE = 200
PREVIEW_LENGTH = 80
LONGEST_PHONE = 20

Status = Message.Status
TROUBLED = (Status.FAILED, Status.UNKNOWN)
TONES = {Status.FAILED: "bad", Status.UNKNOWN: "warn", Status.DRAFTED: "warn", Status.SENDING: "warn"}

# The words that `inbound.receive` ends an item with.
OUTCOMES: dict[str, str | Promise] = {
    "message": _("message"),
    "message, too old to answer": _("message, too old to answer"),
    "duplicate message": _("duplicate message"),
    "status": _("status"),
    "late status": _("late status"),
    "status of a message that is not ours": _("status of a message that is not ours"),
    "ignored: the number is not connected": _("ignored: the number is not connected"),
    "failed": _("failed"),
}


class WaitingFilter(admin.SimpleListFilter):
    title = _("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("due", _("Waiting for an answer"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(answer_due_at__isnull=False) if self.value() else queryset


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


class EventStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("error", _("With errors")), ("unprocessed", _("Unprocessed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "error":
            return queryset.exclude(error="")
        return queryset.filter(processed_at=None) if self.value() else queryset


def status_badge(message: Message) -> SafeString:
    return badge(TONES.get(Status(message.status), "quiet"), message.get_status_display())


@tenant_column(_("newest conversation"))
def newest_conversation(tenants: Sequence[Tenant]) -> Mapping[UUID, SafeString]:
    """One look into the index per tenant; sorting all their conversations would read all of them."""
    newest = Conversation.objects.filter(tenant=OuterRef("pk")).order_by("-last_message_at", "-id")
    found = Tenant.objects.filter(pk__in=[tenant.pk for tenant in tenants]).annotate(
        conversation=Subquery(newest.values("pk")[:1]), at=Subquery(newest.values("last_message_at")[:1])
    )
    rows = found.exclude(conversation=None).values_list("pk", "conversation", "at")
    return {pk: link_to("conversations_conversation", conversation, moment(at)) for pk, conversation, at in rows}


class ConversationList(NewestFirst):
    """Each with its last message: found by its number, all of a page with one query and without a join."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        last = [Q(conversation=row.pk, sequence=row.last_sequence) for row in self.result_list]
        rows = Message.objects.filter(Q(*last, _connector=Q.OR)) if last else Message.objects.none()
        found = {m.conversation_id: m for m in rows.annotate(start=Left("text", PREVIEW_LENGTH)).defer("text")}
        for row in self.result_list:
            row.last = found.get(row.pk)


@admin.register(Conversation)
class ConversationAdmin(EndlessAdmin):
    list_display = ["whatsapp_user", "last_message", "answer", "last_message_time", "tenant", "connection"]
    list_filter = [WaitingFilter, TenantFilter]
    search_fields = ["whatsapp_user__wa_id"]
    search_help_text = _("The customer's phone or the beginning of it, with the country code; or a whole user id.")
    ordering = ["-last_message_at", "-id"]
    change_form_template = "admin/conversations/conversation/transcript.html"
    last_message_time = moment_of("last_message_at", _("last message at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows = Conversation.objects.select_related("tenant", "connection", "whatsapp_user")
        return rows.defer("connection__access_token", "connection__pin")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConversationList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A prefix as a range of numbers, which the ordinary index serves under every collation; LIKE needs "C"."""
        term = search_term.strip()
        phone = term.lstrip("+").replace(" ", "")
        match = Q(whatsapp_user__user_id=term)
        if phone.isascii() and phone.isdigit():
            match |= Q(whatsapp_user__wa_id__range=(phone, phone.ljust(LONGEST_PHONE, "9")))
        return (queryset.filter(match) if term else queryset), False

    @admin.display(description=_("last message"))
    def last_message(self, conversation: Any) -> SafeString | str:
        if conversation.last is None:
            return NOTHING
        ours = conversation.last.direction == Message.Direction.OUTBOUND
        return format_html(
            '<span class="preview" dir="auto">{}{}</span>', "↪ " if ours else "", conversation.last.start
        )

    @admin.display(description=_("answer"))
    def answer(self, conversation: Any) -> SafeString | str:
        due = badge("warn", _("Waiting")) if conversation.answer_due_at else ""
        troubled = conversation.last is not None and conversation.last.status in TROUBLED
        return due or (status_badge(conversation.last) if troubled else NOTHING)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        before = request.GET.get("before", "")
        number = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None
        context.update(transcript(context["original"], number), title=str(context["original"]), subtitle=None)
        return super().render_change_form(request, context, *args, **kwargs)


def transcript(conversation: Conversation, before: int | None) -> dict[str, Any]:
    """The newest messages (before that number), the oldest of them first, and where it goes on."""
    rows = conversation.messages.select_related("system_prompt").defer("system_prompt__text")
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    found = list(rows.order_by("-sequence")[: MESSAGES_PER_PAGE + 1])
    page = found[:MESSAGES_PER_PAGE][::-1]
    exchanges: Mapping[UUID, SafeString] = exchanges_about(message.pk for message in page)
    for message in page:
        message.exchanges = exchanges.get(message.pk)  # type: ignore[attr-defined]  # for the template alone
    has_newer = before is not None and before <= conversation.last_sequence
    return {
        "said": page,
        "older": page[0].sequence if len(found) > MESSAGES_PER_PAGE else None,
        "newer": before + MESSAGES_PER_PAGE if has_newer and before is not None else None,
    }


@admin.register(Message)
class MessageAdmin(EndlessAdmin):
    list_display = ["time", "tenant", "customer", "direction", "state", "error_code", "start"]
    list_filter = ["direction", MessageStatusFilter, TenantFilter]
    search_fields = ["wamid__exact"]
    search_help_text = _("A whole wamid.")
    ordering = ["-created_at", "-id"]
    fields = [
        *(
            "tenant",
            "talk",
            "sequence",
            "direction",
            "state",
            "status_time",
            "error_code",
            "error",
            "note",
            "words",
            "time",
        ),
        *(
            "sent",
            "wamid",
            "happening",
            "calls",
            "prompt",
            "llm_model",
            "llm_request_id",
            "input_tokens",
            "output_tokens",
        ),
    ]
    time = moment_of("created_at", _("time"))
    sent = moment_of("sent_at", _("sent at (Meta's clock)"))
    status_time = moment_of("status_at", _("status since"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = Message.objects.select_related("tenant", "conversation__whatsapp_user", "system_prompt")
        return rows.defer("text", "system_prompt__text").annotate(beginning=Left("text", PREVIEW_LENGTH))

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
    def start(self, message: Any) -> SafeString:
        return format_html('<span class="preview" dir="auto">{}</span>', message.beginning)

    @admin.display(description=_("text"))
    def words(self, message: Message) -> SafeString:
        return format_html('<div class="prompt-text" dir="auto">{}</div>', message.text)

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


@admin.register(WebhookEvent)
class WebhookEventAdmin(EndlessAdmin):
    list_display = ["received", "processed", "what", "error"]
    list_filter = [EventStateFilter]
    ordering = ["-received_at", "-id"]
    fields = ["received", "processed", "what", "error", "provider_event_id", "json"]
    received = moment_of("received_at", _("received at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        return WebhookEvent.objects.defer("body")

    @admin.display(description=_("processed at"))
    def processed(self, event: WebhookEvent) -> SafeString | str:
        return moment(event.processed_at) if event.processed_at else badge("warn", _("Unprocessed"))

    @admin.display(description=_("outcome"))
    def what(self, event: WebhookEvent) -> SafeString | str:
        counts = [(count, OUTCOMES.get(word, word)) for word, count in sorted(event.outcome.items())]
        return format_html_join(", ", "{} × {}", counts) or NOTHING

    @admin.display(description=_("body"))
    def json(self, event: WebhookEvent) -> SafeString:
        try:
            text = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = event.body
        return format_html('<pre class="raw" tabindex="0">{}</pre>', text)


# procrastinate's own page counts all jobs, and lets everybody who sees them cancel them.
admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(EndlessAdmin):
    list_display = ["id", "task_name", "args", "status", "attempts", "scheduled_at"]
    list_filter = [("status", admin.ChoicesFieldListFilter)]
    ordering = ["-id"]
