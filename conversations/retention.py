"""Deletes what has been kept for long enough: raw events, early statuses, notices, and what each tenant lets go of.

Knows how long each kind of row is kept (docs/decisions/0008). In small transactions, the oldest first by an index;
can be stopped between two of them, and be run again at any point.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from conversations.media import forget, purge_orphans
from conversations.models import Conversation, Decision, Message, ParkedStatus, WebhookEvent, WhatsappUser
from tenants.idempotency import KEYS_ARE_KEPT
from tenants.models import IdempotencyKey, Tenant
from whatsapp.models import AccountNotice, WhatsappConnection

logger = logging.getLogger(__name__)

EVERY_HOUR = "27 * * * *"
LONGEST_RUN = timedelta(minutes=20)
BATCH = 1000
PARKED_STATUSES_ARE_KEPT = timedelta(days=7)
NOTICES_ARE_KEPT = timedelta(days=400)

Steps = Iterator[None]  # a step is a transaction that is done


@app.periodic(cron=EVERY_HOUR)
@app.task(name="purge", pass_context=True)
def purge(context: JobContext, timestamp: int) -> None:
    """Deletes until nothing is too old, the worker stops, or it has taken long: the next hour goes on."""
    ends = timezone.now() + LONGEST_RUN
    purge_until(lambda: context.should_abort() or timezone.now() > ends)


def purge_until(is_over: Callable[[], bool]) -> None:
    for _step in _everything():
        if is_over():
            logger.info("the purge stops before its end; the next one goes on")
            return


def _everything() -> Steps:
    now = timezone.now()
    # An event that has not been processed stays, and stays visible: it may hold what nobody has read.
    events = WebhookEvent.objects.filter(processed_at__isnull=False)
    yield from _delete(events.filter(received_at__lt=now - timedelta(days=settings.EVENT_LOG_DAYS)), "received_at")
    yield from _delete(Decision.objects.filter(at__lt=now - timedelta(days=settings.EVENT_LOG_DAYS)), "at")
    yield from _delete(ParkedStatus.objects.filter(created_at__lt=now - PARKED_STATUSES_ARE_KEPT), "created_at")
    yield from _delete(AccountNotice.objects.filter(happened_at__lt=now - NOTICES_ARE_KEPT), "happened_at")
    yield from _delete(IdempotencyKey.objects.filter(created_at__lt=now - KEYS_ARE_KEPT), "created_at")
    for tenant in Tenant.objects.filter(retention_days__isnull=False).order_by("pk"):
        yield from _let_go(tenant, now - timedelta(days=tenant.retention_days or 0))
    purge_orphans()


def _delete(rows: QuerySet[Any, Any], age: str) -> Steps:
    while pks := list(rows.order_by(age).values_list("pk", flat=True)[:BATCH]):
        rows.model.objects.filter(pk__in=pks).only("pk").delete()
        yield


def _let_go(tenant: Tenant, limit: datetime) -> Steps:
    """What this tenant's customers and agent said before `limit`; then who and what is left with nothing said."""
    yield from _messages(Message.objects.for_tenant(tenant).filter(said_at__lt=limit))
    silent = ~Exists(Message.objects.filter(conversation=OuterRef("pk")))
    talks = Conversation.objects.for_tenant(tenant).filter(silent, last_message_at__lt=limit, answer_due_at=None)
    yield from _delete_locked(talks, "last_message_at")
    yield from _delete_locked(_unneeded_people(tenant).filter(created_at__lt=limit), "pk")


def _messages(old: QuerySet[Message]) -> Steps:
    """Their media go with them. A younger reply to one of them stays."""
    while found := dict(old.order_by("said_at").values_list("pk", "conversation_id")[:BATCH]):
        with transaction.atomic():
            _lock(Conversation.objects.filter(pk__in=found.values()))
            _settle([*found])
            forget(found)
            Message.objects.filter(pk__in=found).only("pk").delete()
        yield


def _settle(going: list[UUID]) -> None:
    """What came before a message that was heard has been heard too, and is answered no more.

    `Conversation.unheard` sees that by the heard message, which is about to go; messages that reached us late may
    stand before it and be younger.
    """
    heard = Message.objects.filter(pk__in=going, reply__isnull=False)
    last_heard = heard.order_by().values_list("conversation").annotate(Max("sequence"))
    before = [Q(conversation=conversation, sequence__lte=last) for conversation, last in last_heard]
    if before:
        Message.objects.filter(Q(*before, _connector=Q.OR), wants_answer=True).update(wants_answer=False)


def _unneeded_people(tenant: Tenant) -> QuerySet[WhatsappUser]:
    """Customers without a conversation; but not what Meta tells only once, while a number of theirs is connected.

    That is the business's own address book, and who wants no marketing.
    """
    connections = WhatsappConnection.objects.for_tenant(tenant).filter(portfolio_id=OuterRef("portfolio_id"))
    is_connected = Exists(connections.exclude(status=WhatsappConnection.Status.DISCONNECTED))
    told_once = Q(contact_at__isnull=False) | ~Q(marketing="")
    silent = ~Exists(Conversation.objects.filter(whatsapp_user=OuterRef("pk")))
    return WhatsappUser.objects.for_tenant(tenant).filter(silent).exclude(told_once & is_connected)


def _delete_locked(rows: QuerySet[Any, Any], age: str) -> Steps:
    """Looks again once nobody else can touch them: a message may have come in between, and would go with them."""
    while pks := list(rows.order_by(age).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            _lock(rows.model.objects.filter(pk__in=pks))
            rows.filter(pk__in=pks).delete()
        yield


def _lock(rows: QuerySet[Any, Any]) -> None:
    """In one order, so that two who do so wait for each other but not for ever."""
    list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
