"""Every type of message and of webhook that the make-believe Meta sends, in the shapes of Meta's documentation."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.test_sandbox import new_meta
from whatsapp import signature
from whatsapp.sandbox.chats import APP_KINDS, EVENTS
from whatsapp.sandbox.composing import KINDS
from whatsapp.sandbox.meta import DEMO, Meta
from whatsapp.sandbox.samples import SAMPLES, sha256

NUMBER, LUCIA, NAME = DEMO.phone_number_id, "34600000101", "Lucía Fernández"
USER_ID = DEMO.user_id(LUCIA)
TEXT = {"body": str}
REPLIED = {"from": str, "id": str}
FILE = {"mime_type": str, "sha256": str, "id": str}
# What a message has besides from, from_user_id, id and timestamp.
SHAPES: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": TEXT},
    "image": {"type": "image", "image": FILE},
    "video": {"type": "video", "video": FILE},
    "audio": {"type": "audio", "audio": FILE | {"voice": False}},
    "voice": {"type": "audio", "audio": FILE | {"voice": True}},
    "document": {"type": "document", "document": FILE | {"filename": str}},
    "sticker": {"type": "sticker", "sticker": FILE | {"animated": False}},
    "location": {
        "type": "location",
        "location": {"latitude": float, "longitude": float, "name": str, "address": str},
    },
    "contacts": {
        "type": "contacts",
        "contacts": [
            {
                "name": {"formatted_name": str, "first_name": str, "last_name": str},
                "phones": [{"phone": str, "wa_id": str, "type": "CELL"}],
                "emails": [{"email": str, "type": "WORK"}],
                "org": {"company": str},
            }
        ],
    },
    "button_reply": {
        "context": REPLIED,
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": str, "title": str}},
    },
    "list_reply": {
        "context": REPLIED,
        "type": "interactive",
        "interactive": {"type": "list_reply", "list_reply": {"id": str, "title": str, "description": str}},
    },
    "flow_reply": {
        "context": REPLIED,
        "type": "interactive",
        "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": str}},
    },
    "template_button": {"context": REPLIED, "type": "button", "button": {"payload": str, "text": str}},
    "reaction": {"type": "reaction", "reaction": {"message_id": str, "emoji": "👍"}},
    "reaction_removed": {"type": "reaction", "reaction": {"message_id": str}},
    "order": {
        "type": "order",
        "order": {
            "catalog_id": str,
            "product_items": [{"product_retailer_id": str, "quantity": int, "item_price": float, "currency": "EUR"}],
        },
    },
    "reply": {"context": REPLIED, "type": "text", "text": TEXT},
    "forwarded": {"context": {"forwarded": True}, "type": "text", "text": TEXT},
    "ad_referral": {
        "referral": {
            **dict.fromkeys(("source_url", "source_id", "headline", "body", "image_url", "ctwa_clid"), str),
            "source_type": "ad",
            "media_type": "image",
            "welcome_message": {"text": str},
        },
        "type": "text",
        "text": TEXT,
    },
    "edit": {"type": "edit", "edit": {"original_message_id": str, "message": {"type": "text", "text": TEXT}}},
    "revoke": {"type": "revoke", "revoke": {"original_message_id": str}},
    "changed_number": {"type": "system", "system": {"type": "user_changed_number", "body": str, "wa_id": str}},
    "changed_user_id": {
        "type": "system",
        "system": {"type": "user_changed_user_id", "body": str, "user_id": str, "previous_user_id": USER_ID},
    },
    "unsupported": {
        "type": "unsupported",
        "errors": [{"code": 131051, "title": str, "message": str, "error_data": {"details": str}}],
        "unsupported": {"type": str},
    },
    "unknown": {"type": "hologram", "hologram": {"id": str, "depth": int}},
    "group": {"group_id": str, "type": "text", "text": TEXT},
    "interactive_without_object": {"type": "interactive"},
}


@pytest.fixture
def meta() -> Meta:
    return new_meta()


@pytest.fixture
def chat(meta: Meta) -> Meta:
    """The customer has written, somebody of the business has answered in the app, and the customer thanked."""
    meta.customer_writes(NUMBER, LUCIA, NAME, "Hola", "wamid.HELLO")
    meta.business_app_writes(NUMBER, LUCIA, "Buenas", wamid="wamid.ECHO")
    meta.customer_writes(NUMBER, LUCIA, NAME, "Gracias", "wamid.THANKS")
    return meta


def has_shape(value: Any, shape: Any) -> bool:
    """The same keys all the way down, and of each value its type, or the value itself."""
    if isinstance(shape, type):
        return type(value) is shape and value != ""
    if isinstance(shape, list):
        return isinstance(value, list) and bool(value) and all(has_shape(item, shape[0]) for item in value)
    if isinstance(shape, dict):
        same = isinstance(value, dict) and set(value) == set(shape)
        return same and all(has_shape(value[key], inner) for key, inner in shape.items())
    return bool(value == shape)


def value_of(body: bytes) -> dict[str, Any]:
    [entry] = json.loads(body)["entry"]
    [change] = entry["changes"]
    assert entry["id"] == DEMO.waba_id
    assert change["value"]["metadata"] == {"display_phone_number": DEMO.digits, "phone_number_id": NUMBER}
    return {"field": change["field"], **change["value"]}


def sends(meta: Meta, kind: str, **options: Any) -> dict[str, Any]:
    return value_of(meta.customer_sends(NUMBER, LUCIA, NAME, kind, **options))


def test_every_kind_has_a_shape_here() -> None:
    assert set(SHAPES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_every_kind_has_metas_shape(chat: Meta, kind: str) -> None:
    value = sends(chat, kind)
    [message] = value["messages"]
    head = {"from": LUCIA, "from_user_id": USER_ID, "id": str, "timestamp": str}
    assert has_shape(message, head | SHAPES[kind]), message
    card = {"profile": {"name": NAME}, "wa_id": LUCIA, "user_id": USER_ID}
    assert value.get("contacts") == (None if message["type"] == "system" else [card])
    assert ("errors" in value) is (kind == "interactive_without_object")


@pytest.mark.parametrize("kind", KINDS)
def test_a_customer_with_a_username_is_known_by_the_user_id_alone(chat: Meta, kind: str) -> None:
    value = sends(chat, kind, identity="user_id")
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == USER_ID
    card = {"profile": {"name": NAME, "username": "lucia.fernandez"}, "user_id": USER_ID}
    assert value.get("contacts", [card]) == [card]


def test_a_webhook_of_former_times_has_the_phone_number_alone(meta: Meta) -> None:
    value = sends(meta, "text", identity="phone")
    assert value["contacts"] == [{"profile": {"name": NAME}, "wa_id": LUCIA}]
    assert "from_user_id" not in value["messages"][0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_message_comes_again_byte_for_byte(tmp_path: Path, kind: str) -> None:
    first = new_meta(tmp_path / "sandbox.jsonl")
    body = first.customer_sends(NUMBER, LUCIA, NAME, kind, wamid="wamid.ONE", text="", at=1763800000.5)
    first.customer_sends(NUMBER, LUCIA, "Another name", "changed_user_id")
    assert first.message_body("wamid.ONE") == body
    first.close()
    second = new_meta(tmp_path / "sandbox.jsonl")  # after a restart
    assert second.message_body("wamid.ONE") == body
    assert signature.is_signed(body, signature.sign(body, second.app_secret), second.app_secret)
    second.close()


def test_a_journal_of_former_times_is_read(tmp_path: Path) -> None:
    fact = {"fact": "message", "at": 1763800000.0, "wamid": "wamid.OLD", "phone_number_id": NUMBER, "wa_id": LUCIA}
    words = {"from_customer": True, "body": "Hola", "status": "accepted", "to": "", "opaque": ""}
    (tmp_path / "sandbox.jsonl").write_text(json.dumps(fact | words) + "\n")
    meta = new_meta(tmp_path / "sandbox.jsonl")
    [message] = value_of(meta.message_body("wamid.OLD"))["messages"]
    assert (message["id"], message["timestamp"], message["text"]) == ("wamid.OLD", "1763800000", {"body": "Hola"})
    meta.close()


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("reply", "wamid.ECHO"),
        ("button_reply", "wamid.ECHO"),
        ("reaction", "wamid.ECHO"),
        ("edit", "wamid.THANKS"),
        ("revoke", "wamid.THANKS"),
    ],
)
def test_what_a_message_is_about_is_the_last_one_that_fits(chat: Meta, kind: str, about: str) -> None:
    [message] = sends(chat, kind)["messages"]
    named = message.get("context") or message[message["type"]]
    assert about in named.values()


def test_what_must_be_about_something_may_be_about_something_unknown(meta: Meta) -> None:
    [message] = sends(meta, "reaction")["messages"]
    assert message["reaction"]["message_id"].startswith("wamid.")
    assert "context" not in sends(meta, "button_reply")["messages"][0]


def test_the_phone_shows_what_was_edited_deleted_and_reacted_to(chat: Meta) -> None:
    sends(chat, "edit", text="Muchas gracias")
    sends(chat, "revoke", about="wamid.HELLO")
    sends(chat, "reaction")
    hello, echo, thanks = (chat.memory.messages[f"wamid.{name}"] for name in ("HELLO", "ECHO", "THANKS"))
    assert (hello.deleted, echo.reaction, thanks.edited) == (True, "👍", "Muchas gracias")
    sends(chat, "reaction_removed")
    assert not echo.reaction


def test_an_edited_caption_keeps_its_picture(meta: Meta) -> None:
    [picture] = sends(meta, "image", text="Our table")["messages"]
    [edit] = sends(meta, "edit", text="Our terrace")["messages"]
    assert edit["edit"]["message"] == {"type": "image", "image": picture["image"] | {"caption": "Our terrace"}}


def test_who_has_a_new_user_id_writes_with_it(meta: Meta) -> None:
    [message] = sends(meta, "changed_user_id")["messages"]
    changed = message["system"]["user_id"]
    assert sends(meta, "text")["messages"][0]["from_user_id"] == changed != USER_ID


def test_who_has_a_new_number_writes_with_it(meta: Meta) -> None:
    [message] = sends(meta, "changed_number")["messages"]
    assert meta.memory.customers[message["system"]["wa_id"]] == NAME


def test_an_unknown_kind_or_identity_is_refused(meta: Meta) -> None:
    with pytest.raises(ValueError, match="one of text, image"):
        sends(meta, "telegram")
    with pytest.raises(ValueError, match="one of both, phone"):
        sends(meta, "text", identity="passport")


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


def test_every_sample_is_what_it_says() -> None:
    beginnings = {
        "image": b"\xff\xd8\xff",
        "video": b"ftyp",
        "audio": b"\xff\xfb",
        "voice": b"OggS",
        "document": b"%PDF-",
        "sticker": b"WEBP",
    }
    assert all(beginnings[kind] in sample.content[:12] for kind, sample in SAMPLES.items())


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_is_named_by_an_id_and_by_what_is_in_it(meta: Meta, kind: str) -> None:
    [message] = sends(meta, kind)["messages"]
    file = message[message["type"]]
    assert file["id"].isdigit()
    assert (file["mime_type"], file["sha256"]) == (SAMPLES[kind].mime_type, sha256(SAMPLES[kind].content))
    assert kind not in EVENTS
