"""What Meta says of an account: kept beside each of its numbers, and done to them where it means something.

Knows connections and Meta's words for accounts; nothing of webhooks or conversations. Meta repeats itself for seven
days and staff can replay: what was heard before does nothing, and what is old undoes nothing that is newer.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from whatsapp import templates
from whatsapp.lifecycle import ALIVE
from whatsapp.models import AccountNotice, WhatsappConnection
from whatsapp.payloads import AccountUpdate, digits
from whatsapp.tasks import queue_recovery

JSON = dict[str, Any]
Status = WhatsappConnection.Status

# https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
PROBLEM_OF_EVENT = {
    "PARTNER_REMOVED": "app_removed",
    "PARTNER_APP_UNINSTALLED": "app_removed",
    "ACCOUNT_DELETED": "account_deleted",
    "ACCOUNT_OFFBOARDED": "offboarded",
}
MOVES = {*PROBLEM_OF_EVENT, "ACCOUNT_RECONNECTED", "ACCOUNT_RESTRICTION", "DISABLED_UPDATE"}
NAMED_BY_FIELD = ("account_offboarded", "account_reconnected")
ABOUT_TEMPLATES = (
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
)
OF_ONE_NUMBER = ("security", "phone_number_quality_update", "phone_number_name_update")

# https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/business_capability_update
TIER_OF_LIMIT = {
    250: "TIER_250",
    1000: "TIER_1K",
    2000: "TIER_2K",
    10_000: "TIER_10K",
    100_000: "TIER_100K",
    -1: "TIER_UNLIMITED",
}


@transaction.atomic
def hear(update: AccountUpdate) -> str:
    """Meta speaks about an account: what that means for each of its numbers. Returns in a word what became of it."""
    if update.app_id not in ("", settings.META_APP_ID):
        return "account update of another app"
    meant = list(_meant(update))
    if not meant:
        return "ignored: the account is not connected"
    at = min(update.at or timezone.now(), timezone.now())
    news = [connection for connection in meant if _note(update, connection, at)]
    if not news:
        return "repeated account update"
    followed = [_follow(update, connection, at) for connection in news]
    word = update.field if update.event == update.field else f"{update.field}: {event_of(update)[:40]}"
    return word if any(followed) else f"late {word}"


def event_of(update: AccountUpdate) -> str:
    """Two things have a field of their own as well as an event, and are the same whichever tells them."""
    return update.field.upper() if update.field in NAMED_BY_FIELD else update.event


def _meant(update: AccountUpdate) -> Iterator[WhatsappConnection]:
    """The account's connections, locked; of what concerns one number, which is spelled as it is shown, that one."""
    connections = WhatsappConnection.objects.select_for_update(no_key=True).order_by("pk")
    living = connections.filter(business_account_id=update.waba_id).exclude(status=Status.DISCONNECTED)
    for connection in living if update.waba_id else ():
        number = digits(connection.display_phone_number)
        if update.field not in OF_ONE_NUMBER or (number and number == update.display_phone_number):
            yield connection


def _note(update: AccountUpdate, connection: WhatsappConnection, at: datetime) -> bool:
    """Keeps it for staff to see. False when it has been kept before: the caller's lock lets nobody in between."""
    raw = json.dumps(update.raw, sort_keys=True)  # Meta's keys may change their order
    moment = update.at.isoformat() if update.at else ""
    _notice, created = AccountNotice.objects.get_or_create(
        connection=connection,
        digest=hashlib.sha256(f"{update.field}\n{moment}\n{raw}".encode()).hexdigest(),
        defaults={
            "tenant_id": connection.tenant_id,
            "field": update.field[:60],
            "event": event_of(update)[:100],
            "detail": update.detail[:500],
            "value": update.raw,
            "happened_at": at,
        },
    )
    return created


def _follow(update: AccountUpdate, connection: WhatsappConnection, at: datetime) -> bool:
    """Learns what is newer than what we know, and does what it asks for. False for what is of no use any more.

    What happened before the number was connected is over, for Meta has confirmed since then how things are.
    """
    facts = _facts(update)
    newer = {name: fact for name, fact in facts.items() if _knows_nothing_newer(connection, name, at)}
    if newer:
        connection.account_facts |= {name: {**fact, "at": at.isoformat()} for name, fact in newer.items()}
        connection.save(update_fields=["account_facts"])
    connected_at = connection.connected_at
    if (facts and not newer) or (connected_at and at < connected_at.replace(microsecond=0)):
        return False
    if update.field in ABOUT_TEMPLATES:
        return templates.hear(update, connection, at)
    before = connection.status
    _apply(update, connection)
    if connection.status != before:  # what the doctor found is not so any more
        connection.findings = []
        connection.save(update_fields=["findings"])
    return True


