"""The staff's pages for embedded signups: how each ended, why, and what was said to Meta on the way.

Never reads a token: whether a signup can go on is what the database says of it.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tenants.admin import NOTHING, ReadOnlyAdmin, TenantFilter, badge, link_to, moment_of
from whatsapp.admin import secrets
from whatsapp.admin.exchanges import step
from whatsapp.models import EmbeddedSignupSession, Ending
from whatsapp.words import ENDINGS

MOST_STEPS = 200

TONES = {
    Ending.PENDING: "quiet",
    Ending.CONNECTED: "good",
    Ending.CANCELLED: "warn",
    Ending.CHOICE_NEEDED: "warn",
}


class EndingFilter(admin.SimpleListFilter):
    title = _("ending")
    parameter_name = "ending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unfinished", _("Needs the tenant")), *Ending.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "unfinished":
            return queryset.filter(EmbeddedSignupSession.unfinished())
        return queryset.filter(ending=self.value()) if self.value() else queryset


@admin.register(EmbeddedSignupSession)
class EmbeddedSignupAdmin(ReadOnlyAdmin):
    list_display = ["created", "tenant", "result", "reason", "number"]
    list_filter = [TenantFilter, EndingFilter]
    ordering = ["-created_at"]
    change_form_template = "admin/whatsapp/embeddedsignupsession/change_form.html"
    fields = ["tenant", "result", "reason", "to_do", "goes_on", "chosen", "number", "created", "expires", "used"]
    created = moment_of("created_at", _("created at"))
    expires = moment_of("expires_at", _("expires at"))
    used = moment_of("used_at", _("used at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddedSignupSession]:
        hidden = [*secrets.OF_SIGNUP, *secrets.within("connection", secrets.OF_CONNECTION)]
        sessions = EmbeddedSignupSession.objects.select_related("tenant", "connection").defer(*hidden)
        return sessions.annotate(has_token=~Q(access_token=""))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        session = context["original"]
        exchanges = session.exchanges.order_by("created_at", "id")[:MOST_STEPS]
        context.update(steps=[step(exchange) for exchange in exchanges], subtitle=None, title=str(session))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("ending"))
    def result(self, session: EmbeddedSignupSession) -> SafeString:
        return badge(TONES.get(Ending(session.ending), "bad"), session.get_ending_display())

    @admin.display(description=_("what the tenant is told to do"))
    def to_do(self, session: EmbeddedSignupSession) -> str:
        return str(ENDINGS[Ending(session.ending)].to_do)

    @admin.display(description=_("can go on"))
    def goes_on(self, session: Any) -> SafeString:
        """As the model's `can_go_on`, without reading the token."""
        if session.ending == Ending.CONNECTED:
            return badge("good", _("Nothing is left to do"))
        if session.has_token:
            return badge("good", _("Yes, without Meta's dialog"))
        return badge("quiet", _("No, only with a new signup"))

    @admin.display(description=_("chosen number"))
    def chosen(self, session: EmbeddedSignupSession) -> str:
        return session.phone_number_id or NOTHING

    @admin.display(description=_("connection"))
    def number(self, session: EmbeddedSignupSession) -> SafeString | str:
        connection = session.connection
        return link_to("whatsapp_whatsappconnection", connection.pk, connection) if connection else NOTHING
