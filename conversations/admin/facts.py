"""What the details under a message of the chat say: each fact that there is, with its name.

Knows a message's fields; nothing of how the chat looks. Made here and not by the template, which takes four times as
long for the hundreds of them that a page has.
"""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversations.models import Message
from tenants.admin import link_to

NAMES = {
    "error": _("Error"),
    "code": _("Meta's code %(code)s"),
    "tries": _("Tries"),
    "type": _("Type"),
    "event": _("Came in"),
    "event_link": _("Webhook event"),
    "exchanges": _("Calls to Meta"),
    "sent_at": _("Sent at (Meta's clock)"),
    "created_at": _("Stored at"),
    "status_at": _("Status since"),
    "edited_at": _("Edited at"),
    "revoked_at": _("Deleted at"),
    "pricing": _("Pricing"),
    "prompt": _("System prompt"),
    "model": _("Model"),
    "request": _("Request id"),
    "tokens": _("Tokens"),
    "token_counts": _("%(heard)s in, %(said)s out"),
    "note": _("Note"),
}
TIMES = ("sent_at", "created_at", "status_at", "edited_at", "revoked_at")

Fact = tuple[str, object]


class Facts:
    """The facts of one page's messages, in its language and zone, both of which are asked for once."""

    def __init__(self) -> None:
        self._names = {key: str(name) for key, name in NAMES.items()}
        self._zone = timezone.get_current_timezone()

    def of(self, message: Message, note: str, exchanges: SafeString | None) -> SafeString:
        """As a part of a list of definitions."""
        facts = (*self._around(message, exchanges), *self._times(message), *self._making(message, note))
        return self._error(message) + format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", facts)

    def _error(self, message: Message) -> SafeString:
        """In Meta's words, so written in whichever direction they are."""
        if not message.error and message.error_code is None:
            return SafeString()
        told = self._names["code"] % {"code": message.error_code}
        code = format_html("<strong>{}</strong> ", told) if message.error_code is not None else ""
        return format_html('<div><dt>{}</dt><dd dir="auto">{}{}</dd></div>', self._names["error"], code, message.error)

    def _around(self, message: Message, exchanges: SafeString | None) -> Iterator[Fact]:
        if message.tries > 1:
            yield self._names["tries"], message.tries
        if message.type != "text":
            yield self._names["type"], message.type
        if message.event_id:
            event = link_to("conversations_webhookevent", message.event_id, self._names["event_link"])
            yield self._names["event"], event
        if exchanges:
            yield self._names["exchanges"], exchanges

    def _times(self, message: Message) -> Iterator[Fact]:
        for field in TIMES:
            at: datetime | None = getattr(message, field)
            if at:
                yield self._names[field], at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def _making(self, message: Message, note: str) -> Iterator[Fact]:
        """How it was made, and what Meta takes for it and calls it."""
        names = self._names
        if message.pricing:
            yield names["pricing"], " · ".join(str(message.pricing.get(name, "")) for name in ("category", "type"))
        if prompt := message.system_prompt:
            yield names["prompt"], link_to("agent_systemprompt", prompt.pk, f"v{prompt.version}")
        if message.llm_model:
            yield names["model"], message.llm_model
        if message.llm_request_id:
            yield names["request"], format_html("<code>{}</code>", message.llm_request_id)
        if message.input_tokens is not None:
            told = names["token_counts"] % {"heard": message.input_tokens, "said": message.output_tokens}
            yield names["tokens"], told
        if note:
            yield names["note"], note
        if message.wamid:
            yield "wamid", format_html("<code>{}</code>", message.wamid)
