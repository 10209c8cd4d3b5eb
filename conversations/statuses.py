"""What became of the messages that the business said: statuses in any order, repeated, early, or of messages unknown.

Knows how a status is joined to its message; where a message may go from where is the message's own rule.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from conversations import facts
from conversations.models import Message, ParkedStatus
from tenants.bulk import inserting, update_each, updating
from tenants.prepared import AnyGiven, Asked, Given, Prepared
from whatsapp import roundtrip
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import StatusUpdate

FIELDS = facts.OF_STATUS
# A parked status waits for a send whose answer is on its way, or an echo: those that come later join by themselves.
JOINED_BY_SWEEP = timedelta(minutes=10)
BATCH = 500
KNOWN = frozenset(Message.Status.values)

Pair = tuple[StatusUpdate, WhatsappConnection]
PARKED = Prepared(
    lambda: ParkedStatus.objects.filter(connection=Given("connection"), wamid=AnyGiven("wamids")).values_list(
        "wamid", flat=True
    )[:1]
)


def receive(pairs: Sequence[Pair], ours: Sequence[Message]) -> tuple[list[str], list[Asked[Any]]]:
    """Moves our messages forward, all in one statement; parks what is about messages that we do not know yet.

    `ours` is what `facts.of_statuses` has found. Within the caller's transaction. Returns in a word what became of
    each, and the statements that write it.
    """
    known: dict[object, Message] = {(message.connection_id, message.wamid or message.pk): message for message in ours}
    changed: dict[UUID, Message] = {}
    parked: list[ParkedStatus] = []
    words = [_receive(item, connection, known, changed, parked) for item, connection in pairs]
    writes: list[Asked[Any]] = [updating(list(changed.values()), *FIELDS)] if changed else []
    return words, [*writes, inserting(parked, once=True)] if parked else writes


def _receive(
    item: StatusUpdate,
    connection: WhatsappConnection,
    known: dict[object, Message],
    changed: dict[UUID, Message],
    parked: list[ParkedStatus],
) -> str:
    if roundtrip.is_of_test(item.callback_data, connection):
        detail = f"({item.error_code}) {item.error_detail}" if item.error_code else item.error_detail
        return "test status" if roundtrip.advance_test(connection, item.status, detail) else "late test status"
    if item.status not in KNOWN:
        return f"status {item.status[:20]}"
    message = known.get((connection.pk, item.wamid)) or known.get((connection.pk, facts.own_id(item)))
    if message is None:
        parked.append(_parked(item, connection))
        return "status of a message that we do not know"
    if not _apply(message, item, item.error_detail):
        return "late status"
    changed[message.pk] = message
    return "status"


def _parked(item: StatusUpdate, connection: WhatsappConnection) -> ParkedStatus:
    return ParkedStatus(
        tenant_id=connection.tenant_id,
        connection=connection,
        wamid=item.wamid,
        status=item.status,
        at=item.at,
        error_code=item.error_code,
        error=item.error_detail,
        pricing=item.pricing,
    )


def _apply(message: Message, status: StatusUpdate | ParkedStatus, error: str) -> bool:
    """Changes the message in memory. False when the status tells nothing new."""
    moves = message.may_become(status.status)
    if moves:
        message.status, message.status_at = status.status, status.at
        if status.status == Message.Status.FAILED:
            message.error_code, message.error, message.reason = status.error_code, error, ""
    named = message.wamid is None
    message.wamid = message.wamid or status.wamid
    priced = message.pricing is None and status.pricing is not None
    message.pricing = message.pricing or status.pricing
    return moves or named or priced


def parked(connection_id: UUID, wamids: Sequence[str]) -> Asked[list[str]]:
    """Whether statuses have come before these messages: one of their wamids, or none."""
    return PARKED.asked(connection=connection_id, wamids=wamids)


def join(connection_id: UUID, wamids: Sequence[str]) -> None:
    """Gives the statuses that came before these messages to them."""
    if not parked(connection_id, wamids).now():
        return
    waiting = ParkedStatus.objects.filter(connection=connection_id, wamid__in=wamids).order_by("at")
    with transaction.atomic():
        theirs = list(waiting.select_for_update())
        ours = Message.objects.filter(connection=connection_id, wamid__in={status.wamid for status in theirs})
        outbound = ours.filter(direction=Message.Direction.OUTBOUND).select_for_update().order_by("pk")
        messages = {message.wamid: message for message in outbound.only(*FIELDS)}
        joined = [status for status in theirs if status.wamid in messages]
        for status in joined:
            _apply(messages[status.wamid], status, status.error)
        update_each(list(messages.values()), *FIELDS)
        ParkedStatus.objects.filter(pk__in=[status.pk for status in joined]).delete()


def join_left() -> None:
    """Joins what was parked in the very moment in which its message appeared, when neither saw the other."""
    ours = Message.objects.filter(direction=Message.Direction.OUTBOUND)
    known = ours.filter(connection=OuterRef("connection"), wamid=OuterRef("wamid"))
    recent = ParkedStatus.objects.filter(Exists(known), created_at__gt=timezone.now() - JOINED_BY_SWEEP)
    for connection_id, wamid in recent.values_list("connection", "wamid").distinct()[:BATCH]:
        join(connection_id, [wamid])
