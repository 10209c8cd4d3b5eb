"""What became of a message of ours, in every shape that Meta tells it."""

from datetime import UTC, datetime

import pytest

from tests.conftest import parsed
from whatsapp.payloads import InboundMessage, Skipped, StatusUpdate

STATUSES = {
    "status_sent": ["sent"],
    "status_delivered": ["delivered"],
    "status_read": ["read"],
    "status_played": ["played"],
    "failed_status": ["failed"],
    "status_without_recipient": ["delivered"],
    "status_of_user_id": ["read"],
    "status_of_unknown_word": ["in_orbit", "deleted"],
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_is_kept_in_metas_word(name):
    items = [item for item in parsed(name) if isinstance(item, StatusUpdate)]
    assert [(item.wamid, item.status) for item in items] == [("wamid.OUT", word) for word in STATUSES[name]]


def test_a_status_has_everything_that_is_told():
    [status] = parsed("status_sent")
    assert isinstance(status, StatusUpdate)
    assert status.at == datetime.fromtimestamp(int(status.raw["timestamp"]), UTC)
    assert status.phone_number_id == "101700000000001"
    assert status.callback_data == "0199d3a0-0000-7000-8000-000000000001"
    assert status.pricing == {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    assert (status.error_code, status.error_detail) == (None, "")


def test_a_status_without_a_price_has_none():
    [status] = parsed("status_delivered")
    assert isinstance(status, StatusUpdate)
    assert status.pricing is None


def test_a_failed_status_says_why_and_zero_is_a_code():
    told = [
        (s.error_code, s.error_detail) for s in failures("failed_status") + failures("status_failed_with_code_zero")
    ]
    assert told == [
        (131047, "More than 24 hours have passed."),
        (0, "AuthException"),
        (131049, "Not delivered"),
        (None, ""),
    ]


def failures(name: str) -> list[StatusUpdate]:
    return [item for item in parsed(name) if isinstance(item, StatusUpdate)]


def test_statuses_of_calls_and_groups_and_without_the_needful_are_named():
    unusable = Skipped("status without a usable id, word or time")
    assert parsed("status_not_for_us") == [
        Skipped("status of a call"),
        Skipped("status in a group"),
        unusable,
        unusable,
        unusable,
    ]


def test_an_odd_status_costs_no_message_beside_it():
    message, status = parsed("status_beside_message")
    assert isinstance(message, InboundMessage)
    assert message.content.text == "sigo aquí"
    assert isinstance(status, StatusUpdate)
    assert (status.error_code, status.error_detail) == (None, "")
