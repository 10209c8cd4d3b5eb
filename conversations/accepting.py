"""Stores what Meta posts before anything is done about it, one body or many, and knows what waits to be done.

Knows bodies and rows; nothing of what is in them. The plain view and the fast door both come here.
"""

import logging
from collections.abc import Container, Sequence
from uuid import UUID

from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.db.models import F, Func, IntegerField
from procrastinate.exceptions import ConnectorException

from conversations.models import WebhookEvent
from tenants.bulk import inserting
from tenants.prepared import Asked, together

logger = logging.getLogger(__name__)

# The last one is the queue's word for whatever the database said to it.
UNREACHABLE = (OperationalError, InterfaceError, ConnectorException)
# What is done at once: so many events, and no more than so many bytes of them, for a body can have megabytes.
MOST_EVENTS = 500
MOST_BYTES = 4_000_000
QUEUE = "events"
# A job that does what waits, with the statements it is sent with. One too many finds nothing to do.
QUEUE_PROCESSING = Asked(
    "SELECT procrastinate_defer_jobs_v1(ARRAY["
    f"ROW('{QUEUE}', 'process_events', 0, NULL, NULL, '{{}}', NULL)::procrastinate_job_to_defer_v1])",
    (),
    lambda _cursor: None,
)
# The same unless such a job waits already: a worker that was away for an hour would find a million of them, and every
# answer behind them.
QUEUE_UNLESS_ONE_WAITS = QUEUE_PROCESSING._replace(
    sql=f"{QUEUE_PROCESSING.sql} WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queue_name = '{QUEUE}' "
    "AND status = 'todo' AND coalesce(scheduled_at, now()) <= now())"
)
# Whoever counts on a job that waits holds this lock until what it is to do is there; a job begins when nobody does.
# Of two numbers, for those of one are `tenants.idempotency`'s.
COUNT_ON_A_JOB = Asked("SELECT pg_advisory_xact_lock_shared(14, 1)", (), lambda _cursor: None)
NOBODY_COUNTS_ON_IT = Asked("SELECT pg_advisory_xact_lock(14, 1)", (), lambda _cursor: None)


def accept_for_later(bodies: Sequence[bytes]) -> None:
    """Stores these bodies, in one commit, and a job that does what they ask for unless one waits; durable when this
    returns.

    Raises what the database says when nothing could be stored.
    """
    try:
        _accept_for_later(bodies)
    except UNREACHABLE as error:
        logger.warning("%s webhooks are tried once more: %s", len(bodies), error)
        close_old_connections()
        _accept_for_later(bodies)


def _accept_for_later(bodies: Sequence[bytes]) -> None:
    """In one round trip, which is a transaction of its own."""
    together(WebhookEvent.storing(bodies), COUNT_ON_A_JOB, QUEUE_UNLESS_ONE_WAITS)


def all_is_there() -> None:
    """Returns when everybody has committed who counted on a job that was waiting until now."""
    NOBODY_COUNTS_ON_IT.now()


def accept(bodies: Sequence[bytes]) -> tuple[list[WebhookEvent], list[WebhookEvent]]:
    """The event rows of these bodies: those that are new, and those of bodies that came before.

    In one statement, durable when the caller's transaction is.
    """
    rows = rows_of(bodies)
    return told_apart(rows, storing(rows).now())


def accept_each(bodies: Sequence[bytes]) -> tuple[list[WebhookEvent], list[Exception | None]]:
    """The event rows of those of these bodies that are durable now, and for each body why it is not, or None.

    All in one statement, or, when that fails, each half in one of its own, so that what cannot be stored is alone.
    """
    try:
        new, known = accept(bodies)
    except Exception as error:
        middle = len(bodies) // 2
        if not middle or isinstance(error, UNREACHABLE):
            return [], [error] * len(bodies)
        events, errors = accept_each(bodies[:middle])
        more_events, more_errors = accept_each(bodies[middle:])
        return events + more_events, errors + more_errors
    return new + known, [None] * len(bodies)


def rows_of(bodies: Sequence[bytes]) -> list[WebhookEvent]:
    """The rows of these bodies, of those that are alike only one; not stored yet."""
    return [*{row.provider_event_id: row for row in map(WebhookEvent.of, bodies)}.values()]


def storing(rows: Sequence[WebhookEvent]) -> Asked[set[UUID]]:
    """The statement that stores those that did not come before, and returns their keys.

    In one order, so that two processes with the same bodies do not wait for each other.
    """
    in_order = sorted(rows, key=lambda row: row.provider_event_id)
    return inserting(in_order, once=True)


def told_apart(rows: Sequence[WebhookEvent], stored: Container[UUID]) -> tuple[list[WebhookEvent], list[WebhookEvent]]:
    """Those that were stored, and the rows of bodies that came before."""
    missing = [row.provider_event_id for row in rows if row.pk not in stored]
    known = WebhookEvent.objects.filter(provider_event_id__in=missing) if missing else ()
    return [row for row in rows if row.pk in stored], list(known)


@transaction.atomic
def waiting() -> list[WebhookEvent]:
    """The oldest events that are to be done and that nobody is at."""
    free = WebhookEvent.objects.select_for_update(skip_locked=True).filter(processed_at=None)
    size = Func(F("body"), function="octet_length", output_field=IntegerField())
    chosen: list[UUID] = []
    room = MOST_BYTES
    for pk, its_size in free.order_by("received_at", "id").values_list("pk", size)[:MOST_EVENTS]:
        room -= its_size
        if chosen and room < 0:
            break
        chosen.append(pk)
    return list(WebhookEvent.objects.filter(pk__in=chosen).order_by("received_at", "id"))
