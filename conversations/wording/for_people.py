"""How a message reads in a transcript, in the reader's language: for staff and for the tenant's API."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from conversations.models import Attachment, Message
from conversations.wording.parts import answers, attachment_of, contact, line, ordered, place, total


def transcript_text(message: Message) -> str:
    """One line or a few."""
    if message.revoked_at:
        return _("deleted this message")
    lines = [*_around(message), _read(message.type, message)]
    if message.edited_at:
        lines.append(_("(edited later)"))
    return "\n".join(filter(None, lines))


def _read(type_: str, message: Message) -> str:
    return READERS.get(type_, _unsupported)(message)


def _around(message: Message) -> list[str]:
    """What stands beside the message: where it comes from and what it is about."""
    context, referral = message.content.get("context", {}), message.content.get("referral", {})
    lines = []
    if context.get("frequently_forwarded"):
        lines.append(_("↪ Forwarded many times"))
    elif context.get("forwarded"):
        lines.append(_("↪ Forwarded"))
    if product := context.get("product"):
        lines.append(_("About the product %(product)s") % {"product": line(product.get("product_retailer_id"))})
    if referral:
        shown = (referral.get("headline"), referral.get("body"), referral.get("source_url"))
        lines.append(_("After an ad or a post: %(ad)s") % {"ad": " · ".join(line(words) for words in shown if words)})
    return lines


def _text(message: Message) -> str:
    return message.text


def _media(label: Callable[[Message, Attachment | None], str]) -> Callable[[Message], str]:
    """Media by its label, with what became of it, and the words that came with it."""

    def read(message: Message) -> str:
        attachment = attachment_of(message)
        first = label(message, attachment)
        if attachment and attachment.status != Attachment.Status.STORED:
            first = f"{first} ({attachment.get_status_display()})"
        transcript = attachment.transcript if attachment else ""
        return "\n".join(filter(None, (first, message.text, transcript)))

    return read


def _audio_label(message: Message, attachment: Attachment | None) -> str:
    return _("🎤 Voice message") if message.content.get("voice") else _("🎵 Audio")


def _document_label(message: Message, attachment: Attachment | None) -> str:
    name = line(attachment.filename) if attachment else ""
    return _("📄 Document: %(name)s") % {"name": name} if name else _("📄 Document")


def _location(message: Message) -> str:
    return _("📍 Location: %(place)s") % {"place": place(message.content) or _("unknown")}


def _contacts(message: Message) -> str:
    cards = [contact(card) for card in message.content.get("contacts", ())]
    return "\n".join(_("👤 Contact: %(contact)s") % {"contact": card} for card in cards)


def _interactive(message: Message) -> str:
    content = message.content
    match content.get("kind"):
        case "nfm_reply":
            return "\n".join([_("📋 Form filled in:"), *answers(content.get("response", {}))])
        case "call_permission_reply" if content.get("response", {}).get("response") == "accept":
            return _("allowed calls")
        case "call_permission_reply":
            return _("does not want calls")
        case _ if message.text:
            chosen = " · ".join(line(words) for words in (message.text, content.get("description")) if words)
            return _("chose: %(choice)s") % {"choice": chosen}
    return "\n".join([_("answered:"), *answers(content.get("response", {}))])


def _button(message: Message) -> str:
    return _("chose: %(choice)s") % {"choice": line(message.text or message.content.get("payload"))}


def _reaction(message: Message) -> str:
    if not message.text:
        return _("took back the reaction")
    return _("reacted with %(emoji)s") % {"emoji": line(message.text)}


def _order(message: Message) -> str:
    items = message.content.get("items", [])
    sum_ = total(items)
    closing = [_("Total: %(total)s") % {"total": sum_}] if sum_ else []
    return "\n".join(filter(None, [_("🛒 Order:"), *ordered(items), *closing, message.text]))


def _system(message: Message) -> str:
    match message.content.get("kind"):
        case "user_changed_number":
            return _("has a new phone number: %(number)s") % {"number": line(message.content.get("wa_id"))}
        case "user_changed_user_id":
            return _("has a new WhatsApp identity")
    return line(message.text) or _("WhatsApp has news of this customer")


def _edit(message: Message) -> str:
    inner = message.content.get("type", "text")
    return _("edited: %(text)s") % {"text": message.text if inner == "edit" else _read(inner, message)}


def _revoke(message: Message) -> str:
    return _("deleted a message")


def _placeholder(message: Message) -> str:
    return _("Media that WhatsApp has not sent yet")


def _unsupported(message: Message) -> str:
    """Also for a type that nobody knows yet; its words, if it has any, are shown."""
    kind = line(message.content.get("kind") or message.type)
    unknown = _("Something that cannot be shown here (%(kind)s)") % {"kind": kind}
    return message.text or unknown


def _template(message: Message) -> str:
    """As the customer reads it. One from elsewhere may come without its words."""
    return message.text or _unsupported(message)


READERS: dict[str, Callable[[Message], str]] = {
    "text": _text,
    "template": _template,
    "image": _media(lambda _message, _attachment: _("📷 Image")),
    "video": _media(lambda _message, _attachment: _("🎬 Video")),
    "sticker": _media(lambda _message, _attachment: _("Sticker")),
    "audio": _media(_audio_label),
    "document": _media(_document_label),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    "media_placeholder": _placeholder,
}
