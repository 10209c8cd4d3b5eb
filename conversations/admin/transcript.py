"""A page of a conversation as staff see it: a chat, in the order in which things were said.

Knows what stands around a message's words: who said them, what they are about, what has become of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet, TextChoices
from django.db.models.lookups import GreaterThan
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations.admin.facts import Facts
from conversations.admin.messages import in_a_line
from conversations.downloads import INLINE, signed_url
from conversations.models import Attachment, Conversation, Message, Through
from conversations.problems import Problem, problem_of
from conversations.reasons import told
from conversations.wording import transcript_text
from tenants.addresses import address_of
from tenants.pagination import behind
from whatsapp.admin.exchanges import exchanges_about

MESSAGES_PER_PAGE = 50
KEYS = ("said_at", "sequence")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What is said about another message or about the customer: a line between the bubbles.
NOTES = {"reaction", "edit", "revoke", "system"}

# How far a message has come, as WhatsApp shows it; what is on its way has three dots.
TICKS = {
    "received": "↓",
    "sent": "✓",
    "failed": "✕",
    "unknown": "?",
    **dict.fromkeys(("delivered", "read", "played"), "✓✓"),
}

WRITTEN: dict[str, Promise] = {
    "": _("Written in the WhatsApp Business app"),
    Through.ECHO: _("Written in the WhatsApp Business app"),
    Through.API: _("Written by %(name)s, through the API"),
    Through.STAFF: _("Written by %(name)s, in the back office"),
    Through.HANDOVER: _("Hands over to a person"),
}

Mark = str | Promise
Place = tuple[datetime, int]


class Quote(NamedTuple):
    """The message that another one is about: its words, and where it stands when it is on the same page."""

    author: str
    words: str
    sequence: int | None


class Media(NamedTuple):
    """What to show of an attachment: by `kind` an element of the page; nothing without a `url`."""

    kind: str
    url: str
    name: str
    size: int
    error: str


class Bubble(NamedTuple):
    """A message and what stands around it: `words` are what is read of it, `said` what stands beside its media."""

    message: Message
    classes: str
    address: str
    author: str
    words: str
    said: str
    said_as: str
    is_note: bool
    quote: Quote | None
    media: Media | None
    marks: list[Mark]
    problem: Problem | None
    day: date
    time: SafeString
    tick: str
    status: str
    detail: str
    facts: SafeString


def transcript(conversation: Conversation, request: HttpRequest) -> dict[str, Any]:
    """The newest messages, or those around the place that the query names; and where it goes on."""
    rows = conversation.messages.select_related("system_prompt", "attachment__file").defer("system_prompt__text")
    before, after = (place_of(request.GET.get(name, "")) for name in ("before", "after"))
    page, has_older, has_newer = _page(rows, before, after)
    closes = conversation.window_closes_at
    return {
        "said": _bubbles(conversation, page, request),
        "older": name_of(page[0]) if page and has_older else "",
        "newer": name_of(page[-1]) if page and has_newer else "",
        "is_back": bool(before or after),
        "paused_reason": told(conversation.paused_reason),
        "window_is_open": bool(closes and closes > timezone.now()),
    }


def name_of(message: Message) -> str:
    """Its place in the conversation, for an address: microseconds and number."""
    return f"{(message.said_at - EPOCH) // timedelta(microseconds=1)}.{message.sequence}"


def place_of(name: str) -> Place | None:
    """None for what is not the name of a place."""
    parts = re.fullmatch(r"(\d{1,16})\.(\d{1,9})", name, re.ASCII)
    return (EPOCH + timedelta(microseconds=int(parts[1])), int(parts[2])) if parts else None


def _page(rows: QuerySet[Message], before: Place | None, after: Place | None) -> tuple[list[Message], bool, bool]:
    """The messages in the order in which they were said; whether there are older ones, and newer ones."""
    if after:
        found = list(rows.filter(behind(KEYS, after, side=GreaterThan)).order_by(*KEYS)[: MESSAGES_PER_PAGE + 1])
        return found[:MESSAGES_PER_PAGE], True, len(found) > MESSAGES_PER_PAGE
    back = rows.filter(behind(KEYS, before)) if before else rows
    found = list(back.order_by("-said_at", "-sequence")[: MESSAGES_PER_PAGE + 1])
    return found[:MESSAGES_PER_PAGE][::-1], len(found) > MESSAGES_PER_PAGE, before is not None


def _bubbles(conversation: Conversation, page: Sequence[Message], request: HttpRequest) -> list[Bubble]:
    exchanges: Mapping[UUID, SafeString] = exchanges_about(message.pk for message in page)
    quotes = _quotes(conversation, page)
    authors, statuses = _labels(Message.Author), _labels(Message.Status)
    detail, facts, zone = gettext("Message %(number)s in detail"), Facts(), timezone.get_current_timezone()

    def bubble(message: Message) -> Bubble:
        words, media, at = transcript_text(message), _media(message, request), message.said_at.astimezone(zone)
        is_shown = bool(media and media.url)
        return Bubble(
            message=message,
            classes=f"{message.direction} {message.status}{' gone' if message.revoked_at else ''}",
            address=address_of("conversations_message", message.pk),
            author=authors[message.author],
            words=words,
            said=message.text if is_shown else words,
            said_as="said" if is_shown or message.type == "text" else "said told",
            is_note=message.type in NOTES,
            quote=quotes.get(message.refers_to),
            media=media,
            marks=list(_marks(conversation, message)),
            problem=problem_of(message),
            day=at.date(),
            time=_time(at),
            tick=TICKS.get(message.status, "…"),
            status=statuses[message.status],
            detail=detail % {"number": message.sequence},
            facts=facts.of(message, told(message.note), exchanges.get(message.pk)),
        )

    return [bubble(message) for message in page]


def _labels(choices: type[TextChoices]) -> dict[str, str]:
    """In the language of the page, found once for all of its messages."""
    return {value: str(label) for value, label in choices.choices}


def _time(at: datetime) -> SafeString:
    """The hour; the day stands above, and all of it in the title."""
    whole, shown = at.strftime("%Y-%m-%d %H:%M:%S %z"), at.strftime("%H:%M:%S")
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), whole, shown)


def _media(message: Message, request: HttpRequest) -> Media | None:
    attachment: Attachment | None = getattr(message, "attachment", None)
    if attachment is None or message.revoked_at:
        return None
    file = attachment.file
    mime_type = file.mime_type if file else attachment.mime_type
    return Media(
        kind=mime_type.partition("/")[0] if mime_type in INLINE else "",
        url=signed_url(attachment, request) if file else "",
        name=attachment.filename or mime_type or message.type,
        size=file.size if file else 0,
        error=attachment.error,
    )


def _quotes(conversation: Conversation, page: Sequence[Message]) -> dict[str, Quote]:
    """What this page's messages are about, by wamid: with one query for all of them."""
    wamids = {message.refers_to for message in page if message.refers_to}
    if not wamids:
        return {}
    here = {message.pk for message in page}
    others = Message.objects.filter(conversation=conversation, connection=conversation.connection_id, wamid__in=wamids)
    return {
        other.wamid or "": Quote(
            str(Message.Author(other.author).label), in_a_line(other), other.sequence if other.pk in here else None
        )
        for other in others.select_related("attachment")
    }


def _marks(conversation: Conversation, message: Message) -> Iterator[Mark]:
    """How it came to us. What else there is to know of it is in its words."""
    if message.said_at < conversation.connection.created_at:
        yield _("Imported: from before the number was connected")
    if message.author == Message.Author.BUSINESS or message.written_through:
        yield str(WRITTEN[message.written_through]) % {"name": message.written_by}
    if template := message.content.get("template"):
        yield _("Template %(name)s (%(language)s)") % template
    if message.resends_id:
        yield _("Sent once more: Meta never said what became of the first one")
