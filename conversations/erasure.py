"""Erases what was said over a number, when its tenant wants that.

Knows every row that may hold a customer's words or number. In small batches, so that nothing else waits; can be
run again at any point.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from conversations.media import forget
from conversations.models import Conversation, Message, ParkedStatus, WebhookEvent, WhatsappUser
from tenants.models import IdempotencyKey
from tenants.queue import queue
from whatsapp.models import AccountNotice, GraphExchange, WhatsappConnection

BATCH = 500


def queue_erasure(connection: WhatsappConnection) -> None:
    """Everything up to now goes soon; what comes after the number is connected again stays."""
    task = queue().configure_task("erase", priority=-1)
    task.defer(connection_id=str(connection.pk), until=timezone.now().isoformat())


@app.task(name="erase", retry=RetryStrategy(max_attempts=20, wait=60))
def erase(connection_id: str, until: str) -> None:
    """Messages and media, conversations, customers whom no other number knows, raw events, and what was said beside."""
    connection = WhatsappConnection.objects.filter(pk=connection_id).first()
    if connection is None:
        return
    moment = datetime.fromisoformat(until)
    for pks in _batches(Conversation.objects.filter(connection=connection, created_at__lte=moment)):
        for pk in pks:
            _erase_conversation(pk, moment)
    for beside in (GraphExchange, ParkedStatus, AccountNotice):
        for pks in _batches(beside.objects.filter(connection=connection, created_at__lte=moment)):
            beside.objects.filter(pk__in=pks).delete()
    answers = IdempotencyKey.objects.filter(tenant=connection.tenant_id, created_at__lte=moment)
    answers.delete()  # kept for a day, with the words that were sent
    for pks in _batches(_address_book(connection).filter(created_at__lte=moment)):
        _erase_silent_people(pks)
    for pks in _batches(WebhookEvent.objects.filter(received_at__lte=moment)):
        events = WebhookEvent.objects.filter(pk__in=pks, processed_at__isnull=False)
        events.filter(body__contains=connection.phone_number_id).update(body="")  # the row goes on knowing repeats


def _erase_conversation(conversation_id: UUID, until: datetime) -> None:
    for pks in _batches(Message.objects.filter(conversation=conversation_id, created_at__lte=until)):
        with transaction.atomic():
            forget(pks)
            Message.objects.filter(pk__in=pks).delete()
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
        if conversation is None or conversation.messages.exists():
            return
        user = WhatsappUser.objects.select_for_update().get(pk=conversation.whatsapp_user_id)
        conversation.delete()
        if not user.conversations.exists():
            user.delete()


def _address_book(connection: WhatsappConnection) -> QuerySet[WhatsappUser]:
    """Whom Meta told us of, and who never wrote to us: nobody's, once no number of the portfolio is connected."""
    numbers = WhatsappConnection.objects.filter(tenant=connection.tenant_id, portfolio_id=connection.portfolio_id)
    others = numbers.exclude(pk=connection.pk).exclude(status=WhatsappConnection.Status.DISCONNECTED)
    people = WhatsappUser.objects.filter(tenant=connection.tenant_id, portfolio_id=connection.portfolio_id)
    return people.none() if others.exists() else people.filter(conversations=None)


def _erase_silent_people(pks: list[UUID]) -> None:
    """Looks again once nobody else can touch them: they may have written in between."""
    people = WhatsappUser.objects.filter(pk__in=pks)
    with transaction.atomic():
        list(people.order_by("pk").select_for_update().values_list("pk"))
        people.filter(conversations=None).delete()


def _batches(rows: QuerySet[Any, Any]) -> Iterator[list[UUID]]:
    """Primary keys, in order: each page begins behind the last, whatever has been deleted by then."""
    last: UUID | None = None
    while True:
        page = rows if last is None else rows.filter(pk__gt=last)
        pks = list(page.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not pks:
            return
        yield pks
        last = pks[-1]
