"""The staff's pages for what customers send beside words: what Meta calls it, and whether we have it.

Knows nothing of how it is fetched. The media itself is in the conversation.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversations.models import Attachment
from tenants.admin import NOTHING, TenantFilter, badge, link_to, moment_of
from tenants.endless import EndlessAdmin

Status = Attachment.Status
MISSING = (Status.REFUSED, Status.GONE)
# In a word; what exactly is in the column beside it.
STATES = {
    Status.STORED: ("good", _("Stored")),
    Status.PENDING: ("quiet", _("Being fetched")),
    Status.REFUSED: ("bad", _("Refused")),
    Status.GONE: ("bad", _("Gone")),
}


class AttachmentStatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Without `stored`: that is nearly all of them."""
        states = [(status, word) for status, (_tone, word) in STATES.items() if status != Status.STORED]
        return [("missing", _("Could not be fetched")), *states]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "missing":
            return queryset.filter(status__in=MISSING)
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Attachment)
class AttachmentAdmin(EndlessAdmin):
    list_display = ["__str__", "state", "error", "talk", "tenant", "created"]
    list_filter = [AttachmentStatusFilter, TenantFilter]
    ordering = ["-created_at", "-id"]
    fields = [
        *("tenant", "talk", "said", "media_id", "filename", "mime_type", "state", "tries", "error"),
        *("stored", "digest", "transcript", "created"),
    ]
    created = moment_of("created_at", _("created at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        rows = Attachment.objects.select_related("tenant", "message__conversation__whatsapp_user", "file")
        return rows.defer("message__text", "message__content")

    @admin.display(description=_("status"))
    def state(self, attachment: Attachment) -> SafeString:
        return badge(*STATES[Status(attachment.status)])

    @admin.display(description=_("conversation"))
    def talk(self, attachment: Attachment) -> SafeString:
        conversation = attachment.message.conversation
        return link_to("conversations_conversation", conversation.pk, conversation)

    @admin.display(description=_("message"))
    def said(self, attachment: Attachment) -> SafeString:
        return link_to("conversations_message", attachment.message_id, attachment.message.type)

    @admin.display(description=_("what we have"))
    def stored(self, attachment: Attachment) -> str:
        file = attachment.file
        return f"{file.mime_type} · {filesizeformat(file.size)}" if file else NOTHING

    @admin.display(description=_("SHA-256"))
    def digest(self, attachment: Attachment) -> str:
        return attachment.file.sha256 if attachment.file else NOTHING
