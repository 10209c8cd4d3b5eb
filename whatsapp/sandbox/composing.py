"""What a customer can send, kind by kind: the part of the webhook's item that carries it.

Knows nothing of who sends it to whom, and of how it is kept. Sources, one page for each type of message:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from whatsapp.sandbox.samples import SAMPLES, sha256

Json = dict[str, Any]
GROUP_ID = "Y2FwaV9ncm91cDoxMjAzNjMwMDAwMDAwMDAwMDE"
FILE_NAME = "Order 1042.pdf"
PAYLOAD = "CONFIRM"  # of a template's button that nobody knows
CAPTIONED = ("image", "video", "document")
UNSUPPORTED = {
    "code": 131051,
    "title": "Message type unknown",
    "message": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}
UNAVAILABLE = {
    "code": 131000,
    "title": "Something went wrong",
    "message": "Something went wrong",
    "error_data": {"details": "The interactive message could not be read."},
}
PLACE = {"latitude": 40.4154, "longitude": -3.7074, "name": "Plaza Mayor", "address": "Plaza Mayor 1, Madrid"}
CARD = {
    "name": {"formatted_name": "Nora Prats", "first_name": "Nora", "last_name": "Prats"},
    "phones": [{"phone": "+34 600 000 199", "wa_id": "34600000199", "type": "CELL"}],
    "emails": [{"email": "nora.prats@example.com", "type": "WORK"}],
    "org": {"company": "Prats & Co"},
}
ORDER = {
    "catalog_id": "701700000000001",
    "product_items": [
        {"product_retailer_id": "croissant", "quantity": 2, "item_price": 2.6, "currency": "EUR"},
        {"product_retailer_id": "flat-white", "quantity": 1, "item_price": 4.2, "currency": "EUR"},
    ],
}
AD = {
    "source_url": "https://fb.me/made-up-ad",
    "source_id": "120200000000000001",
    "source_type": "ad",
    "headline": "Breakfast until noon",
    "body": "Coffee and a croissant for 5 euros",
    "media_type": "image",
    "image_url": "https://scontent.example/breakfast.jpg",
    "ctwa_clid": "ARmadeUpClickId0001",
    "welcome_message": {"text": "Hello! What can we do for you?"},
}


@dataclass(frozen=True)
class Draft:
    """What is known before a kind is put into Meta's words; `of` is the item that this one is about, if it is there."""

    text: str
    about: str = ""
    about_from: str = ""
    payload: str = PAYLOAD
    of: Json = field(default_factory=dict)
    user_id: str = ""
    next_user_id: str = ""
    next_wa_id: str = ""

    @property
    def context(self) -> Json:
        """The message that is quoted, if any."""
        return {"context": {"from": self.about_from, "id": self.about}} if self.about else {}


def new_media_id() -> str:
    """Digits only; never an id of a number or an account."""
    return "9" + "".join(secrets.choice("0123456789") for _ in range(15))


def text(draft: Draft) -> Json:
    """The words alone."""
    return {"type": "text", "text": {"body": draft.text}}


def media(kind: str, draft: Draft) -> Json:
    """A file, known by its id; what is said beside it depends on the type."""
    sample = SAMPLES[kind]
    facts: Json = {"mime_type": sample.mime_type, "sha256": sha256(sample.content), "id": new_media_id()}
    if draft.text and kind in CAPTIONED:
        facts = {"caption": draft.text, **facts}
    extras: dict[str, Json] = {
        "audio": {"voice": False},
        "voice": {"voice": True},
        "document": {"filename": FILE_NAME},
        "sticker": {"animated": False},
    }
    return {"type": sample.type, sample.type: facts | extras.get(kind, {})}


def reply(draft: Draft) -> Json:
    """Words that quote an earlier message."""
    return {**draft.context, **text(draft)}


