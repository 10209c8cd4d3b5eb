"""The staff's pages for connections: how far each has come, what the doctor and Meta say of it, what was said to Meta.

Staff change nothing here by hand: they have the doctor look, or repair. Only the doctor reads a token.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tenants.admin import NOTHING, ReadOnlyAdmin, TenantFilter, badge, link_to, moment, moment_of, tenant_column
from tenants.models import Tenant
from whatsapp import health
from whatsapp.admin import exchanges, notices, secrets
from whatsapp.admin.templates import told_sync
from whatsapp.findings import Finding
from whatsapp.lifecycle import ALIVE
from whatsapp.models import WhatsappConnection
from whatsapp.problems import problem_of
from whatsapp.templates import queue_sync

NEWEST_EXCHANGES = 20
NEWEST_NOTICES = 10

Status = WhatsappConnection.Status

# The statuses' own texts are sentences; these fit into a column.
STATUSES = {
    Status.PENDING: ("warn", _("Pending")),
    Status.CONNECTED: ("good", _("Connected")),
    Status.RESTRICTED: ("bad", _("Restricted")),
    Status.RECONNECT: ("bad", _("Connect again")),
    Status.DISCONNECTED: ("quiet", _("Disconnected")),
}
TROUBLED = (Status.RECONNECT, Status.RESTRICTED)

# The doctor's words for the state of what was looked at.
FINDINGS = {
    "bad": ("bad", _("Broken")),
    "warn": ("warn", _("Attention")),
    "unknown": ("quiet", _("Not known")),
    "ok": ("good", _("Well")),
}
# What a repair does about each check that it can do something about.
DEEDS = {
    "expiry": _("Ask Meta for an access that lasts longer, in exchange for the one we have."),
    "subscription": _("Subscribe our app to the number's account, so that Meta sends us its messages."),
    "callback": _("Subscribe our app again, so that the messages come to our own address."),
    "number": _("Register the number at Meta. Meta allows this ten times in 72 hours."),
    "registration": _("Register the number at Meta. Meta allows this ten times in 72 hours."),
}


class Step(NamedTuple):
    """Something a signup does once. Without a time it is not yet done, or need not be."""

    title: Any
    at: SafeString | str
    is_done: bool
    is_needed: bool = True


def steps(connection: WhatsappConnection) -> Iterator[Step]:
    """A number that stays in the app is not registered, but its contacts and history are asked for."""

    def taken(title: Any, at: datetime | None, *, needed: bool = True) -> Step:
        return Step(title, moment(at), at is not None, needed or at is not None)

    yield taken(_("Shared with us"), connection.created_at)
    yield taken(_("Our app subscribed to its account"), connection.subscribed_at)
    yield taken(_("Registered"), connection.registered_at, needed=not connection.is_coexistence)
    yield taken(_("Contacts and history asked for"), connection.synced_at, needed=connection.is_coexistence)
    yield taken(_("Connected"), connection.connected_at)


def status_badge(connection: WhatsappConnection) -> SafeString:
    return badge(*STATUSES[Status(connection.status)])


def told(findings: Sequence[Finding]) -> list[tuple[SafeString, Finding]]:
    """The findings with their badges, the worst first."""
    order = list(FINDINGS)
    return [(badge(*FINDINGS[f.state]), f) for f in sorted(findings, key=lambda f: order.index(f.state))]


@tenant_column(_("numbers"))
def numbers(tenants: Sequence[Tenant]) -> Mapping[UUID, SafeString]:
    """Each tenant's numbers, and whether we may speak through them."""
    found: dict[UUID, list[tuple[SafeString, SafeString]]] = defaultdict(list)
    connections = WhatsappConnection.objects.filter(tenant__in=tenants).defer(*secrets.OF_CONNECTION)
    for connection in connections.order_by("created_at"):
        link = link_to("whatsapp_whatsappconnection", connection.pk, connection)
        found[connection.tenant_id].append((link, status_badge(connection)))
    return {pk: format_html_join("", '<span class="pair">{} {}</span>', pairs) for pk, pairs in found.items()}


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        short = [(status.value, text) for status, (_tone, text) in STATUSES.items()]
        return [("troubled", _("Without access")), *short]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "troubled":
            return queryset.filter(status__in=TROUBLED)
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(WhatsappConnection)
class WhatsappConnectionAdmin(ReadOnlyAdmin):
    list_display = ["number", "verified_name", "tenant", "state", "status_reason", "last_webhook"]
    list_select_related = ["tenant"]
    list_filter = [TenantFilter, StatusFilter]
    search_fields = ["phone_number_id__exact", "business_account_id__exact", "display_phone_number__startswith"]
    search_help_text = _("A whole phone number id or WABA id, or the beginning of the number as Meta writes it.")
    ordering = ["-created_at"]
    change_form_template = "admin/whatsapp/whatsappconnection/change_form.html"
    fields = [
        *("tenant", "number", "verified_name", "state", "trouble", "status_reason"),
        *("phone_number_id", "business_account_id", "portfolio", "in_app", "access_ends", "waits", "last_webhook"),
    ]
    waits = moment_of("throttled_until", _("Meta asked us to send nothing until"))
    last_webhook = moment_of("last_webhook_at", _("last webhook at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[WhatsappConnection]:
        return WhatsappConnection.objects.defer(*secrets.OF_CONNECTION)

    def get_urls(self) -> list[URLPattern]:
        doors = [("check", self.check_now), ("repair", self.repair), ("templates", self.sync_templates)]
        return [
            *(
                path(f"<uuid:pk>/{word}/", self.admin_site.admin_view(view), name=f"whatsapp_whatsappconnection_{word}")
                for word, view in doors
            ),
            *super().get_urls(),
        ]

    def may_treat(self, request: HttpRequest) -> bool:
        """Nobody edits a connection. To call the doctor for it is what the permission to change allows."""
        return admin.ModelAdmin.has_change_permission(self, request)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        connection = context["original"]
        findings = health.findings_of(connection)
        calls = connection.exchanges.defer(*exchanges.BODIES).order_by("-created_at", "-id")[:NEWEST_EXCHANGES]
        said = notices.notices().filter(connection=connection)[:NEWEST_NOTICES]
        context.update(
            title=str(connection),
            subtitle=None,
            steps=list(steps(connection)),
            findings=told(findings),
            checked=moment(connection.last_checked_at),
            can_repair=any(finding.can_repair for finding in findings),
            may_treat=self.may_treat(request),
            is_alive=connection.status in ALIVE,
            templates_read=moment(connection.templates_synced_at),
            facts=list(notices.told_facts(connection)),
            notices=[notices.table_row(notice) for notice in said],
            exchanges=[exchanges.table_row(call) for call in calls],
        )
        return super().render_change_form(request, context, *args, **kwargs)

    # ── The doctor ───────────────────────────────────────────────────────────────────────────────────────────────────

    @method_decorator(require_POST)
    def check_now(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self._patient(request, pk)
        findings = health.examine(connection)
        self.log_change(request, connection, gettext("Checked."))
        return self._results(request, connection, findings)

    @method_decorator(require_POST)
    def repair(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self._patient(request, pk)
        broken = [finding for finding in health.findings_of(connection) if finding.can_repair]
        if not broken:
            self.message_user(request, gettext("There is nothing that we could repair."), messages.WARNING)
            return redirect("admin:whatsapp_whatsappconnection_change", pk)
        if "confirmed" not in request.POST:
            return self._ask(request, connection, broken)
        findings = health.repair(connection)
        self.log_change(request, connection, gettext("Repaired: %(what)s.") % {"what": _checks(broken)})
        return self._results(request, connection, findings)

    @method_decorator(require_POST)
    def sync_templates(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self._patient(request, pk)
        if connection.status in ALIVE:
            queue_sync(connection)
            self.log_change(request, connection, gettext("Templates read at Meta again."))
        told_sync(self, request, int(connection.status in ALIVE))
        return redirect("admin:whatsapp_whatsappconnection_change", pk)

    def _patient(self, request: HttpRequest, pk: UUID) -> WhatsappConnection:
        if not self.may_treat(request):
            raise PermissionDenied
        return get_object_or_404(WhatsappConnection.objects.select_related("tenant"), pk=pk)

    def _ask(self, request: HttpRequest, connection: Any, broken: list[Finding]) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Repair %(number)s?") % {"number": connection},
            "opts": self.opts,
            "connection": connection,
            "findings": told(broken),
            "deeds": dict.fromkeys(DEEDS[finding.check] for finding in broken if finding.check in DEEDS),
        }
        return TemplateResponse(request, "admin/whatsapp/whatsappconnection/repair.html", context)

    def _results(self, request: HttpRequest, connection: Any, findings: list[Finding]) -> HttpResponse:
        """Back to the connection's page, which has the findings in full."""
        bad = sum(finding.state in ("bad", "warn") for finding in findings)
        if bad:
            text = ngettext("Checked: %(count)d finding needs you.", "Checked: %(count)d findings need you.", bad)
            self.message_user(request, text % {"count": bad}, messages.WARNING)
        else:
            self.message_user(request, gettext("Checked: nothing is found wrong."), messages.SUCCESS)
        return redirect("admin:whatsapp_whatsappconnection_change", connection.pk)

    # ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @admin.display(description=_("number"))
    def number(self, connection: WhatsappConnection) -> str:
        return str(connection)

    @admin.display(description=_("status"))
    def state(self, connection: WhatsappConnection) -> SafeString:
        return status_badge(connection)

    @admin.display(description=_("problem"))
    def trouble(self, connection: WhatsappConnection) -> SafeString | str:
        problem = problem_of(connection)
        told = '{} {}<span class="detail">{}</span>'
        return format_html(told, problem.what, problem.to_do, problem.code) if problem else NOTHING

    @admin.display(description=_("business portfolio"))
    def portfolio(self, connection: WhatsappConnection) -> str:
        return connection.portfolio_id or NOTHING

    @admin.display(description=_("also in the WhatsApp Business app"))
    def in_app(self, connection: WhatsappConnection) -> str:
        return gettext("Yes") if connection.is_coexistence else gettext("No")

    @admin.display(description=_("access ends at"))
    def access_ends(self, connection: WhatsappConnection) -> SafeString | str:
        ends = connection.token_expires_at
        if ends is None:
            return gettext("No end is known")
        return format_html("{} {}", moment(ends), badge("bad", _("Over"))) if ends <= timezone.now() else moment(ends)


def _checks(findings: Sequence[Finding]) -> str:
    return ", ".join(finding.check for finding in findings)
