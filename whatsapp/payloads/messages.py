"""The field `messages` and the echoes: what people say now, and what became of what we said.

Knows Meta's shapes; what a message says is read by `contents`, who says it by `people`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from whatsapp.payloads.changes import Change, each
from whatsapp.payloads.contents import content_of, error_code, error_text
from whatsapp.payloads.items import Echo, InboundMessage, Item, Person, Skipped, StatusUpdate
from whatsapp.payloads.people import introduced, person
from whatsapp.payloads.reading import JSON, Unreadable, identifier, mapping, mappings, moment, text

# "User Lucía changed from 34600000101 to 34600000102": the customer chooses the name in it, so only the end counts.
FROM_TO = re.compile(r"from (\S+) to (\S+)\s*\Z")
UNUSED = {"errors": "errors of the number", "user_actions": "a user action", "calls": "a call"}
READ = {"messaging_product", "metadata", "contacts", "messages", "message_echoes", "statuses"}


def messages(change: Change) -> Iterator[Item]:
    """Everything in the field `messages`: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages"""
    yield from each(change.value.get("messages"), partial(_message, change, _is_one(change, "messages")))
    yield from echoes(change)
    yield from each(change.value.get("statuses"), partial(_status, change))
    for key, found in change.value.items():
        if key in UNUSED:
            yield from [Skipped(UNUSED[key])] * len(mappings(found))
        elif key not in READ:
            yield Skipped(f"unknown key {key[:40]}")


def echoes(change: Change) -> Iterator[Item]:
    """What a person of the business, or Meta's bot for it, wrote in the WhatsApp Business app."""
    yield from each(change.value.get("message_echoes"), partial(_echo, change, _is_one(change, "message_echoes")))


def _is_one(change: Change, key: str) -> bool:
    """Whether all of these are of one customer: then a card of another spelling is theirs."""
    found = mappings(change.value.get(key))
    return all(_party(change, other) == _party(change, found[0]) for other in found[1:])


def _party(change: Change, message: JSON) -> Person:
    sender = sender_of(message)
    return recipient_of(message) if _is_echo(change, message, sender) else sender


def _is_echo(change: Change, message: JSON, sender: Person) -> bool:
    """Said by the business: it is the sender, or nobody is and somebody is written to."""
    return is_own(change, sender) or (not sender.is_known and recipient_of(message).is_known)


def wamid_of(message: JSON) -> str:
    """The message's id; without one it could be told twice."""
    wamid = identifier(message.get("id"), 255)
    if not wamid:
        raise Unreadable("message without a usable id")
    return wamid


def sender_of(message: JSON) -> Person:
    return person(message.get("from"), message.get("from_user_id"))


def recipient_of(message: JSON) -> Person:
    return person(message.get("to"), message.get("to_user_id"))


def is_own(change: Change, somebody: Person) -> bool:
    """Whether this is the business itself."""
    return bool(change.own_digits) and somebody.wa_id == change.own_digits


def outsider(change: Change, somebody: Person, role: str) -> Person:
    """Somebody who is known, and not the business itself."""
    if is_own(change, somebody) or not somebody.is_known:
        raise Unreadable(f"message without a known {role}")
    return somebody


def not_of_a_group(message: JSON) -> None:
    """The agent speaks with one person at a time."""
    if message.get("group_id"):
        raise Unreadable("message in a group")


def sent_at_of(message: JSON) -> datetime:
    sent_at = moment(message.get("timestamp"))
    if sent_at is None:
        raise Unreadable("message without a possible time")
    return sent_at


def _message(change: Change, alone: bool, message: JSON) -> Item:
    sender, becomes = sender_of(message), None
    if _is_echo(change, message, sender):
        return _echo(change, alone, message)
    not_of_a_group(message)
    content = content_of(message, mappings(change.value.get("errors")))
    if content.type == "system":
        sender, becomes = _identities(message)
    else:
        sender = introduced(sender, change.cards, alone=alone)
    return InboundMessage(
        phone_number_id=change.phone_number_id,
        wamid=wamid_of(message),
        sent_at=sent_at_of(message),
        customer=outsider(change, sender, "sender"),
        content=content,
        raw=message,
        becomes=becomes,
    )


def _identities(message: JSON) -> tuple[Person, Person | None]:
    """Who the customer was, and who they are from now on, as far as Meta tells.

    Either may stand in several places, and the sender may be who they were or who they are.
    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system
    """
    system, sender = mapping(message.get("system")), sender_of(message)
    kind = text(system.get("type"))
    if kind not in ("user_changed_number", "user_changed_user_id"):
        return sender, None
    told = FROM_TO.search(text(system.get("body")))
    was, became = (person(told[1]), person(told[2])) if told else (Person(), Person())
    named = person(text(system.get("wa_id")) or system.get("new_wa_id"), system.get("user_id"))
    after = Person(named.wa_id or became.wa_id, named.user_id or became.user_id)
    changed = "wa_id" if kind == "user_changed_number" else "user_id"
    if getattr(sender, changed) == getattr(after, changed):
        sender = replace(sender, **{changed: ""})  # it is the new one already
    previous = person(system.get("customer"), system.get("previous_user_id"))
    before = Person(previous.wa_id or sender.wa_id or was.wa_id, previous.user_id or sender.user_id or was.user_id)
    return before, after if after.is_known else None


def _echo(change: Change, alone: bool, message: JSON) -> Item:
    not_of_a_group(message)
    return Echo(
        phone_number_id=change.phone_number_id,
        wamid=wamid_of(message),
        sent_at=change.when(message.get("timestamp")),
        customer=outsider(change, introduced(recipient_of(message), change.cards, alone=alone), "recipient"),
        content=content_of(message),
        raw=message,
        is_automatic=text(message.get("message_creation_type")).endswith("bot"),
    )


def _status(change: Change, status: JSON) -> Item:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status"""
    if text(status.get("type")) == "call":
        raise Unreadable("status of a call")
    if text(status.get("recipient_type")) == "group":
        raise Unreadable("status in a group")
    wamid, word, at = identifier(status.get("id"), 255), text(status.get("status")), moment(status.get("timestamp"))
    if not wamid or not word or at is None:
        raise Unreadable("status without a usable id, word or time")
    error = next(iter(mappings(status.get("errors"))), {})
    return StatusUpdate(
        phone_number_id=change.phone_number_id,
        wamid=wamid,
        status=word[:40],
        at=at,
        callback_data=text(status.get("biz_opaque_callback_data")),
        error_code=error_code(error),
        error_detail=error_text(error),
        pricing=mapping(status.get("pricing")) or None,
        raw=status,
    )