def _interactive(draft: Draft, kind: str, **answer: Any) -> Json:
    return {**draft.context, "type": "interactive", "interactive": {"type": kind, kind: answer}}


def flow_reply(draft: Draft) -> Json:
    """A form that was filled in: JSON within a string."""
    answers = {"flow_token": "made-up-flow-token", "day": "Saturday", "people": 2, "note": draft.text}
    return _interactive(draft, "nfm_reply", name="flow", body="Sent", response_json=json.dumps(answers))


def reaction(draft: Draft) -> Json:
    """An emoji on a message; without one, it is taken away again."""
    return {"type": "reaction", "reaction": {"message_id": draft.about} | ({"emoji": draft.text} if draft.text else {})}


def edit(draft: Draft) -> Json:
    """Other words for an earlier message, which keeps its file if it has one."""
    words = text(draft)
    kind = draft.of.get("type")
    if kind in CAPTIONED:
        words = {"type": kind, kind: draft.of[kind] | {"caption": draft.text}}
    return {"type": "edit", "edit": {"original_message_id": draft.about, "message": words}}


def revoke(draft: Draft) -> Json:
    """An earlier message is deleted for everybody."""
    return {"type": "revoke", "revoke": {"original_message_id": draft.about}}


def _system(draft: Draft, kind: str, **facts: str) -> Json:
    return {"type": "system", "system": {"body": draft.text, **facts, "type": kind}}


def _unsupported(draft: Draft) -> Json:
    return {"type": "unsupported", "errors": [UNSUPPORTED], "unsupported": {"type": "poll_creation"}}


def _file(kind: str) -> Callable[[Draft], Json]:
    return lambda draft: media(kind, draft)


KINDS: dict[str, Callable[[Draft], Json]] = {
    "text": text,
    **{kind: _file(kind) for kind in SAMPLES},
    "location": lambda draft: {"type": "location", "location": PLACE},
    "contacts": lambda draft: {"type": "contacts", "contacts": [CARD]},
    "button_reply": lambda draft: _interactive(draft, "button_reply", id="book", title=draft.text),
    "list_reply": lambda draft: _interactive(
        draft, "list_reply", id="terrace", title=draft.text, description="Outside, with a view"
    ),
    "flow_reply": flow_reply,
    "template_button": lambda draft: {
        **draft.context,
        "type": "button",
        "button": {"payload": draft.payload, "text": draft.text},
    },
    "reaction": reaction,
    "reaction_removed": reaction,
    "order": lambda draft: {"type": "order", "order": ORDER | ({"text": draft.text} if draft.text else {})},
    "reply": reply,
    "forwarded": lambda draft: {"context": {"forwarded": True}, **text(draft)},
    "ad_referral": lambda draft: {"referral": AD, **text(draft)},
    "edit": edit,
    "revoke": revoke,
    "changed_number": lambda draft: _system(draft, "user_changed_number", wa_id=draft.next_wa_id),
    "changed_user_id": lambda draft: _system(
        draft, "user_changed_user_id", user_id=draft.next_user_id, previous_user_id=draft.user_id
    ),
    "unsupported": _unsupported,
    "unknown": lambda draft: {"type": "hologram", "hologram": {"id": new_media_id(), "depth": 3}},
    "group": lambda draft: {"group_id": GROUP_ID, **text(draft)},
    "interactive_without_object": lambda draft: {"type": "interactive"},
}
# What is said when nobody says anything else; where it is not in the list, saying nothing is possible.
WORDS = {
    "text": "Hello!",
    "button_reply": "Book a table",
    "list_reply": "A table on the terrace",
    "flow_reply": "By the window, please",
    "template_button": "Confirm",
    "reaction": "👍",
    "reply": "Yes, that one",
    "forwarded": "Have you seen this?",
    "ad_referral": "I saw your ad",
    "edit": "I meant tomorrow",
    "group": "Hello everybody",
}
SYSTEM = ("changed_number", "changed_user_id")
