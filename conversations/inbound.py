"""What Meta told us becomes rows, and jobs: each item by its own number, and one item's failure costs no sibling.

Knows which item is whose; Meta's JSON is read by `whatsapp.payloads`. Knows no request: a faster door may call it too.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from threading import BoundedSemaphore
from typing import Any, TypeVar
from uuid import UUID

from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app

from conversations import accepting, facts, receiving
from conversations.accepting import UNREACHABLE
from conversations.models import WebhookEvent
from conversations.receiving import CarryOut, Failed, Word
from conversations.tasks import KeepTrying
from conversations.together import Together
from conversations.whose import Part
from tenants.bulk import updating
from tenants.prepared import AnyGiven, Asked, Prepared, together
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import Item, Said, StatusUpdate, parse

logger = logging.getLogger(__name__)

LAST_WEBHOOK_PRECISION = timedelta(minutes=1)
# What a request takes upon itself, in characters: about what Meta puts into a batch. Histories can be longer.
MOST_IN_REQUEST = 1_000_000

FREE = Prepared(
    lambda: (
        WebhookEvent.objects.select_for_update(skip_locked=True)
        .filter(pk=AnyGiven("ids"))
        .values_list("pk", "processed_at")
    )
)


Told = tuple[WebhookEvent, Item]
Kind = TypeVar("Kind", Said, StatusUpdate)


def take(body: bytes) -> None:
    """Stores this body and does what it asks for, in one transaction with those that come at the same time.

    Durable when this returns; a body that came before changes nothing. Raises what the database says when the body
    cannot even be stored.
    """
    TOGETHER.do(body)


def take_each(bodies: Sequence[bytes]) -> Sequence[Exception | None]:
    """Why each of these bodies could not be stored, or None.

    When the one transaction fails, they are stored alone, and then done by halves, and item by item.
    """
    try:
        with transaction.atomic():
            _take(bodies)
    except UNREACHABLE as error:
        # At once, on another connection: a message that waits for the sweep is answered after a later one.
        logger.warning("%s webhooks are tried once more: %s", len(bodies), error)
        close_old_connections()
    except Exception:
        logger.warning("%s webhooks are taken apart", len(bodies), exc_info=True)
    else:
        return [None] * len(bodies)
    events, errors = accepting.accept_each(bodies)
    process(events)
    return errors


TOGETHER = Together(take_each)
AT_IT = BoundedSemaphore(2)


def _take(bodies: Sequence[bytes]) -> None:
    """What is new, nobody else can see yet; what came before and is still to be done, somebody else may be at."""
    rows = accepting.rows_of(bodies)
    small = [row for row in rows if len(row.body) <= MOST_IN_REQUEST]
    said = _said_by(small)
    stored, *found = together(accepting.storing(rows), *_asking_about(said))
    if len(stored) < len(rows):
        new, known = accepting.told_apart(rows, stored)
        rows = [*new, *_claimed([event for event in known if event.processed_at is None], again=False)]
        small = [row for row in rows if len(row.body) <= MOST_IN_REQUEST]
        said = _said_by(small)
        found = together(*_asking_about(said))
    if len(small) < len(rows):
        accepting.QUEUE_PROCESSING.now()
    _do(small, said, found, receiving.at_once)


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


@app.task(name="process_events", queue=accepting.QUEUE, retry=KeepTrying())
def process_events() -> None:
    """What was accepted for later, whichever commit it came with: many at once cost far less each.

    Two of these in one process keep both Python and PostgreSQL busy, and more would keep the turns from its threads: a
    third leaves what waits to them, who look once more when they have ended.
    """
    accepting.all_is_there()
    while AT_IT.acquire(blocking=False):
        try:
            while events := accepting.waiting():
                _process(events, again=False)
        finally:
            AT_IT.release()
        if not accepting.waiting():
            break


def _process(events: Sequence[WebhookEvent], again: bool) -> None:
    """All of them in one transaction, or, when that fails, each half in one of its own, until one is left: that one
    is done item by item."""
    try:
        with transaction.atomic():
            _do_again(_claimed(events, again), receiving.at_once)
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
            _do_again(_claimed([event], again), receiving.each)
    except UNREACHABLE:
        raise
    except Exception as error:
        logger.exception("event %s failed", event.pk)
        event.processed_at, event.error = timezone.now(), f"{type(error).__name__}: {error}"
        event.save(update_fields=["processed_at", "error"])


def _claimed(events: Sequence[WebhookEvent], again: bool) -> list[WebhookEvent]:
    """Those that are to be done and that nobody else is at, a job or the sweep: ours until the transaction ends."""
    free = FREE(ids=[event.pk for event in events]) if events else []
    ours = {pk for pk, processed_at in free if again or processed_at is None}
    return [event for event in events if event.pk in ours]


def _do_again(events: Sequence[WebhookEvent], carry_out: CarryOut) -> None:
    """What events ask for that were stored before."""
    said = _said_by(events)
    _do(events, said, together(*_asking_about(said)), carry_out)


def _do(events: Sequence[WebhookEvent], said: Sequence[Told], found: Sequence[Any], carry_out: CarryOut) -> None:
    """Everything that the events ask for, in order; and notes how it went. `found` is what `_asking_about` asks."""
    if not events:
        return
    [connections, *ahead] = found or [[]]
    told: dict[UUID, list[Word]] = {event.pk: [] for event in events}
    writes: Sequence[Asked[Any]] = ()
    for receive, group in groupby(_parts(said, connections), key=receiving.receiver_of):
        together(*writes)  # before others look for what they write
        of_one_kind = list(group)
        words, writes = carry_out(receive, of_one_kind, ahead or None)
        ahead = []  # it was so before the first were received
        for part, word in zip(of_one_kind, words, strict=True):
            told[part.event.pk].append(word)
    _note_webhooks(connections)
    for event in events:
        errors = [word.reason for word in told[event.pk] if isinstance(word, Failed)]
        event.processed_at, event.error = timezone.now(), "\n".join(errors)
        event.outcome = dict(Counter("failed" if isinstance(word, Failed) else word for word in told[event.pk]))
    together(*writes, updating(events, "processed_at", "outcome", "error"))


def _said_by(events: Sequence[WebhookEvent]) -> list[Told]:
    """The items of all of them, in order, statuses after what they may be about."""
    said = [(event, item) for event in events for item in parse(event.body)]
    return sorted(said, key=lambda told: isinstance(told[1], StatusUpdate))


def _asking_about(said: Sequence[Told]) -> list[Asked[Any]]:
    """Whose the items are, and what those who receive the first of them have to know."""
    items = [item for _event, item in said]
    asked: list[Asked[Any]] = [facts.of_numbers(items)] if items else []
    if messages := _leading(Said, items):
        asked += facts.of_said(messages)
    elif updates := _leading(StatusUpdate, items):
        asked.append(facts.of_statuses(updates))
    return asked


def _leading(kind: type[Kind], items: Sequence[Item]) -> list[Kind]:
    """Those of this kind that stand before all others."""
    leading: list[Kind] = []
    for item in items:
        if not isinstance(item, kind):
            break
        leading.append(item)
    return leading


def _parts(said: Sequence[Told], connections: Sequence[WhatsappConnection]) -> list[Part]:
    """Each item with the connection it is about."""
    by_number = {connection.phone_number_id: connection for connection in connections}
    return [Part(item, by_number.get(getattr(item, "phone_number_id", "")), event) for event, item in said]


def _note_webhooks(connections: Iterable[WhatsappConnection]) -> None:
    """Meta has spoken about these numbers; written at most once a minute, so that a busy one costs no write each."""
    now = timezone.now()
    stale = now - LAST_WEBHOOK_PRECISION
    silent = [row.pk for row in connections if row.last_webhook_at is None or row.last_webhook_at < stale]
    if silent:
        is_stale = Q(last_webhook_at=None) | Q(last_webhook_at__lt=stale)
        WhatsappConnection.objects.filter(is_stale, pk__in=silent).update(last_webhook_at=now)
