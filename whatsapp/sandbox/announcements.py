"""What Meta tells of an account, a number, a template or a customer's wishes without being asked.

Knows nothing of who makes it happen. One page for each field:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from whatsapp.sandbox import chats, envelopes
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.memory import Json, Memory
from whatsapp.sandbox.templates import template_named

# A deed of the business, or of the customer who is named: what is said, and the facts that are true once it is done.
Said = tuple[bytes, list[Json]]
Deed = Callable[[Memory, Business, str], Said]
TEMPLATE = "booking_reminder"  # the one to which everything happens
DEFERRED = {
    "alert_severity": "WARNING",
    "alert_status": "ACTIVE",
    "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
    "alert_description": "Higher limits were put off: too little has been sent yet.",
}
RATE_LIMIT = {
    "code": 130429,
    "title": "Rate limit hit",
    "message": "Rate limit hit",
    "error_data": {"details": "Too many messages were sent from this number within a short time."},
    "href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes",
}
NOT_ALLOWED = {
    "reason": "The values stand side by side, so nobody can tell what the message says.",
    "recommendation": "Put words between the values, and an example beside each.",
}
LOWER = {"GREEN": "YELLOW", "YELLOW": "RED"}
FIRST_PAUSE = {"title": "FIRST_PAUSE", "description": "Paused for three hours: several people have reported it."}


def _account(memory: Memory, business: Business, field: str, **value: Any) -> Said:
    """A field of the account: no phone_number_id in it, and a time beside it."""
    return envelopes.envelope(business, value, field, at=memory.clock()), []


def quality(memory: Memory, business: Business, wa_id: str) -> Said:
    """The number may write to fewer people a day."""
    limits = {"old_limit": "TIER_2K", "current_limit": "TIER_250", "max_daily_conversations_per_business": "TIER_250"}
    about = {"display_phone_number": business.digits, "event": "DOWNGRADE"}
    return _account(memory, business, "phone_number_quality_update", **about, **limits)


def name_approved(memory: Memory, business: Business, wa_id: str) -> Said:
    """The number's name was looked at."""
    decision = {"decision": "APPROVED", "requested_verified_name": business.verified_name, "rejection_reason": "NONE"}
    return _account(memory, business, "phone_number_name_update", display_phone_number=business.digits, **decision)


def review(memory: Memory, business: Business, wa_id: str) -> Said:
    """The account was looked at."""
    return _account(memory, business, "account_review_update", decision="APPROVED")


def alert(memory: Memory, business: Business, wa_id: str) -> Said:
    """Something to know about the account."""
    entity = {"entity_type": "WABA", "entity_id": business.waba_id}
    return _account(memory, business, "account_alerts", **entity, alert_info=DEFERRED)


