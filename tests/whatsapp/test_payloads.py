"""Any webhook body becomes items of our own; nothing makes the parser raise, and no oddity costs a sibling."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PAYLOADS
from whatsapp.payloads import Content, InboundMessage, Person, Skipped, StatusUpdate, parse


def parsed(name: str):
    return parse((PAYLOADS / f"{name}.json").read_text())


def test_a_text_message():
    [message] = parsed("text")
    assert isinstance(message, InboundMessage)
    assert (message.phone_number_id, message.wamid) == ("101700000000001", "wamid.TEXT")
    assert message.sent_at == datetime(2026, 11, 18, 11, 6, 41, tzinfo=UTC)
    assert message.customer == Person("34600000101", "ES.11111111111111111111", "Lucía")
    assert message.content == Content("text", "Hola 😀")


def test_a_sender_may_have_no_phone_number():
    [message] = parsed("text_without_phone")
    assert message.customer == Person("", "DE.22222222222222222222", "Mia", "mia.k")


def test_each_item_carries_its_own_number():
    assert [(m.phone_number_id, m.content.text) for m in parsed("two_numbers_one_post")] == [
        ("101700000000001", "uno"),
        ("101700000000003", "two"),
    ]


def test_a_failed_status_says_why():
    [status] = parsed("failed_status")
    assert isinstance(status, StatusUpdate)
    assert (status.wamid, status.status, status.error_code) == ("wamid.OUT", "failed", 131047)
    assert status.error_detail == "More than 24 hours have passed."


def test_a_good_message_is_found_among_odd_ones_and_can_be_stored():
    good = [item for item in parsed("good_beside_odd") if isinstance(item, InboundMessage)]
    assert [(item.wamid, item.content.text) for item in good] == [("wamid.HOLOGRAM", ""), ("wamid.GOOD", "good�")]


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "7", "{", "[" * 100_000, '{"object":"page","entry":[]}'])
def test_a_body_that_is_no_webhook_of_whatsapp_is_skipped(body):
    [item] = parse(body)
    assert isinstance(item, Skipped)


TEMPLATES = [json.loads(path.read_text()) for path in sorted(PAYLOADS.glob("*.json"))]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("101700000000001"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value, path=()):
    """The path of every value inside this one."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


@given(st.data())
def test_no_mutation_of_a_body_makes_it_raise_or_give_text_that_cannot_be_stored(data):
    payload = json.loads(json.dumps(data.draw(st.sampled_from(TEMPLATES))))
    *path, last = data.draw(st.sampled_from(sorted(places(payload), key=str)))
    place = payload
    for key in path:
        place = place[key]
    place[last] = data.draw(ODD)
    for item in parse(json.dumps(payload)):
        for text in vars(item).values():
            if isinstance(text, str):
                assert "\0" not in text
                text.encode()  # no half surrogates


def test_two_numbers_of_one_post_do_not_share_their_contacts():
    assert all(message.customer.name == "" for message in parsed("two_numbers_one_post"))
