"""One change of a webhook, and what all its items have in common. Knows nothing of what the items say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from whatsapp.payloads.items import Item, Skipped
from whatsapp.payloads.people import Cards, on_card
from whatsapp.payloads.reading import JSON, Unreadable, mappings, moment


@dataclass(frozen=True)
class Change:
    """What Meta says in one field. `told_at` is when it says so, which it tells for accounts only.

    `phone_number_id` is the number of ours that it is about, and `own_digits` that number's phone number, to tell the
    business's own words from a customer's.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
    """

    field: str
    value: JSON
    account_id: str
    told_at: datetime | None
    phone_number_id: str
    own_digits: str

    @cached_property
    def cards(self) -> Cards:
        """The people it is about."""
        return Cards([on_card(card) for card in mappings(self.value.get("contacts"))])

    def when(self, timestamp: Any) -> datetime:
        """When something was so; of what has no time of its own, when we were told, or else now.

        What is about a person of the business, or somebody's wish, must not be lost for want of a time: a moment later
        than it was does no harm, and none of it opens a service window.
        """
        told = moment(timestamp) if timestamp not in (None, "") else self.told_at or datetime.now(UTC)
        if told is None:
            raise Unreadable(f"{self.field} at no possible time")
        return told


def each(values: Any, read: Callable[[JSON], Item]) -> Iterator[Item]:
    """Every item of a list; what is odd about one costs none of the others."""
    for value in values if isinstance(values, list) else mappings(values):
        try:
            yield read(value) if isinstance(value, dict) else Skipped("an item that is no object")
        except Unreadable as reason:
            yield Skipped(str(reason))
