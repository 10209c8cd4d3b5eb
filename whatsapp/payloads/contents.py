"""What a message says: Meta's JSON of one message becomes a Content. Knows nothing of who says it to whom.

The keys of `details`, for any type, when there is something to say:

- `context`: `forwarded`, `frequently_forwarded` (true), `product` (`catalog_id`, `product_retailer_id`)
- `referral`: the ad or post it began with: `source_url`, `source_id`, `source_type`, `headline`, `body`, `media_type`,
  `image_url`, `video_url`, `thumbnail_url`, `ctwa_clid`, `welcome`; only those that Meta gives
- `errors`: a list of `code` (a number or None), `title`, `details`

and for each type:

- `text`, `image`, `video`, `document`, `media_placeholder` (in the history: the media comes later), `revoke`: none
- `sticker`: `animated` · `audio`: `voice` (recorded in the chat)
- `location`: `latitude`, `longitude` (numbers or None), `name`, `address`, `url`
- `contacts`: `contacts` (each `name`, `phones` with `phone` and `wa_id`, `emails`, `organization`), `origin`
- `interactive`: `kind` (`button_reply`, `list_reply`, `nfm_reply` …), `id`, `title`, `description`, `response` (what
  was filled in)
- `button`: `payload` · `reaction`: `emoji` (empty: taken back)
- `order`: `catalog_id`, `items` (each `product_retailer_id`, `quantity`, `price`, `currency`)
- `system`: `kind`, `wa_id`, `user_id`, `previous_user_id`
- `edit`: `type`, and the details of that type
- `unsupported`: `kind` (Meta's word for what it is), `errors`, `raw`

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from whatsapp.payloads.items import Content, MediaReference
from whatsapp.payloads.reading import JSON, decimal, identifier, load, mapping, mappings, number, text

REFERRAL = (
    "source_url",
    "source_id",
    "source_type",
    "headline",
    "body",
    "media_type",
    "image_url",
    "video_url",
    "thumbnail_url",
    "ctwa_clid",
)


def content_of(message: JSON, errors_beside: Sequence[JSON] = ()) -> Content:
    """What this message says. `errors_beside` are those of the change: Meta may send them instead of the content."""
    word = _type(message)
    read = CONTENTS.get(word)
    content = (read(message) if read else None) or _unsupported(message, word, errors_beside)
    return Content(
        type=content.type,
        text=content.text,
        details=_around(message) | content.details,
        media=content.media,
        refers_to=content.refers_to or _wamid(mapping(message.get("context")).get("id")),
    )


def errors_of(errors: Any) -> list[JSON]:
    """Meta's errors in few words: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"""
    return [
        {"code": error_code(error), "title": text(error.get("title")), "details": error_text(error)}
        for error in mappings(errors)
    ]


def error_code(error: JSON) -> int | None:
    """The code, when one is told that fits its column; 0 is a code."""
    code = number(error.get("code"))
    return int(code) if code is not None and abs(code) < 2**31 else None


def error_text(error: JSON) -> str:
    """The most that Meta says about it."""
    best = mapping(error.get("error_data")).get("details")
    told = (best, error.get("details"), error.get("message"), error.get("title"))
    return next(filter(None, map(text, told)), "")


def _type(message: JSON) -> str:
    """Meta's word; of a message without one, the type whose content it has."""
    word = text(message.get("type"))[:40]
    found = [] if word else [known for known in CONTENTS if known in message]
    return found[0] if len(found) == 1 else word


def _around(message: JSON) -> JSON:
    parts = {
        "context": _context(mapping(message.get("context"))),
        "referral": _referral(mapping(message.get("referral"))),
        "errors": errors_of(message.get("errors")),
    }
    return {key: part for key, part in parts.items() if part}


def _context(context: JSON) -> JSON:
    flags: JSON = {flag: True for flag in ("forwarded", "frequently_forwarded") if context.get(flag) is True}
    product = mapping(context.get("referred_product"))
    if product:
        flags["product"] = {key: text(product.get(key)) for key in ("catalog_id", "product_retailer_id")}
    return flags


def _referral(referral: JSON) -> JSON:
    if not referral:
        return {}
    told = {key: text(referral.get(key)) for key in REFERRAL}
    told["welcome"] = text(mapping(referral.get("welcome_message")).get("text"))
    return {key: words for key, words in told.items() if words}


def _wamid(value: Any) -> str:
    return identifier(value, 255)


def _text(message: JSON) -> Content | None:
    body = text(mapping(message.get("text")).get("body"))
    return Content("text", body) if body else None


def _media(word: str, *flags: str) -> Callable[[JSON], Content | None]:
    """Types with media; `flags` are what is to be known of it besides."""

    def read(message: JSON) -> Content | None:
        media = mapping(message.get(word))
        media_id = identifier(media.get("id"), 255)
        if not media_id:
            return None
        reference = MediaReference(
            media_id=media_id,
            mime_type=text(media.get("mime_type"))[:100],
            sha256=identifier(media.get("sha256"), 100),
            filename=text(media.get("filename"))[-255:],  # the ending tells what it is
        )
        details = {flag: media.get(flag) is True for flag in flags}
        return Content(word, text(media.get("caption")), details, reference)

    return read


