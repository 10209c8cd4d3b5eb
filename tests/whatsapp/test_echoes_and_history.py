"""What the business itself has said, now and before it came to us."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import parsed
from whatsapp.payloads import Content, Echo, InboundMessage, PastMessage, Person, Skipped

LUCIA = Person("34600000101", "ES.11111111111111111111")
MIA = Person("", "DE.22222222222222222222")

ECHOES = {
    "echo": (Person("34600000101"), Content("text", "said by a person on the phone")),
    "echo_text": (LUCIA, Content("text", "Te llamo ahora")),
    "echo_of_bot": (LUCIA, Content("text", "Estamos cerrados")),
    "echo_edit": (LUCIA, Content("edit", "Te llamo luego", {"type": "text"}, refers_to="wamid.ECHOTEXT")),
    "echo_revoke": (MIA, Content("revoke", refers_to="wamid.ECHOTEXT")),
    "echo_without_time": (LUCIA, Content("text", "sin hora")),
}


@pytest.mark.parametrize("name", ECHOES)
def test_an_echo_is_to_a_customer(name):
    [echo] = parsed(name)
    assert isinstance(echo, Echo)
    assert (echo.customer, echo.content) == ECHOES[name]


def test_an_echo_may_have_media():
    [echo] = parsed("echo_image")
    assert isinstance(echo, Echo)
    assert echo.content.media
    assert echo.content.media.media_id == "900000000000009"


def test_an_echo_without_a_time_is_of_now():
    [echo] = parsed("echo_without_time")
    assert isinstance(echo, Echo)
    assert abs(datetime.now(UTC) - echo.sent_at) < timedelta(minutes=1)


def test_echoes_are_found_among_messages_too():
    message, echo, without_sender = parsed("echo_among_messages")
    assert isinstance(message, InboundMessage)
    assert isinstance(echo, Echo)
    assert isinstance(without_sender, Echo)
    assert (echo.content.text, without_sender.content.text) == ("Hola, soy Marta", "sin remitente")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("echo_to_nobody", "message without a known recipient"),
        ("echo_without_number", "smb_message_echoes without a phone_number_id"),
        ("history_declined", "history declined"),
        ("history_progress", "nothing in history"),
    ],
)
def test_what_cannot_be_placed_is_named(name, what):
    assert parsed(name) == [Skipped(what)]


def past(name: str) -> list[PastMessage]:
    items = parsed(name)
    assert all(isinstance(item, PastMessage) for item in items)
    return [item for item in items if isinstance(item, PastMessage)]


def test_the_history_says_who_said_what_in_which_thread():
    assert [(m.customer.wa_id, m.from_business, m.content.text, m.status) for m in past("history")] == [
        ("34600000101", False, "pastone", "read"),
        ("34600000101", True, "pasttwo", "delivered"),
        ("34600000102", False, "pastthree", "pending"),
        ("34600000101", True, "pastfour", "error"),
    ]


def test_a_thread_may_be_of_somebody_without_a_phone():
    mia = Person("", "DE.22222222222222222222", "", "mia.k")
    assert [(m.customer, m.from_business) for m in past("history_by_user_id")] == [(mia, False), (mia, True)]


def test_past_media_come_after_their_placeholder_and_are_not_new_messages():
    [placeholder] = past("history_placeholder")
    media, ours = past("history_media")
    assert placeholder.content == Content("media_placeholder")
    assert (media.wamid, media.content.type) == (placeholder.wamid, "image")
    assert (media.from_business, ours.from_business) == (False, True)
    assert media.customer.wa_id == ours.customer.wa_id == "34600000101"
