"""The staff's page for statuses that came before the messages they are about. Knows nothing of what becomes of them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conversations.models import ParkedStatus
from tenants.admin import TenantFilter, moment_of
from tenants.endless import EndlessAdmin
from whatsapp.admin import secrets


@admin.register(ParkedStatus)
class ParkedStatusAdmin(EndlessAdmin):
    list_display = ["created", "wamid", "status", "time", "error_code", "error", "tenant", "connection"]
    list_filter = [TenantFilter]
    search_fields = ["wamid__exact"]
    search_help_text = _("A whole wamid.")
    ordering = ["-created_at", "-id"]
    fields = ["tenant", "connection", "wamid", "status", "time", "error_code", "error", "pricing", "created"]
    created = moment_of("created_at", _("created at"))
    time = moment_of("at", _("at (Meta's clock)"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[ParkedStatus]:
        rows = ParkedStatus.objects.select_related("tenant", "connection")
        return rows.defer(*secrets.within("connection", secrets.OF_CONNECTION))
