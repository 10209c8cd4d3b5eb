"""The staff's pages for customers. Knows how one is found, by the whole phone or id; nothing of what was said."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversations.models import Conversation, WhatsappUser
from tenants.admin import NOTHING, TenantFilter, link_to, moment_of
from tenants.endless import EndlessAdmin


@admin.register(WhatsappUser)
class WhatsappUserAdmin(EndlessAdmin):
    list_display = ["__str__", "wa_id", "user_id", "contact_name", "tenant", "created"]
    list_select_related = ["tenant"]
    list_filter = [TenantFilter]
    search_fields = ["wa_id__exact", "user_id__exact"]
    search_help_text = _("A whole phone number with the country code, or a whole user id.")
    ordering = ["-id"]  # ids grow with time
    fields = [
        *("tenant", "portfolio_id", "wa_id", "user_id", "name", "username", "contact_name", "saved"),
        *("marketing", "wished", "talks", "created"),
    ]
    created = moment_of("created_at", _("created at"))
    saved = moment_of("contact_at", _("saved at"))
    wished = moment_of("marketing_at", _("marketing messages, since"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        match = Q(wa_id=term.lstrip("+").replace(" ", "")) | Q(user_id=term)
        return (queryset.filter(match) if term else queryset), False

    @admin.display(description=_("conversations"))
    def talks(self, user: WhatsappUser) -> SafeString | str:
        talks = Conversation.objects.filter(whatsapp_user=user).select_related("connection")
        rows = talks.only("id", "connection__display_phone_number", "connection__phone_number_id")
        links = [(link_to("conversations_conversation", row.pk, row.connection),) for row in rows]
        return format_html_join(", ", "{}", links) or NOTHING
