"""News about customers who say nothing themselves: saved contacts, new ids, wishes. Knows Meta's shapes only."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from whatsapp.payloads.changes import Change, each
from whatsapp.payloads.items import ChangedIdentity, Item, MarketingWish, Person, SavedContact
from whatsapp.payloads.people import introduced, person, username
from whatsapp.payloads.reading import JSON, Unreadable, mapping, mappings, text


def saved_contacts(change: Change) -> Iterator[Item]:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_app_state_sync"""
    yield from each(change.value.get("state_sync"), partial(_saved_contact, change))


def changed_ids(change: Change) -> Iterator[Item]:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids"""
    yield from each(change.value.get("user_id_update"), partial(_changed_identity, change))


def wishes(change: Change) -> Iterator[Item]:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/user_preferences"""
    yield from each(change.value.get("user_preferences"), partial(_wish, change))


def _saved_contact(change: Change, sync: JSON) -> Item:
    contact = mapping(sync.get("contact"))
    if text(sync.get("type")) not in ("", "contact"):
        raise Unreadable("state of something other than a contact")
    saved = person(contact.get("phone_number"), contact.get("user_id"))
    name = (text(contact.get("full_name")) or text(contact.get("first_name")))[:500]
    return SavedContact(
        phone_number_id=change.phone_number_id,
        contact=_known(Person(saved.wa_id, saved.user_id, name, username(contact.get("username")))),
        is_removed=text(sync.get("action")).lower() == "remove",
        at=change.when(mapping(sync.get("metadata")).get("timestamp")),
        raw=sync,
    )


def _changed_identity(change: Change, update: JSON) -> Item:
    phone_before, phone_after = _before_and_after(update.get("wa_id"))
    id_before, id_after = _before_and_after(update.get("user_id"))
    after = _known(person(phone_after, id_after))
    return ChangedIdentity(
        phone_number_id=change.phone_number_id,
        before=_known(person(phone_before, id_before)),
        after=introduced(after, change.cards, alone=_is_one(change)),
        at=change.when(update.get("timestamp")),
        raw=update,
    )


def _before_and_after(value: Any) -> tuple[Any, Any]:
    """`{"previous", "current"}`, or what has not changed."""
    return (value.get("previous"), value.get("current")) if isinstance(value, dict) else (value, value)


def _wish(change: Change, preference: JSON) -> Item:
    wish, category = text(preference.get("value")), text(preference.get("category"))
    if not wish or category not in ("", "marketing_messages"):
        raise Unreadable("preference about something other than marketing")
    named = person(preference.get("wa_id"), preference.get("user_id"))
    return MarketingWish(
        phone_number_id=change.phone_number_id,
        customer=_known(introduced(named, change.cards, alone=_is_one(change))),
        wish=wish[:20],
        at=change.when(preference.get("timestamp")),
        raw=preference,
    )


def _is_one(change: Change) -> bool:
    """Whether one person is spoken of."""
    return len(mappings(change.value.get(change.field))) == 1


def _known(somebody: Person) -> Person:
    if not somebody.is_known:
        raise Unreadable("news of nobody")
    return somebody
