"""The staff site: Django's own admin, with our name and our look, and what needs somebody's eyes on its first page.

Knows which numbers matter across the apps; what else stands in it is each app's own `admin.py`.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from conversations.models import Attachment, Conversation, Message, WebhookEvent
from whatsapp.models import AccountNotice, EmbeddedSignupSession, WhatsappConnection

LATELY = timedelta(hours=24)
THIS_WEEK = timedelta(days=7)
# Nobody reads more than this off a card, and the database stops counting there too.
MOST = 999


def waiting_conversations() -> QuerySet[Conversation]:
    return Conversation.objects.filter(answer_due_at__isnull=False)


def conversations_for_a_person() -> QuerySet[Conversation]:
    return Conversation.objects.filter(person_due_at__isnull=False)


def troubled_messages() -> QuerySet[Message]:
    troubled = [Message.Status.UNKNOWN, Message.Status.FAILED]
    return Message.objects.filter(status__in=troubled, created_at__gt=timezone.now() - LATELY)


def events_with_errors() -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(~Q(error=""), received_at__gt=timezone.now() - LATELY)


def unprocessed_events() -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(processed_at=None)


def missing_media() -> QuerySet[Attachment]:
    missing = [Attachment.Status.REFUSED, Attachment.Status.GONE]
    return Attachment.objects.filter(status__in=missing, created_at__gt=timezone.now() - LATELY)


def lost_connections() -> QuerySet[WhatsappConnection]:
    lost = [WhatsappConnection.Status.RECONNECT, WhatsappConnection.Status.RESTRICTED]
    return WhatsappConnection.objects.filter(status__in=lost)


def unfinished_signups() -> QuerySet[EmbeddedSignupSession]:
    recent = EmbeddedSignupSession.objects.filter(created_at__gt=timezone.now() - THIS_WEEK)
    return recent.filter(EmbeddedSignupSession.unfinished())


def needy_notices() -> QuerySet[AccountNotice]:
    recent = AccountNotice.objects.filter(happened_at__gt=timezone.now() - THIS_WEEK)
    return recent.filter(AccountNotice.needing_somebody())


class Card(NamedTuple):
    """One thing that may need somebody: its rows, where they are listed, and what to say when there are none."""

    title: str | Promise
    nothing: str | Promise
    rows: Callable[[], QuerySet[Any]]
    narrowed: str
    tone: str = "bad"


CARDS = [
    Card(_("Waiting for an answer"), _("Nobody waits"), waiting_conversations, "answer=due", "warn"),
    Card(_("Waiting for a person"), _("Nobody asks for a person"), conversations_for_a_person, "answer=person"),
    Card(_("Failed or unknown in 24 hours"), _("All messages arrive"), troubled_messages, "status=troubled"),
    Card(_("Events with errors in 24 hours"), _("No errors"), events_with_errors, "state=error"),
    Card(_("Unprocessed events"), _("Nothing waits"), unprocessed_events, "state=unprocessed", "warn"),
    Card(_("Media that could not be fetched in 24 hours"), _("All media are here"), missing_media, "status=missing"),
    Card(_("Numbers without access"), _("All have access"), lost_connections, "status=troubled"),
    Card(_("Notices of Meta in 7 days"), _("None that needs somebody"), needy_notices, "needs=somebody", "warn"),
    Card(
        _("Unfinished signups in 7 days"), _("All came to their end"), unfinished_signups, "ending=unfinished", "warn"
    ),
]


def _sidebar_of(request: HttpRequest) -> list[str]:
    """All that the sidebar depends on but the language: what this person may, and which of its links is here."""
    user, here = request.user, request.resolver_match
    may = ["all"] if user.is_active and user.is_superuser else sorted(user.get_all_permissions())
    return [*may, here.view_name, here.kwargs.get("app_label", "")] if here else may


class Backoffice(AdminSite):
    site_title = _("WhatsApp agents")
    site_header = _("WhatsApp agents")
    index_title = _("Back office")
    site_url = None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "sidebar": _sidebar_of(request)}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Made when it is looked at: on most pages it is in the sidebar alone, which is remembered."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"cards": list(self._cards(request)), **(extra_context or {})})

    def _cards(self, request: HttpRequest) -> Iterator[dict[str, Any]]:
        """The cards about what this person may see."""
        for card in CARDS:
            rows = card.rows()
            if self.get_model_admin(rows.model).has_view_permission(request):
                count = rows[: MOST + 1].count()
                url = reverse(f"admin:{rows.model._meta.label_lower.replace('.', '_')}_changelist")
                yield {
                    "title": card.title,
                    "count": f"{MOST}+" if count > MOST else count,
                    "nothing": "" if count else card.nothing,
                    "tone": card.tone if count else "good",
                    "url": f"{url}?{card.narrowed}",
                }
