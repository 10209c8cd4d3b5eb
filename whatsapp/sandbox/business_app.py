"""What the WhatsApp Business app tells of itself when a number is in both: old chats and the address book.

Knows nothing of what is said now: that is in `chats`.
"""

from collections.abc import Iterable

from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.envelopes import Json, about_number
from whatsapp.sandbox.people import Person
from whatsapp.sandbox.sending import new_wamid

OLD_CHAT = (
    "Hello, are you open on Sunday?",
    "Yes, from nine to two.",
    "And is there a menu for children?",
    "There is.",
)
EVERY = 600  # seconds between two messages of an old chat
NOT_SHARED = {
    "code": 2593109,
    "title": "History sync is turned off by the business from the WhatsApp Business App",
    "message": "History sync is turned off by the business from the WhatsApp Business App",
    "error_data": {"details": "History sharing is turned off by the business"},
}


def history(business: Business, customer: Person, count: int, at: float) -> bytes:
    """An old chat, customer and business in turn; of media only that they were there.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history
    """
    messages = [_old(business, customer, index, at - (count - index) * EVERY) for index in range(count)]
    context = customer.ids("wa_id", "user_id") | customer.card["profile"]
    thread = {**customer.ids("id", "user_id"), "context": context, "messages": messages}
    chunk = {"metadata": {"phase": 0, "chunk_order": 1, "progress": 100}, "threads": [thread]}
    return about_number(business, {"history": [chunk]}, "history")


def history_declined(business: Business) -> bytes:
    """The business does not share its old chats."""
    return about_number(business, {"history": [{"errors": [NOT_SHARED]}]}, "history")


def contacts_sync(business: Business, added: Iterable[Person], removed: Iterable[Person], at: float) -> bytes:
    """Who is in the app's address book now, and who is no more.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_app_state_sync
    """
    metadata = {"timestamp": str(int(at))}
    items = [{"type": "contact", "contact": _entry(person), "action": "add", "metadata": metadata} for person in added]
    items += [
        {"type": "contact", "contact": {"phone_number": person.wa_id}, "action": "remove", "metadata": metadata}
        for person in removed
    ]
    return about_number(business, {"state_sync": items}, "smb_app_state_sync")


def _old(business: Business, customer: Person, index: int, at: float) -> Json:
    by_customer = index % 2 == 0
    sender = customer.ids("from", "from_user_id") if by_customer else {"from": business.digits}
    receiver = {"to": business.digits} if by_customer else customer.ids("to", "to_user_id")
    words = {"type": "text", "text": {"body": OLD_CHAT[index % len(OLD_CHAT)]}}
    return {
        **sender,
        **receiver,
        "id": new_wamid(),
        "timestamp": str(int(at)),
        **({"type": "media_placeholder"} if index % 5 == 4 else words),
        "history_context": {"status": "READ" if by_customer else "DELIVERED"},
    }


def _entry(person: Person) -> Json:
    return {"full_name": person.name, "first_name": person.name.split()[0], "phone_number": person.wa_id}