def capability(memory: Memory, business: Business, wa_id: str) -> Said:
    """How much the business may do from now on."""
    limits = {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_business": 20}
    return _account(memory, business, "business_capability_update", **limits, max_phone_numbers_per_waba=20)


def template_approved(memory: Memory, business: Business, wa_id: str) -> Said:
    """A template may be sent.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
    """
    return _template_status(memory, business, "APPROVED", reason="NONE")


def template_rejected(memory: Memory, business: Business, wa_id: str) -> Said:
    """A template may not be sent as it is written."""
    return _template_status(memory, business, "REJECTED", reason="INVALID_FORMAT", rejection_info=NOT_ALLOWED)


def template_paused(memory: Memory, business: Business, wa_id: str) -> Said:
    """A template may not be sent for a while."""
    return _template_status(memory, business, "PAUSED", reason=None, other_info=FIRST_PAUSE)


def template_disabled(memory: Memory, business: Business, wa_id: str) -> Said:
    """A template may never be sent again."""
    since = {"disable_date": int(memory.clock())}
    return _template_status(memory, business, "DISABLED", reason="NONE", disable_info=since)


def template_quality(memory: Memory, business: Business, wa_id: str) -> Said:
    """People like a template less; when it cannot be less, all is well again.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_quality_update
    """
    template = template_named(memory, business, TEMPLATE)
    before = template["quality_score"]["score"]
    after = LOWER.get(before, "GREEN")
    scores = {"previous_quality_score": before, "new_quality_score": after}
    said = _account(memory, business, "message_template_quality_update", **_ids(template), **scores)[0]
    return said, [_changed(template, quality_score={"score": after})]


def template_category(memory: Memory, business: Business, wa_id: str) -> Said:
    """A template costs something else from now on.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/template_category_update
    """
    template = template_named(memory, business, TEMPLATE)
    before = template["category"]
    after = "MARKETING" if before == "UTILITY" else "UTILITY"
    change = {"previous_category": before, "new_category": after}
    said = _account(memory, business, "template_category_update", **_ids(template), **change)[0]
    return said, [_changed(template, category=after)]


def _template_status(memory: Memory, business: Business, status: str, **facts: Any) -> Said:
    template = template_named(memory, business, TEMPLATE)
    facts |= _ids(template) | {"message_template_category": template["category"]}
    said = _account(memory, business, "message_template_status_update", event=status, **facts)[0]
    rejected_reason = facts["reason"] if status == "REJECTED" else "NONE"
    return said, [_changed(template, status=status, rejected_reason=rejected_reason)]


def _ids(template: Json) -> Json:
    """The template as webhooks name it: the id is a number here."""
    names = {"message_template_name": template["name"], "message_template_language": template["language"]}
    return {"message_template_id": int(template["id"]), **names}


def _changed(template: Json, **changes: Any) -> Json:
    return {"fact": "template_changed", "template_id": template["id"], "changes": changes}


def pin_changed(memory: Memory, business: Business, wa_id: str) -> Said:
    """Somebody set a PIN that we do not know."""
    number, said = business.phone_number_id, envelopes.security(business, "PIN_CHANGED", memory.clock())
    fact = {"fact": "registered", "phone_number_id": number, "pin_digest": ""}
    return said, [fact] if number in memory.registered else []


def marketing_stop(memory: Memory, business: Business, wa_id: str) -> Said:
    """The customer wants no marketing."""
    return _preference(memory, business, wa_id, "stop", "User requested to stop marketing messages")


def marketing_resume(memory: Memory, business: Business, wa_id: str) -> Said:
    """The customer wants marketing again."""
    return _preference(memory, business, wa_id, "resume", "User requested to resume marketing messages")


def _preference(memory: Memory, business: Business, wa_id: str, value: str, detail: str) -> Said:
    person, at = chats.person(memory, business, wa_id), int(memory.clock())
    choice = {"detail": detail, "category": "marketing_messages", "value": value, "timestamp": at}
    said = {"contacts": [person.card], "user_preferences": [person.ids("wa_id", "user_id") | choice]}
    return envelopes.about_number(business, said, "user_preferences"), []


def user_id_update(memory: Memory, business: Business, wa_id: str) -> Said:
    """The customer has another business-scoped id, told in the field of March 2026 instead of a `system` message."""
    before = chats.person(memory, business, wa_id)
    after = replace(before, user_id=memory.user_id(business, wa_id, after=1))
    ids = {"previous": before.user_id, "current": after.user_id}
    change = {
        "wa_id": wa_id,
        "detail": "User id has been updated",
        "user_id": ids,
        "timestamp": str(int(memory.clock())),
    }
    said = {"contacts": [after.card], "user_id_update": [change]}
    fact = {"fact": "user_id_changed", "business": business.client_business_id, "wa_id": wa_id}
    return envelopes.about_number(business, said, "user_id_update"), [fact]


def number_error(memory: Memory, business: Business, wa_id: str) -> Said:
    """Something went wrong with the number, and no message of anybody is named.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/errors
    """
    return envelopes.about_number(business, {"errors": [RATE_LIMIT]}, "messages"), []


def unknown_field(memory: Memory, business: Business, wa_id: str) -> Said:
    """A field that Meta has not thought of yet."""
    return _account(memory, business, "telepathy_update", event="THOUGHT", thoughts=[{"of": business.verified_name}])


ANNOUNCEMENTS: dict[str, Deed] = {
    deed.__name__: deed
    for deed in (
        quality,
        name_approved,
        review,
        alert,
        capability,
        template_approved,
        template_rejected,
        template_paused,
        template_disabled,
        template_quality,
        template_category,
        pin_changed,
        marketing_stop,
        marketing_resume,
        user_id_update,
        number_error,
        unknown_field,
    )
}