def _knows_nothing_newer(connection: WhatsappConnection, name: str, at: datetime) -> bool:
    known = connection.account_facts.get(name)
    return known is None or datetime.fromisoformat(known["at"]) <= at


def _apply(update: AccountUpdate, connection: WhatsappConnection) -> None:
    reason = f"Meta: {event_of(update)} {update.detail}".strip()
    match event_of(update), _ban_state(update):
        case event, _ if event in PROBLEM_OF_EVENT:
            connection.access_lost(reason, PROBLEM_OF_EVENT[event])
        case "ACCOUNT_RECONNECTED", _:
            queue_recovery(connection)  # the number is back; whether our token works is for the doctor to see
        case "ACCOUNT_RESTRICTION", _ if connection.status in ALIVE:
            connection.restricted(reason)
        case "DISABLED_UPDATE", "DISABLE" if connection.status in ALIVE:
            connection.restricted(reason, "disabled")
        case "DISABLED_UPDATE", "REINSTATE" if connection.status == Status.RESTRICTED:
            connection.unrestricted()
        case "PIN_CHANGED", _:
            _forget_pin(connection, reason)
        case "APPROVED", _ if update.field == "phone_number_name_update":
            _rename(connection, _word(update, "requested_verified_name"))


def _ban_state(update: AccountUpdate) -> str:
    ban = update.raw.get("ban_info")
    return str(ban.get("waba_ban_state") or "") if isinstance(ban, dict) else ""


def _forget_pin(connection: WhatsappConnection, reason: str) -> None:
    """The PIN that we know is wrong now; the number goes on working."""
    connection.pin = ""
    if not connection.problem:
        connection.problem, connection.status_reason = "pin_changed", reason[:500]
    connection.save(update_fields=["pin", "problem", "status_reason"])


def _rename(connection: WhatsappConnection, name: str) -> None:
    if name:
        connection.verified_name = name[:200]
        connection.save(update_fields=["verified_name"])


# ── What is learned ──────────────────────────────────────────────────────────────────────────────────────────────────


def _of_account(update: AccountUpdate) -> JSON:
    """Not for anybody to read: only what comes later may move the connection again."""
    event = event_of(update)
    return {"account": {"event": event}} if event in MOVES else {}


def _of_security(update: AccountUpdate) -> JSON:
    return {"pin": {"event": update.event}} if update.event == "PIN_CHANGED" else {}


def _of_quality(update: AccountUpdate) -> JSON:
    """`current_limit` is the older name of the limit, and of the throughput when that was changed.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/phone_number_quality_update
    """
    limit = _word(update, "max_daily_conversations_per_business")
    if not limit and update.event != "THROUGHPUT_UPGRADE":
        limit = _word(update, "current_limit")
    facts = {"limit": {"tier": limit}} if limit else {}
    return facts | ({"quality": {"word": update.event}} if update.event in ("FLAGGED", "UNFLAGGED") else {})


def _of_name(update: AccountUpdate) -> JSON:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/phone_number_name_update."""
    decision = _word(update, "decision")
    more = {"requested": _word(update, "requested_verified_name"), "reason": _word(update, "rejection_reason")}
    return {"name": {"decision": decision, **more}} if decision else {}


def _of_review(update: AccountUpdate) -> JSON:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_review_update."""
    decision = _word(update, "decision")
    return {"review": {"decision": decision}} if decision else {}


def _of_capability(update: AccountUpdate) -> JSON:
    """The limit is a number here, and a word where it is told of one number."""
    limit = update.raw.get("max_daily_conversations_per_business", update.raw.get("max_daily_conversation_per_phone"))
    numbers = update.raw.get("max_phone_numbers_per_business")
    facts = {"limit": {"tier": TIER_OF_LIMIT[limit]}} if isinstance(limit, int) and limit in TIER_OF_LIMIT else {}
    return facts | ({"capability": {"phone_numbers": numbers}} if isinstance(numbers, int) else {})


FACTS_OF_FIELD: dict[str, Callable[[AccountUpdate], JSON]] = {
    "account_update": _of_account,
    **dict.fromkeys(NAMED_BY_FIELD, _of_account),
    "security": _of_security,
    "phone_number_quality_update": _of_quality,
    "phone_number_name_update": _of_name,
    "account_review_update": _of_review,
    "business_capability_update": _of_capability,
}


def _facts(update: AccountUpdate) -> JSON:
    """What it says that stays true until Meta says otherwise, each under a name of its own."""
    learn = FACTS_OF_FIELD.get(update.field)
    return learn(update) if learn else {}


def _word(update: AccountUpdate, key: str) -> str:
    value = update.raw.get(key)
    return value if isinstance(value, str) else ""
