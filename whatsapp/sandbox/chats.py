"""Who says what to whom: a kind and a few wishes become a message, and the message a fact.

Knows nothing of delivery, and of Meta's words only where they are found.
"""

from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from typing import Any

from whatsapp.sandbox.businesses import Business, business_with_number
from whatsapp.sandbox.composing import CAPTIONED, KINDS, PAYLOAD, SYSTEM, UNAVAILABLE, WORDS, Draft
from whatsapp.sandbox.envelopes import about_number
from whatsapp.sandbox.memory import ECHOES, Memory, Message
from whatsapp.sandbox.people import Person
from whatsapp.sandbox.sending import new_wamid

Json = dict[str, Any]
# These change what is there, and say nothing themselves.
EVENTS = ("reaction", "reaction_removed", "edit", "revoke", *SYSTEM)
EDITABLE = ("text", "reply", "forwarded", "ad_referral", *CAPTIONED)
ABOUT = ("reply", "reaction", "button_reply", "list_reply", "flow_reply", "template_button")
APP_KINDS = ("text", "image", "edit", "revoke")
Fits = Callable[[Message], bool]


def person(memory: Memory, business: Business, wa_id: str, name: str = "", identity: str = "both") -> Person:
    """A customer, as the business sees them now."""
    return Person(wa_id, memory.user_id(business, wa_id), name or memory.customers.get(wa_id, f"+{wa_id}"), identity)


def customer(
    memory: Memory,
    phone_number_id: str,
    wa_id: str,
    name: str,
    kind: str,
    *,
    text: str = "",
    about: str = "",
    wamid: str | None = None,
    at: float | None = None,
    identity: str = "both",
) -> Message:
    """What a customer sends, not kept yet. What it is `about` is the last message that fits, unless it is said."""
    if kind not in KINDS:
        raise ValueError(f"A customer sends one of {', '.join(KINDS)}")
    business = business_with_number(phone_number_id)
    sender = person(memory, business, wa_id, name, identity)
    draft = _draft(memory, business, sender, kind, text, about or _found(memory, business, wa_id, kind))
    message = _message(business, wa_id, kind, draft, wamid, memory.clock() if at is None else at)
    item = sender.ids("from", "from_user_id") | _item(message, draft)
    cards = {} if kind in SYSTEM else {"contacts": [sender.card]}
    message.value = cards | {"messages": [item]}
    if kind == "interactive_without_object":
        message.value["errors"] = [UNAVAILABLE]
    return message


def echo(
    memory: Memory,
    phone_number_id: str,
    wa_id: str,
    text: str,
    kind: str = "text",
    *,
    about: str = "",
    wamid: str | None = None,
    at: float | None = None,
    identity: str = "both",
) -> Message:
    """What somebody writes to a customer in the WhatsApp Business app, not kept yet.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes
    """
    if kind not in APP_KINDS:
        raise ValueError(f"The WhatsApp Business app sends one of {', '.join(APP_KINDS)}")
    business = business_with_number(phone_number_id)
    receiver = person(memory, business, wa_id, identity=identity)
    draft = _draft(memory, business, receiver, kind, text, about or _found(memory, business, wa_id, f"app_{kind}"))
    message = _message(business, wa_id, kind, draft, wamid, memory.clock() if at is None else at)
    message.from_customer, message.webhook = False, ECHOES
    item = {"from": business.digits, **receiver.ids("to", "to_user_id"), **_item(message, draft)}
    message.value = {"contacts": [receiver.card], "message_echoes": [item]}
    return message


def keep(memory: Memory, message: Message, name: str = "") -> None:
    """From now on it is on the phone, and what it says of the customer is true."""
    if name and memory.customers.get(message.wa_id) != name:
        memory.record("customer", wa_id=message.wa_id, name=name)
    said = {"edited", "deleted", "reaction", "number"}  # what later messages say of this one
    memory.record("message", **{key: fact for key, fact in asdict(message).items() if key not in said})
    if message.kind == "changed_number":
        wa_id = message.value["messages"][0]["system"]["wa_id"]
        memory.record("customer", wa_id=wa_id, name=memory.customers[message.wa_id])
    if message.kind == "changed_user_id":
        client_business_id = business_with_number(message.phone_number_id).client_business_id
        memory.record("user_id_changed", business=client_business_id, wa_id=message.wa_id)


