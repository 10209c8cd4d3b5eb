"""The staff's pages for what Meta says of accounts: all of it, newest first, and in words what stays true of a number.

Knows what was kept and Meta's words in it; what was done about it is told in `accounts`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.admin import TenantFilter, badge, link_to, moment, moment_of
from tenants.endless import EndlessAdmin
from whatsapp.admin import secrets
from whatsapp.admin.exchanges import pretty
from whatsapp.models import AccountNotice, WhatsappConnection

SUBJECTS = {
    "account_update": _("Account"),
    "account_offboarded": _("Taken off the platform"),
    "account_reconnected": _("Back on the platform"),
    "account_review_update": _("Review of the account"),
    "account_alerts": _("Alert"),
    "business_capability_update": _("Limits of the business"),
    "phone_number_quality_update": _("Quality and limit"),
    "phone_number_name_update": _("Name"),
    "security": _("PIN"),
    "message_template_status_update": _("Status of a template"),
    "message_template_quality_update": _("Quality of a template"),
    "message_template_components_update": _("Text of a template"),
    "template_category_update": _("Category of a template"),
}
GROUPS = {
    "account": (
        _("Account"),
        ("account_update", "account_offboarded", "account_reconnected", "account_review_update"),
    ),
    "alerts": (_("Alerts"), ("account_alerts",)),
    "limits": (_("Quality and limits"), ("phone_number_quality_update", "business_capability_update")),
    "name": (_("Name"), ("phone_number_name_update",)),
    "security": (_("PIN"), ("security",)),
    "templates": (_("Templates"), tuple(field for field in SUBJECTS if "template" in field)),
}
GOOD_NEWS = {"APPROVED", "UNFLAGGED", "UPGRADE", "ACCOUNT_RECONNECTED", "OBA_APPROVED"}
DECISIONS = {
    "APPROVED": ("good", _("Approved")),
    "REJECTED": ("bad", _("Declined")),
    "DECLINED": ("bad", _("Declined")),
    "DEFERRED": ("warn", _("Put off")),
    "PENDING": ("quiet", _("Not decided yet")),
}
QUALITIES = {"FLAGGED": ("bad", _("Has become low")), "UNFLAGGED": ("good", _("Is low no more"))}
TIERS = {"50": 50, "250": 250, "1K": 1000, "2K": 2000, "10K": 10_000, "100K": 100_000}


def notices() -> QuerySet[AccountNotice]:
    """Newest first, without the bodies, and each with whether it needs somebody."""
    rows = AccountNotice.objects.annotate(needs_somebody=AccountNotice.needing_somebody())
    return rows.order_by("-happened_at", "-id").defer("value")


def subject(notice: AccountNotice) -> str:
    return str(SUBJECTS.get(notice.field, notice.field))


def tone(notice: Any) -> str:
    if notice.needs_somebody:
        return "bad"
    return "good" if notice.event in GOOD_NEWS or notice.detail.startswith("REINSTATE") else "quiet"


def told(notice: AccountNotice) -> SafeString:
    """What it is about, and Meta's word for what has happened; some fields have none."""
    word = "" if notice.event == notice.field else badge(f"{tone(notice)} word", notice.event.replace("_", " "))
    return format_html("{} {}", subject(notice), word)


def table_row(notice: AccountNotice) -> dict[str, Any]:
    """What the table of notices shows of one."""
    return {"row": notice, "told": told(notice)}


# ── What stays true ──────────────────────────────────────────────────────────────────────────────────────────────────


class Fact(NamedTuple):
    """Something that is so until Meta says otherwise."""

    title: Any
    text: SafeString | str
    at: SafeString | str


def told_facts(connection: WhatsappConnection) -> Iterator[Fact]:
    """What Meta last said of this number and its account, in words."""
    for name, (title, tell) in FACTS.items():
        if fact := connection.account_facts.get(name):
            yield Fact(title, tell(fact), moment(datetime.fromisoformat(fact["at"])))


def _limit(fact: Any) -> str:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messaging-limits."""
    size = str(fact["tier"]).removeprefix("TIER_")
    if size == "UNLIMITED":
        return gettext("Any number of customers")
    if size not in TIERS:
        return str(fact["tier"])
    return gettext("%(count)s customers in 24 hours") % {"count": number_format(TIERS[size], force_grouping=True)}


def _quality(fact: Any) -> SafeString:
    return badge(*QUALITIES[fact["word"]])


def _decision(fact: Any) -> SafeString:
    return badge(*DECISIONS.get(fact["decision"], ("quiet", fact["decision"])))


def _name(fact: Any) -> SafeString:
    reason = "" if fact["reason"] in ("", "NONE") else fact["reason"]
    return format_html('{} {}<span class="detail">{}</span>', fact["requested"], _decision(fact), reason)


def _capability(fact: Any) -> str:
    return number_format(fact["phone_numbers"], force_grouping=True)


FACTS = {
    "limit": (_("May write first to"), _limit),
    "quality": (_("Quality"), _quality),
    "name": (_("Name that was asked for"), _name),
    "review": (_("Review of the account"), _decision),
    "capability": (_("Numbers that the business may have"), _capability),
}


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class NeedFilter(admin.SimpleListFilter):
    title = _("need")
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("somebody", _("Needs somebody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(AccountNotice.needing_somebody()) if self.value() else queryset


class SubjectFilter(admin.SimpleListFilter):
    title = _("subject")
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(group, title) for group, (title, _fields) in GROUPS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _title, fields = GROUPS.get(self.value() or "", ("", ()))
        return queryset.filter(field__in=fields) if fields else queryset


@admin.register(AccountNotice)
class AccountNoticeAdmin(EndlessAdmin):
    list_display = ["time", "news", "tenant", "number", "detail"]
    list_filter = [NeedFilter, SubjectFilter, TenantFilter]
    ordering = ["-happened_at", "-id"]
    fields = ["time", "tenant", "number", "news", "detail", "heard", "said"]
    time = moment_of("happened_at", _("time"))
    heard = moment_of("created_at", _("heard at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountNotice]:
        hidden = secrets.within("connection", secrets.OF_CONNECTION)
        return notices().select_related("tenant", "connection").defer("value", *hidden)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """A connection's page leads to all of its notices."""
        return lookup == "connection" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description=_("connection"))
    def number(self, notice: AccountNotice) -> SafeString:
        return link_to("whatsapp_whatsappconnection", notice.connection_id, notice.connection)

    @admin.display(description=_("notice"))
    def news(self, notice: AccountNotice) -> SafeString:
        return told(notice)

    @admin.display(description=_("what Meta said"))
    def said(self, notice: AccountNotice) -> SafeString | str:
        return pretty(notice.value)
