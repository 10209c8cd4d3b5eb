"""The staff's pages for connections and the signups that lead to them: to look at, not to change.

Never shows a token, a PIN or a signup's state, and does not even read them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tenants.admin import NOTHING, ReadOnlyAdmin, TenantFilter, badge, link_to, moment_of, tenant_column
from tenants.models import Tenant
from whatsapp.models import EmbeddedSignupSession, WhatsappConnection

SECRETS = ("access_token", "pin")

Status = WhatsappConnection.Status
Outcome = EmbeddedSignupSession.Outcome

# The statuses' own texts are sentences; these fit into a column.
STATUSES = {
    Status.PENDING: ("warn", _("Pending")),
    Status.CONNECTED: ("good", _("Connected")),
    Status.RECONNECT: ("bad", _("Connect again")),
}
TONES = {Outcome.PENDING: "quiet", Outcome.CONNECTED: "good", Outcome.CANCELLED: "warn", Outcome.FAILED: "bad"}


def status_badge(connection: WhatsappConnection) -> SafeString:
    return badge(*STATUSES[Status(connection.status)])


@tenant_column(_("numbers"))
def numbers(tenants: Sequence[Tenant]) -> Mapping[UUID, SafeString]:
    """Each tenant's numbers, and whether we may speak through them."""
    found: dict[UUID, list[tuple[SafeString, SafeString]]] = defaultdict(list)
    connections = WhatsappConnection.objects.filter(tenant__in=tenants).defer(*SECRETS)
    for connection in connections.order_by("created_at"):
        link = link_to("whatsapp_whatsappconnection", connection.pk, connection)
        found[connection.tenant_id].append((link, status_badge(connection)))
    return {pk: format_html_join("", '<span class="pair">{} {}</span>', pairs) for pk, pairs in found.items()}


@admin.register(WhatsappConnection)
class WhatsappConnectionAdmin(ReadOnlyAdmin):
    list_display = ["number", "verified_name", "tenant", "state", "status_reason", "connected"]
    list_select_related = ["tenant"]
    list_filter = [TenantFilter, "status"]
    search_fields = ["phone_number_id__exact", "business_account_id__exact", "display_phone_number__startswith"]
    search_help_text = _("A whole phone number id or WABA id, or the beginning of the number as Meta writes it.")
    ordering = ["-created_at"]
    fields = [
        "tenant",
        "display_phone_number",
        "verified_name",
        "status",
        "status_reason",
        "phone_number_id",
        "business_account_id",
        "connected",
        "created",
    ]
    connected = moment_of("connected_at", _("connected at"))
    created = moment_of("created_at", _("created at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[WhatsappConnection]:
        return WhatsappConnection.objects.defer(*SECRETS)

    @admin.display(description=_("number"))
    def number(self, connection: WhatsappConnection) -> str:
        return str(connection)

    @admin.display(description=_("status"))
    def state(self, connection: WhatsappConnection) -> SafeString:
        return status_badge(connection)


@admin.register(EmbeddedSignupSession)
class EmbeddedSignupAdmin(ReadOnlyAdmin):
    list_display = ["created", "tenant", "result", "reason", "number"]
    list_filter = [TenantFilter, "outcome"]
    ordering = ["-created_at"]
    fields = ["tenant", "result", "reason", "number", "created", "expires", "used"]
    created = moment_of("created_at", _("created at"))
    expires = moment_of("expires_at", _("expires at"))
    used = moment_of("used_at", _("used at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddedSignupSession]:
        secrets = [f"connection__{name}" for name in SECRETS]
        sessions = EmbeddedSignupSession.objects.select_related("tenant", "connection")
        return sessions.defer("embedded_signup_state", *secrets)

    @admin.display(description=_("outcome"))
    def result(self, session: EmbeddedSignupSession) -> SafeString:
        return badge(TONES[Outcome(session.outcome)], session.get_outcome_display())

    @admin.display(description=_("connection"))
    def number(self, session: EmbeddedSignupSession) -> SafeString | str:
        connection = session.connection
        return link_to("whatsapp_whatsappconnection", connection.pk, connection) if connection else NOTHING
