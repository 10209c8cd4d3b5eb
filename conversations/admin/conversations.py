"""The staff's pages for conversations: the one with the newest message first, and each as a chat.

Knows how a conversation is found; how the chat looks is in `transcript`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations.admin.messages import CALLED, IN_A_LINE, TROUBLED, preview, status_badge
from conversations.admin.opening import OpeningAdmin
from conversations.admin.takeover import who_speaks
from conversations.admin.transcript import transcript
from conversations.models import Conversation, Message
from tenants.admin import NOTHING, TenantFilter, badge, link_to, moment, moment_of, tenant_column
from tenants.endless import NewestFirst
from tenants.models import Tenant
from whatsapp.admin import secrets

LONGEST_PHONE = 20
LISTED = (
    *("last_message_at", "answer_due_at", "person_due_at", "agent_paused_until", "paused_by", "paused_by_name"),
    *("tenant__name", "connection__display_phone_number", "connection__phone_number_id"),
)


class WaitingFilter(admin.SimpleListFilter):
    title = _("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("due", _("Waiting for an answer")), ("person", _("Waiting for a person"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "person":
            return queryset.filter(person_due_at__isnull=False)
        return queryset.filter(answer_due_at__isnull=False) if self.value() else queryset


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
    """Each with the message that was said last: all of a page with one query, each by one look into the index."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        newest = Message.objects.filter(conversation=OuterRef("pk")).order_by("-said_at", "-sequence").values("pk")[:1]
        page = Conversation.objects.filter(pk__in=[row.pk for row in self.result_list])
        rows = Message.objects.filter(pk__in=page.annotate(newest=Subquery(newest)).values("newest"))
        said = rows.select_related("attachment").only("conversation", "direction", "status", *IN_A_LINE)
        found = {message.conversation_id: message for message in said}
        for row in self.result_list:
            row.last = found.get(row.pk)


@admin.register(Conversation)
class ConversationAdmin(OpeningAdmin):
    list_display = ["whatsapp_user", "last_message", "answer", "last_message_time", "tenant", "connection"]
    list_filter = [WaitingFilter, TenantFilter]
    search_fields = ["whatsapp_user__wa_id"]
    search_help_text = _("The customer's phone or the beginning of it, with the country code; or a whole user id.")
    ordering = ["-last_message_at", "-id"]
    change_form_template = "admin/conversations/conversation/transcript.html"
    fields = ("whatsapp_user",)  # the page shows a chat instead: of all of them, Django would make forms for nothing
    last_message_time = moment_of("last_message_at", _("last message at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows = Conversation.objects.select_related("tenant", "connection", "whatsapp_user")
        return rows.defer(*secrets.within("connection", secrets.OF_CONNECTION))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConversationList

    def listed(self, rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
        return rows.only(*LISTED, *(f"whatsapp_user__{name}" for name in CALLED))

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
        return preview(conversation.last, "↪ " if ours else "")

    @admin.display(description=_("answer"))
    def answer(self, conversation: Any) -> SafeString | str:
        """Who waits, who speaks and until when; else whether the last message has arrived."""
        states = []
        if conversation.person_due_at:
            states.append(badge("bad", _("Waiting for a person")))
        if conversation.answer_due_at:
            states.append(badge("warn", _("Waiting")))
        if conversation.is_paused:
            until = date_format(timezone.localtime(conversation.agent_paused_until), "j M H:i")
            told = gettext("until %(until)s: %(who)s") % {"until": until, "who": who_speaks(conversation)}
            states.append(format_html("{} {}", badge("quiet", _("Agent silent")), told))
        elif conversation.last is not None and conversation.last.status in TROUBLED:
            states.append(status_badge(conversation.last))
        return format_html_join("", '<span class="pair">{}</span>', ((state,) for state in states)) or NOTHING

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        conversation = context["original"]
        context.update(transcript(conversation, request), **self.doors(request, conversation))
        context.update(title=str(conversation), subtitle=None)
        return super().render_change_form(request, context, *args, **kwargs)
