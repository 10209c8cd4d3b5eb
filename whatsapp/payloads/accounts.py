"""The fields about accounts, their numbers and templates. Knows Meta's shapes; nothing of what follows from them.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
"""

from collections.abc import Iterator

from whatsapp.payloads.changes import Change
from whatsapp.payloads.items import AccountUpdate, Item
from whatsapp.payloads.reading import JSON, digits, identifier, mapping, mappings, moment, text

ACCOUNT_FIELDS = (
    "account_update",
    "account_review_update",
    "account_alerts",
    "account_offboarded",
    "account_reconnected",
    "business_capability_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "security",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
)
# The most telling word first; a point leads into an object.
EVENTS = ("event", "decision", "alert_info.alert_type", "alert_type", "new_category", "new_quality_score")
DETAILS = (
    "ban_info.waba_ban_state",
    "violation_info.violation_type",
    "disconnection_info.reason",
    "alert_info.alert_severity",
    "alert_info.alert_status",
    "alert_info.alert_description",
    "message_template_name",
    "message_template_language",
    "previous_category",
    "previous_quality_score",
    "requested_verified_name",
    "reason",
    "rejection_reason",
    "current_limit",
)
LIMITS = (
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",
    "max_phone_numbers_per_business",
    "max_phone_numbers_per_waba",
)


def account_updates(change: Change) -> Iterator[Item]:
    """One item a change, of whatever it says."""
    value = change.value
    if value:
        account = mapping(value.get("waba_info"))
        event = next((word for path in EVENTS if (word := _word(value, path))), change.field)[:100]
        yield AccountUpdate(
            waba_id=_waba_id(change, event),
            display_phone_number=digits(value.get("display_phone_number")) or digits(value.get("phone_number")),
            field=change.field,
            event=event,
            detail=_detail(value),
            app_id=text(account.get("partner_app_id")),
            at=change.told_at or moment(value.get("timestamp")),
            raw=value,
        )


def _waba_id(change: Change, event: str) -> str:
    """The entry is the account; but of a partner's events it is the partner, and the account is named within."""
    of_partner = event.startswith("PARTNER_") or event == "AD_ACCOUNT_LINKED"
    named = mapping(change.value.get("waba_info")).get("waba_id") if of_partner else None
    return identifier(named, 64) or identifier(change.value.get("waba_id"), 64) or change.account_id


def _detail(value: JSON) -> str:
    restrictions = [text(each.get("restriction_type")) for each in mappings(value.get("restriction_info"))]
    words = [*restrictions, *(_word(value, path) for path in DETAILS)]
    limits = [f"{key} {text(value[key])}" for key in LIMITS if text(value.get(key))]
    return ", ".join(word for word in (*words, *limits) if word not in ("", "NONE"))


def _word(value: JSON, path: str) -> str:
    *parents, last = path.split(".")
    for parent in parents:
        value = mapping(value.get(parent))
    return text(value.get(last))
