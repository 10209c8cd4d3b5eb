"""Any webhook body becomes items of our own; nothing makes the parser raise, and no oddity costs a sibling."""

import json
from copy import deepcopy
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PAYLOADS, parsed
from tests.mutations import TEMPLATES, mutated
from whatsapp.payloads import Content, InboundMessage, Item, Skipped, parse
from whatsapp.payloads.reading import DEEPEST


def test_a_message_is_kept_with_all_that_routes_it():
    [message] = parsed("text")
    assert isinstance(message, InboundMessage)
    assert (message.phone_number_id, message.wamid) == ("101700000000001", "wamid.TEXT")
    assert message.sent_at == datetime(2026, 11, 18, 11, 6, 41, tzinfo=UTC)
    assert message.raw["text"] == {"body": "Hola 😀"}


def test_each_item_carries_its_own_number():
    messages = [item for item in parsed("two_numbers_one_post") if isinstance(item, InboundMessage)]
    assert [(message.phone_number_id, message.wamid, message.content.text) for message in messages] == [
        ("101700000000001", "wamid.SAME", "uno"),
        ("101700000000003", "wamid.SAME", "two"),
    ]


def test_a_good_message_is_found_among_odd_ones_and_can_be_stored():
    messages = [item for item in parsed("good_beside_odd") if isinstance(item, InboundMessage)]
    assert messages[-1].content == Content("text", "good�")
    assert messages[-1].raw["text"] == {"body": "good�"}


def test_a_message_at_an_impossible_time_costs_no_other():
    *impossible, possible = parsed("impossible_times")
    assert impossible == [Skipped("message without a possible time")] * 3
    assert isinstance(possible, InboundMessage)


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "7", "{", "[" * 100_000, '{"object":"page","entry":[]}'])
def test_a_body_that_is_no_webhook_of_whatsapp_is_skipped(body):
    [item] = parse(body)
    assert isinstance(item, Skipped)


def test_nonsense_is_counted_and_what_has_sense_is_found_in_it():
    *skipped, message = parsed("nonsense")
    assert {type(item) for item in skipped} == {Skipped}
    assert isinstance(message, InboundMessage)
    assert message.content.text == "without its list"


@pytest.mark.parametrize("name", ["group", "keys_beside_messages", "unknown_field", "unused_fields"])
def test_what_nobody_acts_upon_is_named(name):
    assert [item.what for item in parsed(name) if isinstance(item, Skipped)] == {
        "group": ["message in a group"],
        "keys_beside_messages": ["errors of the number", "a user action", "a call", "unknown key thoughts"],
        "unknown_field": ["unknown field telepathy_with_a_name_that_is_longer_tha", "field without a name"],
        "unused_fields": [
            "field calls",
            "field group_lifecycle_update",
            "field group_participants_update",
            "field group_settings_update",
            "field group_status_update",
            "field automatic_events",
            "field partner_solutions",
            "field payment_configuration_update",
            "field account_settings_update",
            "field business_username_update",
            "field business_username_updates",
        ],
    }[name]


def with_text(**changes: Any) -> str:
    """The text message with something else in it."""
    payload = json.loads((PAYLOADS / "text.json").read_text())
    payload["entry"][0]["changes"][0]["value"]["messages"][0].update(changes)
    return json.dumps(payload)


def test_what_is_nested_too_deeply_is_cut_and_the_message_kept():
    deep: list[Any] = []
    for _level in range(200):
        deep = [deep]
    [message] = parse(with_text(deep=deep))
    assert isinstance(message, InboundMessage)
    assert json.dumps(message.raw).count("[") < DEEPEST


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "1e999", "9" * 5000])
def test_a_number_that_cannot_be_stored_costs_no_message(odd):
    [message] = parse(with_text(odd="HERE").replace('"HERE"', odd))
    assert isinstance(message, InboundMessage)
    assert message.raw["odd"] in (None, odd)


LONGEST = {"wamid": 255, "phone_number_id": 64, "wa_id": 64, "user_id": 160, "name": 500, "username": 100, "type": 40}
LONGEST |= {"refers_to": 255, "media_id": 255, "mime_type": 100, "filename": 255, "status": 40, "what": 80}


def assert_storable(value: Any) -> None:
    """PostgreSQL takes it: no NUL, no half surrogates, no NaN, nothing that is too long for its column."""
    if is_dataclass(value):
        for field in fields(value):
            part = getattr(value, field.name)
            assert_storable(part)
            assert not isinstance(part, str) or len(part) <= LONGEST.get(field.name, len(part))
    elif isinstance(value, str | dict):
        spelled = json.dumps(value, allow_nan=False, ensure_ascii=False)
        assert "\\u0000" not in spelled
        spelled.encode()


@given(st.data())
def test_no_mutation_of_a_body_makes_it_raise_or_give_what_cannot_be_stored(data):
    payload = deepcopy(TEMPLATES[data.draw(st.sampled_from(sorted(TEMPLATES)))])
    for _times in range(data.draw(st.integers(1, 5))):
        payload = mutated(payload, data)
    for item in parse(json.dumps(payload)):
        assert_storable(item)


def timeless(items: list[Item]) -> list[dict[str, Any]]:
    """Without the one thing that differs from call to call: the time of what has none."""
    return [
        {"is": type(item), **vars(item)} | ({"sent_at": None} if "wamid.ECHONOTIME" in str(item) else {})
        for item in items
    ]


@given(st.data())
def test_what_is_odd_in_one_entry_costs_nothing_in_its_siblings(data):
    first, odd, last = (data.draw(st.sampled_from(sorted(TEMPLATES))) for _entry in range(3))
    mutant = mutated(deepcopy(TEMPLATES[odd]["entry"]), data)
    entries = [*TEMPLATES[first]["entry"], *mutant, *TEMPLATES[last]["entry"]]
    items = timeless(parse(json.dumps({**TEMPLATES["text"], "entry": entries})))
    before, after = timeless(parsed(first)), timeless(parsed(last))
    assert items[: len(before)] == before
    assert items[len(items) - len(after) :] == after