def body_of(memory: Memory, message: Message) -> bytes:
    """The webhook that tells of it. A journal of former times has only the words of a message."""
    business, value = business_with_number(message.phone_number_id), message.value
    if not value:
        said = customer(
            memory,
            message.phone_number_id,
            message.wa_id,
            "",
            "text",
            text=message.body,
            wamid=message.wamid,
            at=message.at,
        )
        value = said.value
    return about_number(business, value, message.webhook or "messages")


def _draft(memory: Memory, business: Business, sender: Person, kind: str, text: str, about: str) -> Draft:
    subject = memory.messages.get(about)
    next_wa_id = _free_number(memory, sender.wa_id)
    words = {
        "changed_number": f"{sender.name} changed from {sender.wa_id} to {next_wa_id}",
        "changed_user_id": f"{sender.name} changed to a new business-scoped user id",
    }
    said = "" if kind == "reaction_removed" else text or words.get(kind) or WORDS.get(kind, "")
    return Draft(
        text=said,
        payload=_payload(subject, said),
        about=about,
        about_from=sender.wa_id if subject and subject.from_customer else business.digits,
        of=subject.item if subject else {},
        user_id=sender.user_id,
        next_user_id=memory.user_id(business, sender.wa_id, after=1),
        next_wa_id=next_wa_id,
    )


def _payload(subject: Message | None, said: str) -> str:
    """What the template's button of this text gives back; a word of its own when there is no such button."""
    buttons = subject.template.get("buttons", []) if subject else []
    payloads = {button["text"]: button["payload"] for button in buttons if button["type"] == "QUICK_REPLY"}
    return str(payloads.get(said, PAYLOAD))


def _message(business: Business, wa_id: str, kind: str, draft: Draft, wamid: str | None, at: float) -> Message:
    return Message(
        wamid=wamid or new_wamid(),
        phone_number_id=business.phone_number_id,
        wa_id=wa_id,
        from_customer=True,
        body=draft.text,
        at=at,
        status="accepted",
        kind=kind,
        about=draft.about,
        webhook="messages",
    )


def _item(message: Message, draft: Draft) -> Json:
    return {"id": message.wamid, "timestamp": str(int(message.at)), **KINDS[message.kind](draft)}


def _found(memory: Memory, business: Business, wa_id: str, kind: str) -> str:
    """The last message that this kind can be about; a made-up one when it must be about something."""
    chat = [message for message in memory.chat(business.phone_number_id, wa_id) if message.kind not in EVENTS]
    fits: dict[str, Fits] = {
        "edit": lambda message: message.from_customer and message.kind in EDITABLE and not message.deleted,
        "revoke": lambda message: message.from_customer and not message.deleted,
        "app_edit": lambda message: message.is_echo and message.kind in EDITABLE and not message.deleted,
        "app_revoke": lambda message: message.is_echo and not message.deleted,
        "reaction_removed": lambda message: bool(message.reaction),
        **dict.fromkeys(ABOUT, lambda message: not message.from_customer),
    }
    if kind not in fits:
        return ""
    fitting = [message.wamid for message in chat if fits[kind](message)]
    anything = [message.wamid for message in chat] if kind in ("reply", "reaction") else []
    unknown = "" if kind in ABOUT and kind != "reaction" else new_wamid()
    return [unknown, *anything, *fitting][-1]


def _free_number(memory: Memory, wa_id: str) -> str:
    numbers = (f"{wa_id[:-6]}{900000 + step:06d}" for step in count(1))
    return next(number for number in numbers if number not in memory.customers)
