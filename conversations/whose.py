"""Whose conversation a message belongs to: found, or made, and locked.

Knows connections and customers; nothing of what was said in it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError

from conversations import people
from conversations.models import Conversation, WebhookEvent, WhatsappUser
from whatsapp.payloads import Said, end_of_second

Place = tuple[UUID, UUID]


class Part(NamedTuple):
    """One item of an event, and the connection it is about: None when that is none of ours, or a whole account's.

    Untyped here: `inbound` knows who takes which.
    """

    item: Any
    connection: Any
    event: WebhookEvent


def conversations_of(parts: Sequence[Part]) -> list[Conversation]:
    """The conversation of each message, locked in one order; made where there was none."""
    places = [(part.connection.pk, user.pk) for part, user in zip(parts, _users(parts), strict=True)]
    found = _locked(set(places))
    if missing := set(places) - set(found):
        first = {place: part for place, part in reversed(list(zip(places, parts, strict=True))) if place in missing}
        Conversation.objects.bulk_create(
            [
                Conversation(
                    tenant_id=part.connection.tenant_id,
                    connection=part.connection,
                    whatsapp_user_id=user_id,
                    last_message_at=said_at_of(part.item),
                )
                for (_connection_id, user_id), part in sorted(first.items(), key=lambda pair: pair[0])
            ],
            ignore_conflicts=True,
        )
        found |= _locked(missing)
        if not missing <= set(found):
            raise IntegrityError("A conversation was deleted in this moment.")
    return [found[place] for place in places]


def _users(parts: Sequence[Part]) -> list[WhatsappUser]:
    return people.find_or_make_each([(people.Scope.of(part.connection), part.item.customer) for part in parts])


def _locked(places: set[Place]) -> dict[Place, Conversation]:
    connections, users = {place[0] for place in places}, {place[1] for place in places}
    rows = Conversation.objects.filter(connection__in=connections, whatsapp_user__in=users)
    return {(row.connection_id, row.whatsapp_user_id): row for row in rows.select_for_update().order_by("pk")}


def said_at_of(item: Said) -> datetime:
    """So a message stands behind a reply of ours from the same second, which the customer has most likely read."""
    return end_of_second(item.sent_at)
