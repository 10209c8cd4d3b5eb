"""The staff's pages for what Meta posted, and the way to have it processed again: tried first, then for real.

Knows how events look; what processing again means is in `replay`.
"""

import json
from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from conversations import replay
from conversations.models import WebhookEvent
from tenants.admin import NOTHING, badge, link_to, moment, moment_of
from tenants.endless import EndlessAdmin

# The words that an item ends with. What is skipped, and Meta's own words about accounts, stay as they are.
OUTCOMES: dict[str, str | Promise] = {
    "message": _("message"),
    "message, too old to answer": _("message, too old to answer"),
    "duplicate message": _("duplicate message"),
    "echo": _("written in the WhatsApp Business app"),
    "imported message": _("imported message"),
    "imported media": _("imported media"),
    "status": _("status"),
    "late status": _("late status"),
    "status of a message that we do not know": _("status of a message that we do not know"),
    "test status": _("status of the test message"),
    "late test status": _("late status of the test message"),
    "changed identity": _("changed identity"),
    "changed identity of nobody we know": _("changed identity of nobody we know"),
    "contact": _("contact"),
    "old contact": _("old contact"),
    "removed contact of nobody we know": _("removed contact of nobody we know"),
    "old marketing wish": _("old marketing wish"),
    "repeated account update": _("repeated account update"),
    "account update of another app": _("account update of another app"),
    "ignored: the account is not connected": _("ignored: the account is not connected"),
    "ignored: the number is not connected": _("ignored: the number is not connected"),
    "ignored: the tenant has disconnected the number": _("ignored: the tenant has disconnected the number"),
    "failed": _("failed"),
}


class EventStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("error", _("With errors")), ("unprocessed", _("Unprocessed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "error":
            return queryset.exclude(error="")
        return queryset.filter(processed_at=None) if self.value() else queryset


def in_words(outcome: dict[str, int]) -> SafeString | str:
    counts = [(count, OUTCOMES.get(word, word)) for word, count in sorted(outcome.items())]
    return format_html_join(", ", "{} × {}", counts) or NOTHING


@admin.register(WebhookEvent)
class WebhookEventAdmin(EndlessAdmin):
    list_display = ["received", "processed", "what", "error"]
    list_filter = [EventStateFilter]
    ordering = ["-received_at", "-id"]
    fields = ["received", "processed", "what", "error", "provider_event_id", "json"]
    actions = ("process_again",)
    change_form_template = "admin/conversations/webhookevent/change_form.html"
    received = moment_of("received_at", _("received at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        return WebhookEvent.objects.defer("body")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No event is ever changed. To have them processed again is what this permission allows."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["may_process"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("processed at"))
    def processed(self, event: WebhookEvent) -> SafeString | str:
        return moment(event.processed_at) if event.processed_at else badge("warn", _("Unprocessed"))

    @admin.display(description=_("outcome"))
    def what(self, event: WebhookEvent) -> SafeString | str:
        return in_words(event.outcome)

    @admin.display(description=_("body"))
    def json(self, event: WebhookEvent) -> SafeString | str:
        if not event.body:
            return gettext("Erased")
        try:
            text = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = event.body
        return format_html('<pre class="raw" tabindex="0">{}</pre>', text)

    @admin.action(description=_("Process again…"), permissions=["change"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse | None:
        """A rehearsal, and what came of it; then, when confirmed, the same for real."""
        chosen = queryset.order_by("received_at", "id").values_list("pk", flat=True)
        pks = list(chosen[: replay.MOST_AT_ONCE + 1])
        if len(pks) > replay.MOST_AT_ONCE:
            refusal = gettext("At most %(count)d events can be processed at once. Nothing has been done.")
            self.message_user(request, refusal % {"count": replay.MOST_AT_ONCE}, messages.ERROR)
        elif "confirmed" in request.POST:
            self._process_again(request, pks)
        else:
            rehearsed = replay.rehearse(pks)
            if any(not row.is_erased for row in rehearsed):
                return self._ask(request, rehearsed)
            self.message_user(request, gettext("Of these events there is no body any more."), messages.WARNING)
        return self._back(pks)

    def _ask(self, request: HttpRequest, rehearsed: list[replay.Replay]) -> HttpResponse:
        rows = [
            {
                "pk": row.pk,
                "event": link_to("conversations_webhookevent", row.pk, moment(row.received_at)),
                "tenants": ", ".join(row.tenants) or NOTHING,
                "before": in_words(row.before),
                "outcome": _told(row),
                "error": row.error,
            }
            for row in rehearsed
        ]
        title = ngettext("Process this event again?", "Process these %(count)d events again?", len(rows))
        return self.confirm(
            request,
            "admin/conversations/webhookevent/process_again.html",
            rows,
            title=title % {"count": len(rows)},
            total=_total(rehearsed),
            alone=rows[0]["pk"] if len(rows) == 1 else None,
        )

    def _process_again(self, request: HttpRequest, pks: list[UUID]) -> None:
        replays = [row for row in replay.process_again(pks) if row.is_done]
        events = WebhookEvent.objects.defer("body").in_bulk([row.pk for row in replays])
        for row in replays:
            told = gettext("Processed again: %(outcome)s") % {"outcome": in_words(row.outcome)}
            self.log_change(request, events[row.pk], told)
        done = ngettext(
            "%(count)d event is processed again: %(outcome)s",
            "%(count)d events are processed again: %(outcome)s",
            len(replays),
        )
        told = done % {"count": len(replays), "outcome": _total(replays)}
        troubled = len(replays) < len(pks) or any(row.error for row in replays)
        self.message_user(request, told, messages.WARNING if troubled else messages.SUCCESS)

    @staticmethod
    def _back(pks: list[UUID]) -> HttpResponse | None:
        """Who looked at one event looks at it again."""
        return redirect("admin:conversations_webhookevent_change", pks[0]) if len(pks) == 1 else None


def _told(row: replay.Replay) -> SafeString | str:
    if row.is_erased:
        return badge("quiet", _("Erased: cannot be processed"))
    return in_words(row.outcome) if row.is_done else badge("warn", _("Not possible now"))


def _total(replays: list[replay.Replay]) -> SafeString | str:
    """What became of all of them together."""
    counts: Counter[str] = Counter()
    for row in replays:
        counts.update(row.outcome if row.is_done else {})
    return in_words(counts)
