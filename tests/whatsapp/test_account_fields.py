"""Every field about an account says in two words what happened, when, and to which account or number."""

from datetime import datetime

import pytest

from tests.conftest import parsed
from whatsapp.payloads import AccountUpdate, Skipped

OURS, OTHER, NUMBER = "201700000000001", "201700000000003", "34910555010"
LIMITS = "max_daily_conversations_per_business TIER_2K, max_phone_numbers_per_waba 20"
RESTRICTIONS = "RESTRICTED_BIZ_INITIATED_MESSAGING, RESTRICTED_ADD_PHONE_NUMBER_ACTION"

UPDATES = {
    "account_update": (OURS, "", "account_update", "PARTNER_REMOVED", ""),
    "account_restriction": (OURS, "", "account_update", "ACCOUNT_RESTRICTION", RESTRICTIONS),
    "account_disabled": (OURS, "", "account_update", "DISABLED_UPDATE", "DISABLE"),
    "account_violation": (OURS, "", "account_update", "ACCOUNT_VIOLATION", "SPAM"),
    "security": (OURS, NUMBER, "security", "PIN_CHANGED", ""),
    "account_review": (OURS, "", "account_review_update", "REJECTED", ""),
    "account_alert": (OURS, "", "account_alerts", "OBA_APPROVED", "CRITICAL, ACTIVE, Look at your account."),
    "account_offboarded": (OTHER, "", "account_offboarded", "account_offboarded", "USER_INITIATED"),
    "account_reconnected": (OURS, "", "account_reconnected", "account_reconnected", ""),
    "capability": (OURS, "", "business_capability_update", "business_capability_update", LIMITS),
    "number_quality": (OURS, NUMBER, "phone_number_quality_update", "DOWNGRADE", "TIER_1K"),
    "number_name": (OURS, NUMBER, "phone_number_name_update", "REJECTED", "Alameda, NAME_TOO_GENERIC"),
    "template_status": (OURS, "", "message_template_status_update", "REJECTED", "booking, es, INVALID_FORMAT"),
    "template_quality": (OURS, "", "message_template_quality_update", "RED", "booking, es, GREEN"),
    "template_components": (
        OURS,
        "",
        "message_template_components_update",
        "message_template_components_update",
        "booking, es",
    ),
    "template_category": (OURS, "", "template_category_update", "MARKETING", "booking, es, UTILITY"),
}


@pytest.mark.parametrize("name", UPDATES)
def test_what_is_said_about_an_account(name):
    [item] = parsed(name)
    assert isinstance(item, AccountUpdate)
    told = (item.waba_id, item.display_phone_number, item.field, item.event, item.detail)
    assert told == UPDATES[name]
    assert isinstance(item.at, datetime)
    assert item.raw


def test_a_field_that_says_nothing_is_named():
    assert parsed("account_field_without_value") == [Skipped("nothing in account_update")]
