"""The field `history`: what was said before the number came to us. Knows Meta's shapes only.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history
"""

from collections.abc import Iterator
from functools import partial

from whatsapp.payloads.changes import Change, each
from whatsapp.payloads.contents import content_of, error_code
from whatsapp.payloads.items import Item, PastMessage, Person, Skipped
from whatsapp.payloads.messages import is_own, not_of_a_group, outsider, recipient_of, sender_of, sent_at_of, wamid_of
from whatsapp.payloads.people import introduced, is_same, person, username
from whatsapp.payloads.reading import JSON, mapping, mappings, text

DECLINED = 2593109


def history(change: Change) -> Iterator[Item]:
    """The threads, chunk by chunk; the media of a placeholder, later and without a thread; or why there is none."""
    for chunk in mappings(change.value.get("history")):
        for thread in mappings(chunk.get("threads")):
            yield from each(thread.get("messages"), partial(_past_message, change, _of_thread(thread)))
        yield from each(chunk.get("errors"), _refusal)
    yield from each(change.value.get("messages"), partial(_past_message, change, Person()))
    yield from each(change.value.get("errors"), _refusal)


def _of_thread(thread: JSON) -> Person:
    """The customer of a thread; of somebody with a username and no phone only its `context` speaks."""
    context = mapping(thread.get("context"))
    by_id = person(thread.get("id"), context.get("user_id"))
    return Person(
        by_id.wa_id or person(context.get("wa_id")).wa_id, by_id.user_id, "", username(context.get("username"))
    )


def _past_message(change: Change, customer: Person, message: JSON) -> Item:
    not_of_a_group(message)
    from_business = _is_from_business(change, customer, message)
    named = customer if customer.is_known else recipient_of(message) if from_business else sender_of(message)
    return PastMessage(
        phone_number_id=change.phone_number_id,
        wamid=wamid_of(message),
        sent_at=sent_at_of(message),
        customer=outsider(change, introduced(named, change.cards, alone=False), "customer"),
        content=content_of(message),
        raw=message,
        from_business=from_business,
        status=text(mapping(message.get("history_context")).get("status")).lower()[:40],
    )


def _is_from_business(change: Change, customer: Person, message: JSON) -> bool:
    """By its own number, or by the mark that some numbers' history has.

    Else by who is written to, which is told when it is the customer.
    """
    recipient = recipient_of(message)
    is_marked = mapping(message.get("history_context")).get("from_me") is True
    if is_marked or is_own(change, sender_of(message)) or is_same(recipient, customer):
        return True
    is_to_other = bool(change.own_digits) and recipient.is_known and recipient.wa_id != change.own_digits
    return is_to_other and not is_same(sender_of(message), customer)


def _refusal(error: JSON) -> Item:
    return Skipped("history declined" if error_code(error) == DECLINED else "errors of the history")
