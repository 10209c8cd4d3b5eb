"""What Meta told us becomes rows, and jobs.

Knows our rows; Meta's JSON is read by `whatsapp.payloads`. Knows no request: a faster door may call it too.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from conversations.models import SERVICE_WINDOW, Conversation, Message, WebhookEvent, WhatsappUser
from conversations.tasks import owe_answer
from tenants.models import Tenant
from whatsapp import lifecycle, roundtrip
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import AccountUpdate, InboundMessage, Item, Skipped, StatusUpdate, parse

logger = logging.getLogger(__name__)

LAST_WEBHOOK_PRECISION = timedelta(minutes=1)


def accept(body: bytes) -> WebhookEvent:
    """The event row of this body, durable when this returns. A body that came before has its row already."""
    text = body.decode("utf-8", "replace").replace("\0", "�")
    event, _created = WebhookEvent.objects.get_or_create(
        provider_event_id=WebhookEvent.id_of(body), defaults={"body": text}
    )
    return event


def process(events: Iterable[WebhookEvent], *, again: bool = False) -> None:
    """Does what the events ask for, once: what has been done is not done again, whoever calls.

    With `again` also what events ask for that have been processed.

    One item's failure stays on its event, and the others go on. When the database fails, the event stays
    unprocessed and the sweep comes back to it.
    """
    for event in events:
        if again or event.processed_at is None:
            try:
                _process(event)
            except (OperationalError, InterfaceError):
                logger.exception("event %s waits for the sweep", event.pk)


def _process(event: WebhookEvent) -> None:
    outcome: Counter[str] = Counter()
    errors = []
    for item in parse(event.body):
        try:
            with transaction.atomic():
                outcome[receive(item, event)] += 1
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("event %s: an item failed", event.pk)
            outcome["failed"] += 1
            errors.append(f"{type(error).__name__}: {error}")
    event.processed_at, event.outcome, event.error = timezone.now(), dict(outcome), "\n".join(errors)
    event.save(update_fields=["processed_at", "outcome", "error"])


def receive(item: Item, event: WebhookEvent) -> str:
    """Does what one item asks for, routed by its own phone_number_id. Returns in a word what became of it."""
    if isinstance(item, Skipped):
        return f"skipped: {item.what}"
    if isinstance(item, AccountUpdate):
        return lifecycle.hear(item)
    connections = WhatsappConnection.objects.select_related("tenant")
    connection = connections.filter(phone_number_id=item.phone_number_id).first()
    if connection is None:
        return "ignored: the number is not connected"
    _note_webhook(connection)
    if isinstance(item, StatusUpdate):
        return _receive_status(item, connection)
    if connection.status == WhatsappConnection.Status.DISCONNECTED:
        return "ignored: the tenant has disconnected the number"
    if not isinstance(item, InboundMessage):
        return f"skipped: {type(item).__name__}"
    return _receive_message(item, connection, event)


def _note_webhook(connection: WhatsappConnection) -> None:
    """Meta has spoken about this number; written at most once a minute, so that a busy one costs no write each."""
    now = timezone.now()
    stale = now - LAST_WEBHOOK_PRECISION
    if connection.last_webhook_at is None or connection.last_webhook_at < stale:
        is_stale = Q(last_webhook_at=None) | Q(last_webhook_at__lt=stale)
        WhatsappConnection.objects.filter(is_stale, pk=connection.pk).update(last_webhook_at=now)


def _receive_message(item: InboundMessage, connection: WhatsappConnection, event: WebhookEvent) -> str:
    user = _whatsapp_user(connection.tenant, item)
    conversation, _created = Conversation.objects.get_or_create(
        connection=connection, whatsapp_user=user, defaults={"tenant": connection.tenant}
    )
    conversation = Conversation.objects.select_for_update().get(pk=conversation.pk)
    if Message.objects.filter(connection=connection, wamid=item.wamid).exists():
        return "duplicate message"
    conversation.append(
        direction=Message.Direction.INBOUND,
        status=Message.Status.RECEIVED,
        text=item.content.text,
        wamid=item.wamid,
        sent_at=item.sent_at,
        event=event,
        wants_answer=True,
    )
    if item.sent_at > timezone.now() - SERVICE_WINDOW:
        owe_answer(conversation)
        return "message"
    return "message, too old to answer"


def _whatsapp_user(tenant: Tenant, item: InboundMessage) -> WhatsappUser:
    """The tenant's row for the sender, found by either identity, completed with what is new."""
    user = _find_user(tenant, item)
    if user is None:
        try:
            with transaction.atomic():
                user = WhatsappUser.objects.create(
                    tenant=tenant,
                    wa_id=item.customer.wa_id or None,
                    user_id=item.customer.user_id or None,
                    name=item.customer.name,
                )
        except IntegrityError:  # the sender's other message was a moment faster
            user = _find_user(tenant, item)
            if user is None:
                raise
    elif item.customer.name and user.name != item.customer.name:
        user.name = item.customer.name
        user.save(update_fields=["name"])
    return user


def _find_user(tenant: Tenant, item: InboundMessage) -> WhatsappUser | None:
    """By business-scoped id before phone: phones change hands. An identity that is still free is filled in."""
    identity = Q()
    if item.customer.wa_id:
        identity |= Q(wa_id=item.customer.wa_id)
    if item.customer.user_id:
        identity |= Q(user_id=item.customer.user_id)
    found = list(WhatsappUser.objects.for_tenant(tenant).filter(identity))
    user = max(found, key=lambda u: u.user_id == item.customer.user_id, default=None)
    if user is not None and len(found) == 1:
        missing = {
            name: value
            for name, value in (("wa_id", item.customer.wa_id), ("user_id", item.customer.user_id))
            if value and not getattr(user, name)
        }
        if missing:
            WhatsappUser.objects.filter(pk=user.pk).update(**missing)
            user.refresh_from_db()
    return user


def _receive_status(item: StatusUpdate, connection: WhatsappConnection) -> str:
    if roundtrip.is_of_test(item.callback_data, connection):
        detail = f"({item.error_code}) {item.error_detail}" if item.error_code else item.error_detail
        return "test status" if roundtrip.advance_test(connection, item.status, detail) else "late test status"
    if item.status not in Message.Status.values:
        return f"status {item.status[:20]}"
    message = _message_of(item, connection)
    if message is None:
        return "status of a message that is not ours"
    fields: dict[str, object] = {} if message.wamid else {"wamid": item.wamid}
    if item.status == Message.Status.FAILED:
        fields |= {"error_code": item.error_code or None, "error": item.error_detail}
    return "status" if message.advance(item.status, item.at, **fields) else "late status"


def _message_of(item: StatusUpdate, connection: WhatsappConnection) -> Message | None:
    """By wamid, or by what we sent along: a status may be faster than the answer that tells us the wamid."""
    ours = Message.objects.filter(connection=connection, direction=Message.Direction.OUTBOUND)
    message = ours.filter(wamid=item.wamid).first()
    if message is None:
        try:
            message = ours.filter(pk=UUID(item.callback_data), wamid=None).first()
        except ValueError:
            return None
    return message
