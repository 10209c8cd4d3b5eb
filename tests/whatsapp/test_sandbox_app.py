"""What the make-believe Meta tells of a number that is in the WhatsApp Business app too."""

import pytest

from tests.whatsapp.test_sandbox_types import LUCIA, NAME, NUMBER, SHAPES, USER_ID, chat, has_shape, meta, value_of
from whatsapp.sandbox.chats import APP_KINDS
from whatsapp.sandbox.meta import DEMO, Meta

__all__ = ["chat", "meta"]  # fixtures


@pytest.mark.parametrize("kind", APP_KINDS)
def test_an_echo_says_to_whom_the_business_wrote_in_its_app(chat: Meta, kind: str) -> None:
    value = value_of(chat.business_app_writes(NUMBER, LUCIA, "", kind))
    [echo] = value["message_echoes"]
    assert value["field"] == "smb_message_echoes"
    head = {"from": DEMO.digits, "to": LUCIA, "to_user_id": USER_ID, "id": str, "timestamp": str}
    assert has_shape(echo, head | SHAPES[kind]), echo
    assert not chat.sent
    hidden = value_of(chat.business_app_writes(NUMBER, LUCIA, "", kind, identity="user_id"))["message_echoes"][0]
    assert "to" not in hidden


def test_an_app_edits_and_deletes_its_own_words_only(chat: Meta) -> None:
    for kind in ("edit", "revoke"):
        [echo] = value_of(chat.business_app_writes(NUMBER, LUCIA, "", kind))["message_echoes"]
        assert echo[kind]["original_message_id"] == "wamid.ECHO"


def test_an_old_chat_goes_both_ways_and_has_media_only_in_name(meta: Meta) -> None:
    value = value_of(meta.history(NUMBER, LUCIA, 10))
    [chunk] = value["history"]
    [thread] = chunk["threads"]
    assert (value["field"], chunk["metadata"], thread["id"]) == (
        "history",
        {"phase": 0, "chunk_order": 1, "progress": 100},
        LUCIA,
    )
    messages = thread["messages"]
    assert {message["from"] for message in messages} == {LUCIA, DEMO.digits}
    assert [message["type"] for message in messages].count("media_placeholder") == 2
    assert {message["history_context"]["status"] for message in messages} == {"READ", "DELIVERED"}
    assert sorted(message["timestamp"] for message in messages) == [message["timestamp"] for message in messages]
    assert not meta.memory.messages


def test_a_business_may_not_share_its_old_chats(meta: Meta) -> None:
    value = value_of(meta.history_declined(NUMBER))
    assert value["history"][0]["errors"][0]["code"] == 2593109


def test_the_address_book_says_who_came_and_who_went(meta: Meta) -> None:
    added, removed = value_of(meta.contacts_sync(NUMBER, LUCIA, removed=["34600000102"]))["state_sync"]
    person = {"full_name": NAME, "first_name": "Lucía", "phone_number": LUCIA}
    assert (added["action"], added["contact"]) == ("add", person)
    assert (removed["action"], removed["contact"]) == ("remove", {"phone_number": "34600000102"})


def test_an_old_chat_with_a_username_names_no_phone_number(meta: Meta) -> None:
    [thread] = value_of(meta.history(NUMBER, LUCIA, 2, "user_id"))["history"][0]["threads"]
    assert thread["context"] == {"user_id": USER_ID, "username": "lucia.fernandez"}
    assert "id" not in thread
    assert [("from" in message, "to" in message) for message in thread["messages"]] == [(False, True), (True, False)]
