"""The only reader of Meta's webhook JSON: any body in, our own small types out.

Knows Meta's shapes and their oddities; nothing of tenants, rows or what is done with an item. Never raises on
odd content: what it cannot read it names.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True)
class InboundMessage:
    """A customer's message. `wa_id` (phone digits) or `user_id` (business-scoped) may be empty, not both."""

    phone_number_id: str
    wamid: str
    sent_at: datetime
    wa_id: str
    user_id: str
    name: str
    text: str


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message of ours. `callback_data` is what we sent along with it, when we did."""

    phone_number_id: str
    wamid: str
    status: str
    at: datetime
    callback_data: str
    error_code: int
    error_detail: str


@dataclass(frozen=True)
class AccountUpdate:
    """Something about an account, or about one number of it. `detail` is Meta's word for what exactly.

    `display_phone_number` is digits, empty when the whole account is meant; `app_id` is empty when none is named.
    """

    waba_id: str
    display_phone_number: str
    field: str
    event: str
    detail: str
    app_id: str = ""


@dataclass(frozen=True)
class Skipped:
    """Something that is kept with its event and not acted upon, and why."""

    what: str


Item = InboundMessage | StatusUpdate | AccountUpdate | Skipped
ACCOUNT_FIELDS = ("account_update", "security")


def parse(body: str) -> list[Item]:
    """Every item of a webhook body, in its order.

    `{"object": "whatsapp_business_account", "entry": [{"changes": [{"field", "value"}]}]}`, where one body may
    speak of several numbers: each item carries its own `phone_number_id`.
    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return [Skipped("not JSON")]
    if not isinstance(payload, dict) or payload.get("object") != "whatsapp_business_account":
        return [Skipped("not a WhatsApp webhook")]
    entries = _dicts(payload.get("entry"))
    changes = [(change, _text(entry.get("id"))) for entry in entries for change in _dicts(entry.get("changes"))]
    return [item for change, entry_id in changes for item in _items(change, entry_id)] or [Skipped("nothing in it")]


def _items(change: JSON, entry_id: str) -> Iterator[Item]:
    if change.get("field") in ACCOUNT_FIELDS:
        yield _account_update(_text(change["field"]), _dict(change.get("value")), entry_id)
        return
    if change.get("field") != "messages":
        yield Skipped(f"field {_text(change.get('field'))[:40] or 'without a name'}")
        return
    value = _dict(change.get("value"))
    phone_number_id = _text(_dict(value.get("metadata")).get("phone_number_id"))
    if not phone_number_id:
        yield Skipped("without a phone_number_id")
        return
    own_number = digits(_dict(value.get("metadata")).get("display_phone_number"))
    contacts = _dicts(value.get("contacts"))
    for message in _dicts(value.get("messages")):
        if own_number and _text(message.get("from")) == own_number:
            yield Skipped("message of the business itself")  # the agent must not answer its own words
        else:
            yield _message(phone_number_id, message, contacts)
    for status in _dicts(value.get("statuses")):
        yield _status(phone_number_id, status)
    for _error in _dicts(value.get("errors")):
        yield Skipped("errors of the number")


def _message(phone_number_id: str, message: JSON, contacts: list[JSON]) -> Item:
    kind, wamid, sent_at = _text(message.get("type")), _text(message.get("id")), _moment(message.get("timestamp"))
    text = _text(_dict(message.get("text")).get("body"))
    if kind != "text":
        return Skipped(f"message of type {kind[:40] or 'none'}")
    if message.get("group_id"):
        return Skipped("message in a group")
    wa_id, user_id = _text(message.get("from")), _text(message.get("from_user_id"))
    if not (wamid and sent_at and text and (wa_id or user_id)):
        return Skipped("text message without id, time, text or sender")
    name = _text(_dict(_contact(contacts, wa_id, user_id).get("profile")).get("name"))
    return InboundMessage(phone_number_id, wamid, sent_at, wa_id, user_id, name, text)


def _contact(contacts: list[JSON], wa_id: str, user_id: str) -> JSON:
    """The sender's card. `from` and `wa_id` need not be the same digits (BR, MX, AR): then a lone card is theirs."""
    for contact in contacts:
        if (wa_id and _text(contact.get("wa_id")) == wa_id) or (user_id and _text(contact.get("user_id")) == user_id):
            return contact
    return contacts[0] if len(contacts) == 1 else {}


def _status(phone_number_id: str, status: JSON) -> Item:
    wamid, at = _text(status.get("id")), _moment(status.get("timestamp"))
    if not wamid or not at or status.get("type") == "call":
        return Skipped("status without id or time, or of a call")
    error = next(iter(_dicts(status.get("errors"))), {})
    code = error.get("code")
    details = _text(_dict(error.get("error_data")).get("details"))
    return StatusUpdate(
        phone_number_id=phone_number_id,
        wamid=wamid,
        status=_text(status.get("status")),
        at=at,
        callback_data=_text(status.get("biz_opaque_callback_data")),
        error_code=code if isinstance(code, int) else 0,
        error_detail=details or _text(error.get("message")) or _text(error.get("title")),
    )


def _account_update(field: str, value: JSON, entry_id: str) -> Item:
    """The entry is the account, but for a partner's events, whose entry may be the business: they name the account.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
    """
    event, account = _text(value.get("event")), _dict(value.get("waba_info"))
    if not event:
        return Skipped(f"{field} without an event")
    named = _text(account.get("waba_id")) if event.startswith("PARTNER_") else ""
    return AccountUpdate(
        waba_id=named or entry_id,
        display_phone_number=digits(value.get("display_phone_number")),
        field=field,
        event=event,
        detail=_account_detail(value),
        app_id=_text(account.get("partner_app_id")),
    )


def _account_detail(value: JSON) -> str:
    restrictions = [_text(each.get("restriction_type")) for each in _dicts(value.get("restriction_info"))]
    words = [
        *restrictions,
        _text(_dict(value.get("ban_info")).get("waba_ban_state")),
        _text(_dict(value.get("violation_info")).get("violation_type")),
        _text(_dict(value.get("disconnection_info")).get("reason")),
    ]
    return ", ".join(word for word in words if word)


def _dict(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[JSON]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Text that PostgreSQL can keep: ids may come as numbers; no NUL, no half of a surrogate pair."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def digits(value: Any) -> str:
    """A phone number as webhooks spell it."""
    return "".join(character for character in _text(value) if character.isdigit())


def _moment(value: Any) -> datetime | None:
    """Unix seconds, as text or as a number."""
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
