"""What a tenant reads of every type of message, in the order in which things were said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from conversations.models import Conversation, Message, WhatsappUser
from tenants.pagination import behind
from tests.conversations.test_api import URL, read_all
from whatsapp.models import WhatsappConnection

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def talk(connection: WhatsappConnection) -> Conversation:
    user = WhatsappUser.objects.create(
        tenant=connection.tenant,
        portfolio_id="77",
        user_id="ES.1",
        username="lucia.v",
        contact_name="Lucía (mesa 4)",
        marketing="stop",
    )
    return Conversation.objects.create(tenant=connection.tenant, connection=connection, whatsapp_user=user)


@pytest.fixture
def read(api):
    """The messages of this conversation, as its tenant reads them."""

    def read(talk: Conversation, limit: int = 100) -> list[dict[str, Any]]:
        return read_all(api(talk.tenant), f"{URL}/{talk.pk}/messages", limit)

    return read


def say(talk: Conversation, text: str = "", said_at: datetime | None = None, **fields: object) -> Message:
    message = talk.append(direction="inbound", status="received", text=text, **fields)
    if said_at:
        Message.objects.filter(pk=message.pk).update(said_at=said_at)
    return message


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_messages_stand_as_they_were_said_not_as_they_came(talk, read, limit):
    for text, minute in [("third", 3), ("first", 1), ("second", 2)]:
        say(talk, text, NOON + timedelta(minutes=minute))
    assert [item["text"] for item in read(talk, limit)] == ["third", "second", "first"]


@pytest.mark.parametrize("limit", [1, 2])
def test_a_cursor_tells_microseconds_apart_and_messages_of_the_same_one(talk, read, limit):
    for microsecond in (1, 2, 2, 2, 3, 3):
        say(talk, str(microsecond), NOON.replace(microsecond=microsecond))
    items = read(talk, limit)
    assert [item["text"] for item in items] == ["3", "3", "2", "2", "2", "1"]
    assert len({item["id"] for item in items}) == 6


def test_a_message_says_all_that_is_known_of_it(talk, read):
    pricing = {"type": "free_customer_service", "category": "service", "pricing_model": "PMP"}
    content = {"latitude": 40.4, "longitude": -3.7, "name": "Sol", "address": "", "url": ""}
    say(talk, type="location", content=content, refers_to="wamid.Q", pricing=pricing, edited_at=NOON, revoked_at=NOON)
    [item] = read(talk)
    assert (item["type"], item["author"], item["content"]) == ("location", "customer", content)
    assert (item["refers_to"], item["pricing"]) == ("wamid.Q", pricing)
    assert item["edited_at"] == item["revoked_at"] == "2026-11-01T12:00:00Z"


def test_what_is_not_so_is_null(talk, read):
    say(talk, "Hola")
    [item] = read(talk)
    assert [item[name] for name in ("refers_to", "edited_at", "revoked_at", "pricing")] == [None] * 4
    assert (item["type"], item["transcript"], item["content"]) == ("text", "Hola", {})


def test_a_transcript_is_in_the_language_that_was_asked_for(talk, api):
    say(talk, type="sticker", content={"animated": False})
    items = {
        language: api(talk.tenant).get(f"{URL}/{talk.pk}/messages", headers={"Accept-Language": language}).json()
        for language in ("en", "es")
    }
    assert all(page["data"][0]["transcript"] for page in items.values())


def test_metas_raw_words_are_not_in_the_api(talk, read):
    say(talk, type="unsupported", content={"kind": "poll", "errors": [], "raw": {"secret": 1}})
    assert read(talk)[0]["content"] == {"kind": "poll", "errors": []}


def test_a_conversation_says_who_is_silent_and_when_the_window_closes(talk, api):
    item = api(talk.tenant).get(URL).json()["data"][0]
    assert (item["agent_paused_until"], item["window_closes_at"]) == (None, None)
    until = timezone.now() + timedelta(hours=1)
    Conversation.objects.update(agent_paused_until=until, window_opened_at=NOON)
    item = api(talk.tenant).get(URL).json()["data"][0]
    assert datetime.fromisoformat(item["agent_paused_until"]) == until
    assert item["window_closes_at"] == "2026-11-02T12:00:00Z"
    Conversation.objects.update(agent_paused_until=NOON - timedelta(days=400))
    assert api(talk.tenant).get(URL).json()["data"][0]["agent_paused_until"] is None


def test_a_customer_is_shown_with_every_name(talk, api):
    [item] = api(talk.tenant).get(URL).json()["data"]
    assert item["whatsapp_user"] == {
        "id": str(talk.whatsapp_user_id),
        "wa_id": None,
        "user_id": "ES.1",
        "name": "",
        "username": "lucia.v",
        "contact_name": "Lucía (mesa 4)",
        "marketing": "stop",
    }


def test_far_back_a_page_begins_in_the_index(talk):
    for minute in range(6):
        say(talk, str(minute), NOON + timedelta(minutes=minute))
    position = (NOON + timedelta(minutes=3), 4)
    rows = talk.messages.filter(behind(("said_at", "sequence"), position)).order_by("-said_at", "-sequence")
    assert [message.text for message in rows] == ["2", "1", "0"]
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    condition = next(line for line in rows.explain().splitlines() if "Index Cond" in line)
    assert "ROW(said_at, sequence) <" in condition


def test_messages_cost_the_same_queries_however_many_and_of_whatever_type(talk, api, django_assert_max_num_queries):
    client, url = api(talk.tenant), f"{URL}/{talk.pk}/messages"
    client.get(url)
    for kind in ("text", "image", "location", "reaction", "unsupported", "order") * 5:
        say(talk, type=kind, refers_to="wamid.Q")
    with django_assert_max_num_queries(3):
        assert len(client.get(url).json()["data"]) == 30


def test_the_stranger_reads_none_of_it(talk, api, stranger):
    say(talk, "Hola", type="image")
    assert api(stranger).get(f"{URL}/{talk.pk}/messages").status_code == 404
    assert api(stranger).get(URL).json()["data"] == []
