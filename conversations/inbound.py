"""What Meta told us becomes rows, and jobs: each item by its own number, and one item's failure costs no sibling.

Knows which item is whose; Meta's JSON is read by `whatsapp.payloads`. Knows no request: a faster door may call it too.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import chain, groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app

from conversations import accepting, messages, people, statuses
from conversations.accepting import UNREACHABLE
from conversations.models import WebhookEvent
from conversations.tasks import KeepTrying
from conversations.whose import Part
from tenants.bulk import update_each
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
# What a request takes upon itself, in characters: about what Meta puts into a batch. Histories can be longer.
MOST_IN_REQUEST = 1_000_000


class Failed(NamedTuple):
    """Why an item was set aside."""

    reason: str


Word = str | Failed
Receive = Callable[[Sequence[Part]], Sequence[Word]]


def take(body: bytes) -> None:
    """Stores this body and does what it asks for, in one transaction; durable when this returns.

    When that fails, the body is stored alone, and then done item by item. A body that came before changes nothing.
    Raises what the database says when the body cannot even be stored.
    """
    try:
        with transaction.atomic():
            _take(body)
    except UNREACHABLE as error:
        # At once, on another connection: a message that waits for the sweep is answered after a later one.
        logger.warning("a webhook is tried once more: %s", error)
        close_old_connections()
        process(chain(*accepting.accept([body])))
    except Exception:
        logger.warning("a webhook is taken apart", exc_info=True)
        process(chain(*accepting.accept([body])))


def _take(body: bytes) -> None:
    """What came before and is still to be done, somebody else may be at; what is new, nobody can see yet."""
    new, known = accepting.accept([body])
    unfinished = [event for event in known if event.processed_at is None]
    if any(len(event.body) > MOST_IN_REQUEST for event in (*new, *unfinished)):
        accepting.queue_processing()
    else:
        _do(new or _claimed(unfinished, again=False), _at_once)


def process(events: Iterable[WebhookEvent], *, again: bool = False) -> None:
    """Does what the events ask for, once: what has been done is not done again, whoever calls.

    With `again`, also for events that were processed before. One item's failure stays on its event, and the others
    go on. When the database fails twice, the events stay unprocessed and the sweep comes back to them.
    """
    waiting = [event for event in events if event.processed_at is None or again]
    try:
        _process(waiting, again)
    except UNREACHABLE as error:
        logger.warning("%s events are tried once more: %s", len(waiting), error)
        close_old_connections()
        try:
            _process(waiting, again)
        except UNREACHABLE:
            logger.exception("%s events wait for the sweep", len(waiting))


@app.task(name="process_events", retry=KeepTrying())
def process_events() -> None:
    """What was accepted for later, whichever commit it came with: many at once cost far less each."""
    while events := accepting.waiting():
        _process(events, again=False)


def _process(events: Sequence[WebhookEvent], again: bool) -> None:
    """All of them in one transaction, or, when that fails, each half in one of its own, until one is left: that one
    is done item by item."""
    try:
        with transaction.atomic():
            _do(_claimed(events, again), _at_once)
    except UNREACHABLE:
        raise
    except Exception:
        if middle := len(events) // 2:
            _process(events[:middle], again)
            _process(events[middle:], again)
        else:
            _process_alone(events[0], again)


def _process_alone(event: WebhookEvent, again: bool) -> None:
    """Item by item; and when not even that is possible, it is set aside as a whole, so that it holds up no other."""
    try:
        with transaction.atomic():
            _do(_claimed([event], again), _each)
    except UNREACHABLE:
        raise
    except Exception as error:
        logger.exception("event %s failed", event.pk)
        event.processed_at, event.error = timezone.now(), f"{type(error).__name__}: {error}"
        event.save(update_fields=["processed_at", "error"])


def _claimed(events: Sequence[WebhookEvent], again: bool) -> list[WebhookEvent]:
    """Those that are to be done and that nobody else is at, a job or the sweep: ours until the transaction ends."""
    rows = WebhookEvent.objects.select_for_update(skip_locked=True).filter(pk__in=[event.pk for event in events])
    free = set((rows if again else rows.filter(processed_at=None)).values_list("pk", flat=True))
    return [event for event in events if event.pk in free]


def _do(events: Sequence[WebhookEvent], carry_out: Callable[[Receive, list[Part]], Sequence[Word]]) -> None:
    """Everything that the events ask for, in order, statuses after what they may be about; and notes how it went."""
    told: dict[UUID, list[Word]] = {event.pk: [] for event in events}
    parts = sorted(_parts(events), key=lambda part: isinstance(part.item, StatusUpdate))
    for receive, group in groupby(parts, key=_receiver_of):
        of_one_kind = list(group)
        for part, word in zip(of_one_kind, carry_out(receive, of_one_kind), strict=True):
            told[part.event.pk].append(word)
    _note_webhooks({part.connection.pk: part.connection for part in parts if part.connection}.values())
    for event in events:
        errors = [word.reason for word in told[event.pk] if isinstance(word, Failed)]
        event.processed_at, event.error = timezone.now(), "\n".join(errors)
        event.outcome = dict(Counter("failed" if isinstance(word, Failed) else word for word in told[event.pk]))
    update_each(events, "processed_at", "outcome", "error")


def _parts(events: Sequence[WebhookEvent]) -> list[Part]:
    """The items of all of them, each with the connection it is about."""
    items = [(event, item) for event in events for item in parse(event.body)]
    connections = _connections([item for _event, item in items])
    return [Part(item, connections.get(getattr(item, "phone_number_id", "")), event) for event, item in items]


def _at_once(receive: Receive, parts: list[Part]) -> Sequence[Word]:
    return receive(parts)


def _each(receive: Receive, parts: list[Part], *, once_more: bool = True) -> list[Word]:
    """What became of each part: all of them in one transaction, or, when that fails, each half in one of its own, so
    that the one that is poisoned ends up alone. It is tried once more there: perhaps it only lost a race."""
    try:
        with transaction.atomic():
            return [*receive(parts)]
    except UNREACHABLE:
        raise
    except Exception as error:
        if len(parts) == 1 and not (once_more and isinstance(error, IntegrityError)):
            logger.exception("event %s: an item failed", parts[0].event.pk)
            return [Failed(f"{type(error).__name__}: {error}")]
    middle = len(parts) // 2
    halves = (parts[:middle], parts[middle:]) if middle else (parts,)
    return [word for half in halves for word in _each(receive, half, once_more=bool(middle))]


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


def _skip(parts: Sequence[Part]) -> list[str]:
    return [f"skipped: {part.item.what}" for part in parts]


def _hear(parts: Sequence[Part]) -> list[str]:
    return [accounts.hear(part.item) for part in parts]


def _ignore_unknown(parts: Sequence[Part]) -> list[str]:
    return ["ignored: the number is not connected"] * len(parts)


def _ignore_disconnected(parts: Sequence[Part]) -> list[str]:
    return ["ignored: the tenant has disconnected the number"] * len(parts)


def _receive_statuses(parts: Sequence[Part]) -> list[str]:
    return statuses.receive([(part.item, part.connection) for part in parts])


def _receive_messages(parts: Sequence[Part]) -> list[str]:
    return messages.receive(parts)


def _receive_news(parts: Sequence[Part]) -> list[str]:
    """Messages that say that their sender goes by another identity from now on; said again, they change nothing."""
    words = []
    for part in parts:
        [word] = messages.receive([part])
        if word == messages.NEW:
            people.become(people.Scope.of(part.connection), part.item.customer, part.item.becomes)
        words.append(word)
    return words


def _receive_about_persons(parts: Sequence[Part]) -> list[str]:
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
