"""Whose conversation a message belongs to: found, or made, and locked.

Knows connections and customers; nothing of what was said in it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError

from conversations import people
from conversations.facts import Known
from conversations.models import Conversation, WebhookEvent
from tenants.bulk import insert_each
from tenants.prepared import AnyGiven, Prepared
from whatsapp.payloads import Said, end_of_second

Place = tuple[UUID, UUID]

LOCKED = Prepared(
    lambda: (
        Conversation.objects.select_for_update()
        .filter(connection=AnyGiven("connections"), whatsapp_user=AnyGiven("users"))
        .order_by("pk")
    )
)


class Part(NamedTuple):
    """One item of an event, and the connection it is about: None when that is none of ours, or a whole account's.

    Untyped here: `inbound` knows who takes which.
    """

    item: Any
    connection: Any
    event: WebhookEvent


def conversations_of(parts: Sequence[Part], known: Known) -> list[Conversation]:
    """The conversation of each message, locked in one order; made where there was none."""
    persons = [(people.Scope.of(part.connection), part.item.customer) for part in parts]
    users, are_same = people.find_or_make_each(persons, known.users)
    places = [(part.connection.pk, user.pk) for part, user in zip(parts, users, strict=True)]
    found = _by_place(known.conversations) if are_same else _locked(set(places))
    found |= _made({place: part for place, part in reversed([*zip(places, parts, strict=True)]) if place not in found})
    if others := set(places) - set(found):
        found |= _locked(others)
    if not set(places) <= set(found):
        raise IntegrityError("A conversation was deleted in this moment.")
    return [found[place] for place in places]


def _made(first: dict[Place, Part]) -> dict[Place, Conversation]:
    """Conversations that begin with these parts; none where somebody else has made it at this moment."""
    rows = [
        Conversation(
            tenant_id=part.connection.tenant_id,
            connection=part.connection,
            whatsapp_user_id=user_id,
            last_message_at=said_at_of(part.item),
        )
        for (_connection_id, user_id), part in sorted(first.items(), key=lambda pair: pair[0])
    ]
    made = insert_each(rows, once=True)
    return _by_place(row for row in rows if row.pk in made)


def _locked(places: set[Place]) -> dict[Place, Conversation]:
    connections, users = zip(*places, strict=True)
    return _by_place(LOCKED(connections=[*{*connections}], users=[*{*users}]))


def _by_place(rows: Iterable[Conversation]) -> dict[Place, Conversation]:
    return {(row.connection_id, row.whatsapp_user_id): row for row in rows}


def said_at_of(item: Said) -> datetime:
    """So a message stands behind a reply of ours from the same second, which the customer has most likely read."""
    return end_of_second(item.sent_at)