def _location(message: JSON) -> Content | None:
    location = mapping(message.get("location"))
    places: JSON = {key: decimal(location.get(key)) for key in ("latitude", "longitude")}
    words = {key: text(location.get(key)) for key in ("name", "address", "url")}
    return Content("location", details=places | words) if location else None


def _contacts(message: JSON) -> Content | None:
    contacts = mappings(message.get("contacts"))
    origins = [text(each.get("origin")) for each in (message, *contacts)]
    details = {"contacts": [_contact(contact) for contact in contacts], "origin": next(filter(None, origins), "")}
    return Content("contacts", details=details) if contacts else None


def _contact(contact: JSON) -> JSON:
    return {
        "name": _contact_name(contact),
        "phones": [
            {"phone": text(phone.get("phone")), "wa_id": text(phone.get("wa_id"))}
            for phone in mappings(contact.get("phones"))
        ],
        "emails": [text(email.get("email")) for email in mappings(contact.get("emails"))],
        "organization": text(mapping(contact.get("org")).get("company")),
    }


def _contact_name(contact: JSON) -> str:
    """A contact that was asked for may have a vCard and no name. https://www.rfc-editor.org/rfc/rfc6350#section-6.2.1"""
    name = mapping(contact.get("name"))
    parts = " ".join(filter(None, (text(name.get(key)) for key in ("first_name", "last_name"))))
    lines = text(contact.get("vcard")).splitlines()
    on_vcard = next((line[3:].strip() for line in lines if line.upper().startswith("FN:")), "")
    return text(name.get("formatted_name")) or parts or on_vcard


def _interactive(message: JSON) -> Content | None:
    """A choice, a filled-in form (`nfm_reply`), or another reply that Meta may invent: it keeps what was answered."""
    interactive = mapping(message.get("interactive"))
    kind = text(interactive.get("type")) or next((key for key in interactive if key.endswith("_reply")), "")
    reply = mapping(interactive.get(kind))
    if not reply:
        return None
    choice = {key: text(reply.get(key)) for key in ("id", "title", "description")}
    response: JSON = {}
    if kind == "nfm_reply":
        response = _response(reply.get("response_json"))
    elif not choice["title"]:
        response = reply
    return Content("interactive", choice["title"], {"kind": kind[:40], **choice, "response": response})


def _response(told: Any) -> JSON:
    """What was filled in: JSON within a text, or already an object; the token is between Meta and us."""
    if isinstance(told, str):
        try:
            told = load(told)
        except ValueError:
            return {"value": told}
    if isinstance(told, dict):
        return {key: value for key, value in told.items() if key != "flow_token"}
    return {} if told is None else {"value": told}


def _button(message: JSON) -> Content | None:
    button = mapping(message.get("button"))
    return Content("button", text(button.get("text")), {"payload": text(button.get("payload"))}) if button else None


def _reaction(message: JSON) -> Content | None:
    """Taken back when there is no emoji: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/reaction"""
    reaction = mapping(message.get("reaction"))
    emoji = text(reaction.get("emoji"))
    refers_to = _wamid(reaction.get("message_id"))
    return Content("reaction", emoji, {"emoji": emoji}, refers_to=refers_to) if reaction else None


def _order(message: JSON) -> Content | None:
    order = mapping(message.get("order"))
    items = [
        {
            "product_retailer_id": text(item.get("product_retailer_id")),
            "quantity": number(item.get("quantity")),
            "price": decimal(item.get("item_price")),
            "currency": text(item.get("currency")),
        }
        for item in mappings(order.get("product_items"))
    ]
    details = {"catalog_id": text(order.get("catalog_id")), "items": items}
    return Content("order", text(order.get("text")), details) if order else None


def _system(message: JSON) -> Content | None:
    system = mapping(message.get("system"))
    details = {
        "kind": text(system.get("type"))[:40],
        "wa_id": text(system.get("wa_id")) or text(system.get("new_wa_id")),
        "user_id": text(system.get("user_id")),
        "previous_user_id": text(system.get("previous_user_id")),
    }
    return Content("system", text(system.get("body")), details) if system else None


def _edit(message: JSON) -> Content | None:
    edit = mapping(message.get("edit"))
    inner = mapping(edit.get("message"))
    if not inner:
        return None
    content = content_of(inner)
    details = {**content.details, "type": content.type}
    return replace(content, type="edit", details=details, refers_to=_wamid(edit.get("original_message_id")))


def _revoke(message: JSON) -> Content | None:
    revoke = mapping(message.get("revoke"))
    return Content("revoke", refers_to=_wamid(revoke.get("original_message_id"))) if revoke else None


def _unsupported(message: JSON, word: str, errors_beside: Sequence[JSON]) -> Content:
    """What Meta cannot show us, what we do not know, and what has lost its content."""
    kind = text(mapping(message.get("unsupported")).get("type"))[:40] or word
    errors = errors_of(message.get("errors") or list(errors_beside))
    return Content("unsupported", details={"kind": kind, "errors": errors, "raw": message})


CONTENTS: dict[str, Callable[[JSON], Content | None]] = {
    "text": _text,
    "image": _media("image"),
    "video": _media("video"),
    "document": _media("document"),
    "sticker": _media("sticker", "animated"),
    "audio": _media("audio", "voice"),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    "media_placeholder": lambda _message: Content("media_placeholder"),
}
