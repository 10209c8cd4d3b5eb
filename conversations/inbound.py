"""What Meta told us becomes rows, and jobs: each item by its own number, and one item's failure costs no sibling.

Knows which item is whose; Meta's JSON is read by `whatsapp.payloads`. Knows no request: a faster door may call it too.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from conversations import messages, people, statuses
from conversations.models import WebhookEvent
from conversations.tasks import KeepTrying
from tenants.queue import queue
from whatsapp import accounts
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import (
    AccountUpdate,
    ChangedIdentity,
    InboundMessage,
    Item,
    MarketingWish,
    Said,
    SavedContact,
    Skipped,
    StatusUpdate,
    parse,
)

logger = logging.getLogger(__name__)

LAST_WEBHOOK_PRECISION = timedelta(minutes=1)
# What a request takes upon itself: a little more than Meta puts into a batch. Histories can be longer.
MOST_IN_REQUEST = 1_200
# The last one is the queue's word for whatever the database said to it.
UNREACHABLE = (OperationalError, InterfaceError, ConnectorException)


class Part(NamedTuple):
    """One item of an event, and the connection it is about: None when that is none of ours, or a whole account's.

    Untyped here: `_receiver_of` knows who takes which.
    """

    item: Any
    connection: Any


class Failed(NamedTuple):
    """Why an item was set aside."""

    reason: str


def accept(body: bytes) -> WebhookEvent:
    """The event row of this body, durable when this returns. A body that came before has its row already."""
    text = body.decode("utf-8", "replace").replace("\0", "�")
    event, _created = WebhookEvent.objects.get_or_create(
        provider_event_id=WebhookEvent.id_of(body), defaults={"body": text}
    )
    return event


def process(events: Iterable[WebhookEvent], *, again: bool = False, patient: bool = True) -> None:
    """Does what the events ask for, once: what has been done is not done again, whoever calls.

    With `again`, also for events that were processed before. One item's failure stays on its event, and the others
    go on. When the database fails twice, the event stays unprocessed and the sweep comes back to it. Who is not
    `patient` leaves to a job what is too much for a request.
    """
    for event in events:
        if event.processed_at is None or again:
            try:
                _process(event, patient=patient)
            except UNREACHABLE as error:
                # At once, on another connection: a message that waits for the sweep is answered after a later one.
                logger.warning("event %s is tried once more: %s", event.pk, error)
                _try_once_more(event, patient=patient)


def _try_once_more(event: WebhookEvent, *, patient: bool) -> None:
    close_old_connections()
    try:
        _process(event, patient=patient)
    except UNREACHABLE:
        logger.exception("event %s waits for the sweep", event.pk)


@app.task(name="process_event", retry=KeepTrying())
def process_event(event_id: str) -> None:
    """An event that was too much for its request."""
    process(WebhookEvent.objects.filter(pk=event_id))


def _process(event: WebhookEvent, *, patient: bool) -> None:
    items = parse(event.body)
    if len(items) > MOST_IN_REQUEST and not patient:
        queue().configure_task("process_event").defer(event_id=str(event.pk))
        return
    connections = _connections(items)
    parts = [Part(item, connections.get(getattr(item, "phone_number_id", ""))) for item in items]
    words: list[str | Failed] = []
    for receive, group in groupby(parts, key=_receiver_of):
        words += _each(receive, list(group), event)
    _note_webhooks(connections.values())
    errors = [word.reason for word in words if isinstance(word, Failed)]
    event.processed_at, event.error = timezone.now(), "\n".join(errors)
    event.outcome = dict(Counter("failed" if isinstance(word, Failed) else word for word in words))
    event.save(update_fields=["processed_at", "outcome", "error"])


Receive = Callable[[Sequence[Part], WebhookEvent], list[str]]


def _each(receive: Receive, parts: list[Part], event: WebhookEvent, *, once_more: bool = True) -> list[str | Failed]:
    """What became of each part: all of them in one transaction, or, when that fails, each half in one of its own, so
    that the one that is poisoned ends up alone. It is tried once more there: perhaps it only lost a race."""
    try:
        with transaction.atomic():
            return [*receive(parts, event)]
    except UNREACHABLE:
        raise
    except Exception as error:
        if len(parts) == 1 and not (once_more and isinstance(error, IntegrityError)):
            logger.exception("event %s: an item failed", event.pk)
            return [Failed(f"{type(error).__name__}: {error}")]
    middle = len(parts) // 2
    halves = (parts[:middle], parts[middle:]) if middle else (parts,)
    return [word for half in halves for word in _each(receive, half, event, once_more=bool(middle))]


def _receiver_of(part: Part) -> Receive:
    """Who does what the item asks for. Neighbours with the same one are done together."""
    match part.item:
        case Skipped():
            return _skip
        case AccountUpdate():
            return _hear
        case _ if part.connection is None:
            return _ignore_unknown
        case StatusUpdate():
            return _receive_statuses
        case _ if part.connection.status == WhatsappConnection.Status.DISCONNECTED:
            return _ignore_disconnected
        case InboundMessage(becomes=becomes) if becomes is not None:
            return _receive_news
        case Said():
            return _receive_messages
        case _:
            return _receive_about_persons


def _skip(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return [f"skipped: {part.item.what}" for part in parts]


def _hear(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return [accounts.hear(part.item) for part in parts]


def _ignore_unknown(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return ["ignored: the number is not connected"] * len(parts)


def _ignore_disconnected(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return ["ignored: the tenant has disconnected the number"] * len(parts)


def _receive_statuses(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return statuses.receive(parts)


def _receive_messages(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return messages.receive(parts, event)


def _receive_news(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    """Messages that say that their sender goes by another identity from now on; said again, they change nothing."""
    words = []
    for part in parts:
        [word] = messages.receive([part], event)
        if word == messages.NEW:
            people.become(people.Scope.of(part.connection), part.item.customer, part.item.becomes)
        words.append(word)
    return words


def _receive_about_persons(parts: Sequence[Part], event: WebhookEvent) -> list[str]:
    return [ABOUT_PERSONS[type(part.item)](part.item, part.connection) for part in parts]


ABOUT_PERSONS: dict[type[Item], Callable[[Any, WhatsappConnection], str]] = {
    ChangedIdentity: people.hear_of_change,
    SavedContact: people.save_contact,
    MarketingWish: people.note_wish,
}


def _connections(items: Sequence[Item]) -> dict[str, WhatsappConnection]:
    """The connections that the items are about, by their numbers; without their secrets."""
    numbers = {getattr(item, "phone_number_id", "") for item in items} - {""}
    rows = WhatsappConnection.objects.select_related("tenant").defer("access_token", "pin")
    return {row.phone_number_id: row for row in rows.filter(phone_number_id__in=numbers)} if numbers else {}


def _note_webhooks(connections: Iterable[WhatsappConnection]) -> None:
    """Meta has spoken about these numbers; written at most once a minute, so that a busy one costs no write each."""
    now = timezone.now()
    stale = now - LAST_WEBHOOK_PRECISION
    silent = [row.pk for row in connections if row.last_webhook_at is None or row.last_webhook_at < stale]
    if silent:
        is_stale = Q(last_webhook_at=None) | Q(last_webhook_at__lt=stale)
        WhatsappConnection.objects.filter(is_stale, pk__in=silent).update(last_webhook_at=now)
