"""The only reader of Meta's webhook JSON: any body in, our own small types out.

Knows Meta's shapes and their oddities; nothing of tenants, rows or what is done with an item. Never raises on
odd content: what it cannot read it names.
"""

from collections.abc import Callable, Iterator

from whatsapp.payloads.accounts import ACCOUNT_FIELDS, account_updates
from whatsapp.payloads.changes import Change
from whatsapp.payloads.customers import changed_ids, saved_contacts, wishes
from whatsapp.payloads.history import history
from whatsapp.payloads.items import (
    AccountUpdate,
    ChangedIdentity,
    Content,
    Echo,
    InboundMessage,
    Item,
    MarketingWish,
    MediaReference,
    PastMessage,
    Person,
    Said,
    SavedContact,
    Skipped,
    StatusUpdate,
)
from whatsapp.payloads.messages import echoes, messages
from whatsapp.payloads.reading import JSON, digits, end_of_second, identifier, load, mapping, mappings, moment, text

__all__ = [
    "AccountUpdate",
    "ChangedIdentity",
    "Content",
    "Echo",
    "InboundMessage",
    "Item",
    "MarketingWish",
    "MediaReference",
    "PastMessage",
    "Person",
    "Said",
    "SavedContact",
    "Skipped",
    "StatusUpdate",
    "digits",
    "end_of_second",
    "parse",
]

OF_NUMBERS: dict[str, Callable[[Change], Iterator[Item]]] = {
    "messages": messages,
    "smb_message_echoes": echoes,
    "smb_app_state_sync": saved_contacts,
    "history": history,
    "user_id_update": changed_ids,
    "user_preferences": wishes,
}
UNUSED = (
    "account_settings_update",
    "automatic_events",
    "business_username_update",
    "business_username_updates",
    "calls",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "partner_solutions",
    "payment_configuration_update",
)


def parse(body: str) -> list[Item]:
    """Every item of a webhook body, in its order.

    `{"object": "whatsapp_business_account", "entry": [{"changes": [{"field", "value"}]}]}`, where one body may
    speak of several numbers: each item carries its own `phone_number_id`.
    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
    """
    try:
        payload = load(body)
    except ValueError:
        return [Skipped("not JSON")]
    if not isinstance(payload, dict) or payload.get("object") != "whatsapp_business_account":
        return [Skipped("not a WhatsApp webhook")]
    return [item for change in _changes(payload) for item in _items(change)] or [Skipped("nothing in it")]


def _changes(payload: JSON) -> Iterator[Change]:
    for entry in mappings(payload.get("entry")):
        account_id, told_at = identifier(entry.get("id"), 64), moment(entry.get("time"))
        for change in mappings(entry.get("changes")):
            value = mapping(change.get("value"))
            number = mapping(value.get("metadata"))
            yield Change(
                field=text(change.get("field")),
                value=value,
                account_id=account_id,
                told_at=told_at,
                phone_number_id=identifier(number.get("phone_number_id"), 64),
                own_digits=digits(number.get("display_phone_number")),
            )


def _items(change: Change) -> list[Item]:
    if change.field in ACCOUNT_FIELDS:
        return [*account_updates(change)] or [Skipped(f"nothing in {change.field}")]
    if change.field in UNUSED:
        return [Skipped(f"field {change.field}")]
    read = OF_NUMBERS.get(change.field)
    if read is None:
        return [Skipped(f"unknown field {change.field[:40]}" if change.field else "field without a name")]
    if not change.phone_number_id:
        return [Skipped(f"{change.field} without a phone_number_id")]
    return [*read(change)] or [Skipped(f"nothing in {change.field}")]
