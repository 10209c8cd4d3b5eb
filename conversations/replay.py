"""Processes stored events again: as a rehearsal that leaves nothing, or for real.

Knows which events and what is told of them; what they ask for, and that nothing is done twice, is `inbound`'s.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from conversations import inbound
from conversations.models import WebhookEvent
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import AccountUpdate, Skipped, parse

MOST_AT_ONCE = 200


class Replay(NamedTuple):
    """What became, or would become, of one event. `is_done` is False when the database let nothing be done."""

    pk: UUID
    received_at: datetime
    tenants: list[str]
    before: dict[str, int]
    outcome: dict[str, int]
    error: str
    is_erased: bool
    is_done: bool


def rehearse(pks: Sequence[UUID]) -> list[Replay]:
    """What would become of these events now, in this order. Leaves no row and, on Django's connection, no job."""
    with transaction.atomic():
        replays = process_again(pks)
        transaction.set_rollback(True)
    return replays


def process_again(pks: Sequence[UUID]) -> list[Replay]:
    """One body at a time is in memory: it may have megabytes."""
    return [_replay(WebhookEvent.objects.get(pk=pk)) for pk in pks]


def _replay(event: WebhookEvent) -> Replay:
    last, before = event.processed_at, event.outcome
    if event.body:
        inbound.process([event], again=True)
    return Replay(
        pk=event.pk,
        received_at=event.received_at,
        tenants=_tenants_of(event),
        before=before,
        outcome=event.outcome,
        error=event.error,
        is_erased=not event.body,
        is_done=event.processed_at != last,
    )


def _tenants_of(event: WebhookEvent) -> list[str]:
    """The names of those whose numbers or accounts it speaks of."""
    about = Q(pk=None)
    for item in parse(event.body):
        if isinstance(item, AccountUpdate):
            about |= Q(business_account_id=item.waba_id)
        elif not isinstance(item, Skipped):
            about |= Q(phone_number_id=item.phone_number_id)
    names = WhatsappConnection.objects.filter(about).order_by("tenant__name")
    return list(names.values_list("tenant__name", flat=True).distinct())
