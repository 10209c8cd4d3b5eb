"""The staff's pages for message templates, of every tenant: as they were last read at Meta, and read again on demand.

Staff change nothing here: templates are written in WhatsApp Manager. Knows rows; `templates` reads what is in them.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tenants.admin import NOTHING, StaffAdmin, TenantFilter, badge, link_to, moment_of
from tenants.endless import EndlessAdmin
from whatsapp.admin.exchanges import pretty
from whatsapp.lifecycle import ALIVE
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.templates import Want, lines_of, parts_of, queue_sync, strange_parts, wants_of

# Meta's words; any other is shown as it is.
STATUSES = {
    "APPROVED": ("good", _("Approved")),
    "PENDING": ("quiet", _("Not decided yet")),
    "IN_APPEAL": ("quiet", _("In appeal")),
    "REJECTED": ("bad", _("Declined")),
    "PAUSED": ("warn", _("Paused")),
    "DISABLED": ("bad", _("Disabled")),
    "ARCHIVED": ("quiet", _("Archived")),
    "PENDING_DELETION": ("quiet", _("Being deleted")),
}
QUALITIES = {
    "GREEN": ("good", _("High")),
    "YELLOW": ("warn", _("Medium")),
    "RED": ("bad", _("Low")),
    "UNKNOWN": ("quiet", _("Not known yet")),
}
KINDS = {
    "text": _("text"),
    "image": _("address of an image"),
    "video": _("address of a video"),
    "document": _("address of a document"),
    "url": _("end of the button's address"),
    "code": _("code to copy"),
}


class TemplateStatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status, words) for status, (_tone, words) in STATUSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class LanguageFilter(admin.SimpleListFilter):
    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        known = MessageTemplate.objects.order_by("language").values_list("language", flat=True).distinct()
        return [(language, language) for language in known]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(language=self.value()) if self.value() else queryset


def numbers_of(templates: QuerySet[MessageTemplate]) -> list[WhatsappConnection]:
    """A number that lives for each account of these templates."""
    accounts = templates.order_by().values_list("tenant_id", "business_account_id").distinct()
    living = WhatsappConnection.objects.filter(
        status__in=ALIVE, tenant__in=[tenant for tenant, _account in accounts]
    ).order_by("tenant_id", "business_account_id", "pk")
    wanted = set(accounts)
    first = living.distinct("tenant_id", "business_account_id")
    return [number for number in first if (number.tenant_id, number.business_account_id) in wanted]


@admin.register(MessageTemplate)
class MessageTemplateAdmin(EndlessAdmin):
    list_display = ["name", "state", "language", "category", "grade", "tenant", "read_at"]
    list_select_related = ["tenant"]
    list_filter = [TenantFilter, TemplateStatusFilter, LanguageFilter]
    search_fields = ["name"]
    search_help_text = _("The name, or a part of it.")
    ordering = ["-id"]
    actions = ("sync_now",)
    fields = [
        *("tenant", "name", "language", "state", "rejected_reason", "category", "grade", "words", "values"),
        *("numbers", "business_account_id", "template_id", "parameter_format", "told", "read_at", "raw"),
    ]
    told = moment_of("told_at", _("status as of"))
    read_at = moment_of("synced_at", _("read at Meta"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageTemplate]:
        return MessageTemplate.objects.select_related("tenant")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits a template. To have them read again is what the permission to change allows."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: MessageTemplate | None = None) -> list[Any]:
        """Without a reason for what did not happen."""
        is_rejected = obj is not None and obj.rejected_reason
        return [field for field in self.fields if field != "rejected_reason" or is_rejected]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["may_sync"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=_("Read at Meta again"), permissions=["change"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[MessageTemplate]) -> None:
        """All templates of the accounts that these are of."""
        numbers = numbers_of(queryset)
        for number in numbers:
            queue_sync(number)
        told_sync(self, request, len(numbers))

    @admin.display(description=_("status"))
    def state(self, template: MessageTemplate) -> SafeString:
        tone, words = STATUSES.get(template.status, ("quiet", template.status))
        return badge(tone, words)

    @admin.display(description=_("quality"))
    def grade(self, template: MessageTemplate) -> SafeString | str:
        return badge(*QUALITIES[template.quality]) if template.quality in QUALITIES else template.quality or NOTHING

    @admin.display(description=_("text"))
    def words(self, template: MessageTemplate) -> SafeString:
        words = lines_of(parts_of(template.components))
        return format_html('<div class="prompt-text" dir="auto">{}</div>', words)

    @admin.display(description=_("values that it wants"))
    def values(self, template: MessageTemplate) -> SafeString | str:
        if strange := strange_parts(template.components):
            return gettext("It has parts that cannot be filled in here: %(parts)s.") % {"parts": ", ".join(strange)}
        rows = [(want.name or want.place, KINDS[want.kind], _example(want)) for want in wants_of(template.components)]
        line = '<li><code>{}</code> {} <span class="quiet" dir="auto">{}</span></li>'
        return format_html('<ul class="wants">{}</ul>', format_html_join("", line, rows)) if rows else gettext("None")

    @admin.display(description=_("numbers that can send it"))
    def numbers(self, template: MessageTemplate) -> SafeString | str:
        account = {"tenant": template.tenant_id, "business_account_id": template.business_account_id}
        found = WhatsappConnection.objects.filter(**account).only("display_phone_number", "phone_number_id")
        links = [(link_to("whatsapp_whatsappconnection", number.pk, number),) for number in found]
        return format_html_join(", ", "{}", links) or NOTHING

    @admin.display(description=_("components"))
    def raw(self, template: MessageTemplate) -> SafeString | str:
        return pretty(template.components)


def _example(want: Want) -> str:
    return gettext("For example: %(example)s") % {"example": want.example} if want.example else ""


def told_sync(page: StaffAdmin, request: HttpRequest, count: int) -> None:
    """Says that the templates of so many accounts are read soon; or that there is no number to read them through."""
    if not count:
        page.message_user(request, gettext("No number of this account has access to Meta."), messages.WARNING)
        return
    told = ngettext(
        "The templates of %(count)d account are read at Meta in a moment.",
        "The templates of %(count)d accounts are read at Meta in a moment.",
        count,
    )
    page.message_user(request, told % {"count": count}, messages.SUCCESS)
