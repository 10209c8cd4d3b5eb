"""What Meta tells of an account, a number, a template or a customer's wishes without being asked.

Knows nothing of who makes it happen. One page for each field:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference
"""

from collections.abc import Callable
from typing import Any

from whatsapp.sandbox import chats, envelopes
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.memory import Memory

Deed = Callable[[Memory, Business, str], bytes]
TEMPLATE = {
    "message_template_id": 801700000000001,
    "message_template_name": "booking_reminder",
    "message_template_language": "es",
}
DEFERRED = {
    "alert_severity": "WARNING",
    "alert_status": "ACTIVE",
    "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
    "alert_description": "Higher limits were put off: too little has been sent yet.",
}
FIRST_PAUSE = {"title": "FIRST_PAUSE", "description": "Paused for three hours: several people have reported it."}


def _account(memory: Memory, business: Business, field: str, **value: Any) -> bytes:
    """A field of the account: no phone_number_id in it, and a time beside it."""
    return envelopes.envelope(business, value, field, at=memory.clock())


def quality(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The number may write to fewer people a day."""
    limits = {"old_limit": "TIER_2K", "current_limit": "TIER_250", "max_daily_conversations_per_business": "TIER_250"}
    about = {"display_phone_number": business.digits, "event": "DOWNGRADE"}
    return _account(memory, business, "phone_number_quality_update", **about, **limits)


def name_approved(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The number's name was looked at."""
    decision = {"decision": "APPROVED", "requested_verified_name": business.verified_name, "rejection_reason": "NONE"}
    return _account(memory, business, "phone_number_name_update", display_phone_number=business.digits, **decision)


def review(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The account was looked at."""
    return _account(memory, business, "account_review_update", decision="APPROVED")


def alert(memory: Memory, business: Business, wa_id: str) -> bytes:
    """Something to know about the account."""
    entity = {"entity_type": "WABA", "entity_id": business.waba_id}
    return _account(memory, business, "account_alerts", **entity, alert_info=DEFERRED)


def capability(memory: Memory, business: Business, wa_id: str) -> bytes:
    """How much the business may do from now on."""
    limits = {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_business": 20}
    return _account(memory, business, "business_capability_update", **limits, max_phone_numbers_per_waba=20)


def template_approved(memory: Memory, business: Business, wa_id: str) -> bytes:
    """A template may be sent."""
    facts = {"reason": "NONE", "message_template_category": "UTILITY"}
    return _account(memory, business, "message_template_status_update", event="APPROVED", **TEMPLATE, **facts)


def template_paused(memory: Memory, business: Business, wa_id: str) -> bytes:
    """A template may not be sent for a while."""
    facts = {"reason": None, "message_template_category": "UTILITY", "other_info": FIRST_PAUSE}
    return _account(memory, business, "message_template_status_update", event="PAUSED", **TEMPLATE, **facts)


def template_category(memory: Memory, business: Business, wa_id: str) -> bytes:
    """A template costs something else from now on."""
    change = {"previous_category": "UTILITY", "new_category": "MARKETING"}
    return _account(memory, business, "template_category_update", **TEMPLATE, **change)


def pin_changed(memory: Memory, business: Business, wa_id: str) -> bytes:
    """Somebody set a PIN that we do not know."""
    if business.phone_number_id in memory.registered:
        memory.record("registered", phone_number_id=business.phone_number_id, pin_digest="")
    return envelopes.security(business, "PIN_CHANGED", memory.clock())


def marketing_stop(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The customer wants no marketing."""
    return _preference(memory, business, wa_id, "stop", "User requested to stop marketing messages")


def marketing_resume(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The customer wants marketing again."""
    return _preference(memory, business, wa_id, "resume", "User requested to resume marketing messages")


def _preference(memory: Memory, business: Business, wa_id: str, value: str, detail: str) -> bytes:
    person, at = chats.person(memory, business, wa_id), int(memory.clock())
    choice = {"detail": detail, "category": "marketing_messages", "value": value, "timestamp": at}
    said = {"contacts": [person.card], "user_preferences": [person.ids("wa_id", "user_id") | choice]}
    return envelopes.about_number(business, said, "user_preferences")


def user_id_update(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The customer has another business-scoped id, told in the field of March 2026 instead of a `system` message."""
    before = chats.person(memory, business, wa_id)
    memory.record("user_id_changed", business=business.client_business_id, wa_id=wa_id)
    after = chats.person(memory, business, wa_id)
    ids = {"previous": before.user_id, "current": after.user_id}
    change = {
        "wa_id": wa_id,
        "detail": "User id has been updated",
        "user_id": ids,
        "timestamp": str(int(memory.clock())),
    }
    said = {"contacts": [after.card], "user_id_update": [change]}
    return envelopes.about_number(business, said, "user_id_update")


ANNOUNCEMENTS: dict[str, Deed] = {
    deed.__name__: deed
    for deed in (
        quality,
        name_approved,
        review,
        alert,
        capability,
        template_approved,
        template_paused,
        template_category,
        pin_changed,
        marketing_stop,
        marketing_resume,
        user_id_update,
    )
}
