"""The templates of an account as they stand at Meta, kept here: read whole, and moved by what Meta says of single ones.

Knows rows and their times; nothing of what a template says. What is old undoes nothing that is newer.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.queue import queue
from whatsapp.client import GraphClient, Template
from whatsapp.errors import GraphError
from whatsapp.exchanges import keep_for
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.payloads import AccountUpdate, end_of_second

UNIQUE = ("tenant", "business_account_id", "name", "language")
TOLD = ("status", "quality", "rejected_reason", "told_at")
READ = ("template_id", "category", "parameter_format", "components", "synced_at", *TOLD)
BATCH = 500
# Meta's events that name the status in which the template is now. After any other the templates are read again.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
STATUSES = ("APPROVED", "REJECTED", "PENDING", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "ARCHIVED")


def queue_sync(connection: WhatsappConnection) -> None:
    """Its templates are read soon: in the caller's transaction. Who asks again before that has them read once."""
    asked_at = timezone.now().isoformat()
    queue().configure_task("sync_templates", priority=-1).defer(connection_id=str(connection.pk), asked_at=asked_at)


def sync(connection: WhatsappConnection) -> None:
    """Reads the templates of the number's account: new and changed ones are stored, those that are gone are deleted.

    Says on every number of the account when that was. Raises GraphError, which is kept on the number that asked.
    """
    started = timezone.now()
    try:
        found = GraphClient(connection.access_token, keep_for(connection)).templates(connection.business_account_id)
    except GraphError as error:
        WhatsappConnection.objects.filter(pk=connection.pk).update(templates_error=str(error)[:500])
        raise
    _keep(connection, found, started)


@transaction.atomic
def _keep(connection: WhatsappConnection, found: Iterable[Template], started: datetime) -> None:
    """Nothing, when somebody has read them later, or the account was left meanwhile. The lock is that of `accounts`."""
    account = {"tenant_id": connection.tenant_id, "business_account_id": connection.business_account_id}
    numbers = WhatsappConnection.objects.filter(**account)
    locked = numbers.select_for_update(no_key=True).order_by("pk").values_list("status", "templates_synced_at")
    stands = list(locked)
    is_left = all(status == WhatsappConnection.Status.DISCONNECTED for status, _at in stands)
    if is_left or any(at and at > started for _status, at in stands):
        return
    rows = MessageTemplate.objects.filter(**account)
    told_since = {row.template_id: row for row in rows.filter(told_at__gt=started).defer("components")}
    read = {(row.name, row.language): row for row in _rows(found, started, account, told_since)}
    MessageTemplate.objects.bulk_create(
        read.values(), batch_size=BATCH, update_conflicts=True, unique_fields=UNIQUE, update_fields=READ
    )
    rows.filter(synced_at__lt=started).delete()
    numbers.update(templates_synced_at=started, templates_error="")


def _rows(
    found: Iterable[Template], started: datetime, account: Mapping[str, Any], told_since: Mapping[str, MessageTemplate]
) -> Iterator[MessageTemplate]:
    for template in found:
        row = MessageTemplate(
            **account,
            template_id=template.id[:64],
            name=template.name[:512],
            language=template.language[:20],
            category=template.category[:40],
            status=template.status[:40],
            quality=template.quality[:20],
            rejected_reason="" if template.rejected_reason == "NONE" else template.rejected_reason[:200],
            parameter_format=template.parameter_format[:20],
            components=list(template.components),
            told_at=started,
            synced_at=started,
        )
        if newer := told_since.get(row.template_id):
            for field in TOLD:
                setattr(row, field, getattr(newer, field))
        yield row


def hear(update: AccountUpdate, connection: WhatsappConnection, at: datetime) -> bool:
    """Meta speaks of one template of the number's account, whose row the caller has locked.

    What says everything is done at once, to a template that we know; else all are read again. False for what is of no
    use any more, for they have been read since.
    """
    moment = end_of_second(at)
    rows = _meant(update, connection)
    row = rows.only("told_at", "synced_at").first()
    changes = _changes(update)
    if row and changes and row.told_at <= moment:
        rows.update(told_at=moment, **changes)
        return True
    if row and moment < row.synced_at:
        return False
    queue_sync(connection)
    return True


def _meant(update: AccountUpdate, connection: WhatsappConnection) -> QuerySet[MessageTemplate]:
    """By Meta's id: its webhooks spell languages in more than one way."""
    template_id = str(update.raw.get("message_template_id") or "")
    return MessageTemplate.objects.filter(
        tenant=connection.tenant_id, business_account_id=connection.business_account_id, template_id=template_id
    )


def _changes(update: AccountUpdate) -> dict[str, str]:
    """What of a template's row the update settles by itself."""
    if update.field == "message_template_status_update" and update.event in STATUSES:
        reason = str(update.raw.get("reason") or "") if update.event == "REJECTED" else ""
        return {"status": update.event, "rejected_reason": reason[:200]}
    if update.field == "message_template_quality_update" and update.event != update.field:
        return {"quality": update.event[:20]}
    return {}
