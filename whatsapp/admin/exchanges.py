"""The staff's pages for exchanges with Meta: all of them newest first, and those of one thing in a table.

Knows what is kept of a call, which is without secrets; nothing of what the calls were for.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.admin import NOTHING, TenantFilter, badge, link_to, moment_of
from tenants.endless import EndlessAdmin
from whatsapp.admin import secrets
from whatsapp.models import GraphExchange

BODIES = ("request", "response")


def outcome(exchange: GraphExchange) -> SafeString:
    """The HTTP status, red when the call failed; a call that nobody answered has none."""
    return badge("bad" if exchange.error else "good", exchange.status or gettext("No answer"))


def call(exchange: GraphExchange) -> SafeString:
    return format_html('<code class="call"><b>{}</b> {}</code>', exchange.method, exchange.path)


def pretty(body: Any) -> SafeString | str:
    """JSON as people read it."""
    if body is None:
        return NOTHING
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return format_html('<pre class="raw" tabindex="0">{}</pre>', text)


def table_row(exchange: GraphExchange) -> dict[str, Any]:
    """What the table of exchanges shows of one."""
    return {"row": exchange, "call": call(exchange), "outcome": outcome(exchange)}


def step(exchange: GraphExchange) -> dict[str, Any]:
    """The same with its bodies, for those that are read one after the other."""
    bodies = {name: pretty(getattr(exchange, name)) for name in BODIES}
    return table_row(exchange) | bodies


def exchanges_about(messages: Iterable[UUID]) -> Mapping[UUID, SafeString]:
    """Links to what was exchanged about each of these messages: with one query for all of them."""
    found: dict[UUID, list[tuple[SafeString]]] = defaultdict(list)
    rows = GraphExchange.objects.filter(message_id__in=list(messages)).defer(*BODIES).order_by("created_at", "id")
    for row in rows:
        link = link_to("whatsapp_graphexchange", row.pk, call(row))
        took = gettext("%(count)d ms") % {"count": row.milliseconds}
        found[row.message_id or UUID(int=0)].append((format_html("{} {} {}", link, outcome(row), took),))
    return {pk: format_html_join("", '<span class="pair">{}</span>', links) for pk, links in found.items()}


class ErrorFilter(admin.SimpleListFilter):
    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("error", _("With errors"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(error="") if self.value() else queryset


@admin.register(GraphExchange)
class GraphExchangeAdmin(EndlessAdmin):
    list_display = ["time", "tenant", "what", "result", "milliseconds", "meta_code", "error"]
    list_filter = [ErrorFilter, TenantFilter]
    ordering = ["-created_at", "-id"]
    change_form_template = "admin/whatsapp/graphexchange/change_form.html"
    fields = [
        *("time", "tenant", "what", "result", "milliseconds", "meta_code", "error", "trace_id"),
        *("number", "way", "asked", "answered"),
    ]
    time = moment_of("created_at", _("time"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[GraphExchange]:
        hidden = secrets.within("connection", secrets.OF_CONNECTION) + secrets.within("signup", secrets.OF_SIGNUP)
        rows = GraphExchange.objects.select_related("tenant", "connection", "signup")
        return rows.defer(*hidden, *BODIES)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """A connection's page leads to all of its exchanges."""
        return lookup == "connection" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description=_("call"))
    def what(self, exchange: GraphExchange) -> SafeString:
        return call(exchange)

    @admin.display(description=_("HTTP status"))
    def result(self, exchange: GraphExchange) -> SafeString:
        return outcome(exchange)

    @admin.display(description=_("Meta's code"))
    def meta_code(self, exchange: GraphExchange) -> str:
        return str(exchange.code) if exchange.code else NOTHING

    @admin.display(description=_("connection"))
    def number(self, exchange: GraphExchange) -> SafeString | str:
        connection = exchange.connection
        return link_to("whatsapp_whatsappconnection", connection.pk, connection) if connection else NOTHING

    @admin.display(description=_("embedded signup"))
    def way(self, exchange: GraphExchange) -> SafeString | str:
        signup = exchange.signup
        return link_to("whatsapp_embeddedsignupsession", signup.pk, signup) if signup else NOTHING

    @admin.display(description=_("request"))
    def asked(self, exchange: GraphExchange) -> SafeString | str:
        return pretty(exchange.request)

    @admin.display(description=_("response"))
    def answered(self, exchange: GraphExchange) -> SafeString | str:
        return pretty(exchange.response)
