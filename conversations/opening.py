"""A person opens a conversation with a template, which WhatsApp takes whether the service window is open or not.

Knows which templates a number may send; how one is filled in is told in `whatsapp.templates`. It is no talk: the
agent is not silenced, and what the customer has said waits as before. The caller's transaction holds the lock.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext

from conversations.models import Conversation, Message, Writer
from conversations.takeover import CannotWrite, draft, unable_to_send
from tenants.models import TenantOwnedQuerySet
from whatsapp.models import MessageTemplate
from whatsapp.problems import Problem
from whatsapp.refusals import OTHER_TEMPLATE
from whatsapp.templates import fill, strange_parts

VALUES = ("header", "body", "buttons")


def templates_of(conversation: Conversation) -> TenantOwnedQuerySet[MessageTemplate]:
    """The templates of the account of this conversation's number, approved or not."""
    rows = MessageTemplate.objects.filter(tenant=conversation.tenant_id)
    return rows.filter(business_account_id=conversation.connection.business_account_id)


def open_with(conversation: Conversation, asked: Mapping[str, Any], writer: Writer, **fields: Any) -> Message:
    """The template is on its way; `asked` is its `name` and `language` and the values for it.

    Raises CannotWrite when it cannot be sent, and whatsapp.templates.Unfitting when the values do not fit.
    """
    if problem := unable_to_send(conversation):
        raise CannotWrite(problem)
    template = _chosen(conversation, asked)
    filled = fill(template.components, is_named=template.is_named, values=asked)
    content = {"template": _kept(asked) | {"components": filled.components}}
    return draft(conversation, writer, type=Message.TEMPLATE, text=filled.words, content=content, **fields)


def _kept(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {key: asked[key] for key in ("name", "language", *VALUES) if key in asked}


def unsendable(template: MessageTemplate) -> Problem | None:
    """Why this template cannot be sent, and what to do; None when it can."""
    if not template.is_approved:
        what = gettext("Meta has not approved the template %(template)s: its status is %(status)s.")
        told = what % {"template": template, "status": template.status}
        return Problem("template_not_approved", told, str(OTHER_TEMPLATE))
    if strange := strange_parts(template.components):
        what = gettext("The template %(template)s has parts that cannot be filled in here: %(parts)s.")
        told = what % {"template": template, "parts": ", ".join(strange)}
        return Problem("template_not_supported", told, gettext("Choose another template."))
    return None


def _chosen(conversation: Conversation, asked: Mapping[str, Any]) -> MessageTemplate:
    template = templates_of(conversation).filter(name=asked["name"], language=asked["language"]).first()
    if template is None:
        told = gettext("This number has no template %(name)s in the language %(language)s.") % asked
        raise CannotWrite(Problem("template_unknown", told, _instead(conversation, asked)))
    if problem := unsendable(template):
        raise CannotWrite(problem)
    return template


def _instead(conversation: Conversation, asked: Mapping[str, Any]) -> str:
    """What was most likely meant: the same in another language, or another name."""
    known = templates_of(conversation)
    if languages := sorted(known.filter(name=asked["name"]).values_list("language", flat=True)):
        return gettext("It exists in: %(languages)s.") % {"languages": ", ".join(languages)}
    names = known.order_by("name").values_list("name", flat=True).distinct()
    if close := get_close_matches(asked["name"], names):
        return gettext("Is one of these meant? %(names)s") % {"names": ", ".join(close)}
    return gettext("Look at the list of templates; if it is new, have them read at Meta again.")
