"""What a tenant reads of its conversations, page by page; the stranger reads nothing."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from conversations.models import Conversation, Message, WhatsappUser
from tests.conftest import connect

pytestmark = pytest.mark.django_db
URL = "/v1/conversations"


@pytest.fixture
def history(connection):
    """Makes conversations, each with some messages."""

    def history(conversations: int, messages: int = 1) -> list[Conversation]:
        made = []
        for number in range(conversations):
            user = WhatsappUser.objects.create(
                tenant=connection.tenant, wa_id=f"3460000{number:04}", name=f"No. {number}"
            )
            conversation = Conversation.objects.create(
                tenant=connection.tenant, connection=connection, whatsapp_user=user
            )
            for _message in range(messages):
                conversation.append(
                    direction="inbound", status="received", text=f"Hola {_message}", sent_at=timezone.now()
                )
            made.append(conversation)
        return made

    return history


def read_all(client, url: str, limit: int) -> list[dict[str, Any]]:
    """Every item, page by page."""
    items: list[dict[str, Any]] = []
    query: dict[str, object] = {"limit": limit}
    while True:
        page = client.get(url, query).json()
        items += page["data"]
        if not page["has_more"]:
            assert page["next_cursor"] is None
            return items
        query["cursor"] = page["next_cursor"]


def test_the_newest_conversation_comes_first(tenant, history, api):
    old, new = history(2)
    old.append(direction="inbound", status="received", text="again")
    assert [item["id"] for item in api(tenant).get(URL).json()["data"]] == [str(old.pk), str(new.pk)]


def test_a_conversation_says_who_and_through_which_number(tenant, history, api, connection):
    [conversation] = history(1)
    [item] = api(tenant).get(URL).json()["data"]
    assert item["whatsapp_user"] == {
        "id": str(conversation.whatsapp_user_id),
        "wa_id": "34600000000",
        "user_id": None,
        "name": "No. 0",
        "username": "",
        "contact_name": "",
        "marketing": "",
    }
    assert item["phone_number_id"] == connection.phone_number_id
    assert item["answer_due"] is False


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_pages_hold_everything_once(tenant, history, api, limit):
    made = history(5)
    ids = [item["id"] for item in read_all(api(tenant), URL, limit)]
    assert ids == [str(conversation.pk) for conversation in reversed(made)]


def test_pages_hold_everything_once_even_at_the_same_instant(tenant, history, api):
    history(5)
    Conversation.objects.update(last_message_at=timezone.now())
    assert len({item["id"] for item in read_all(api(tenant), URL, 2)}) == 5


def test_messages_come_newest_first_page_by_page(tenant, history, api):
    [conversation] = history(1, messages=5)
    items = read_all(api(tenant), f"{URL}/{conversation.pk}/messages", 2)
    assert [item["text"] for item in items] == [f"Hola {n}" for n in (4, 3, 2, 1, 0)]
    assert items[0]["created_at"].endswith("Z")


def test_the_stranger_sees_an_empty_list_and_404(stranger, history, api, meta):
    [conversation] = history(1)
    connect(stranger, meta, 1)
    assert api(stranger).get(URL).json() == {"data": [], "has_more": False, "next_cursor": None}
    response = api(stranger).get(f"{URL}/{conversation.pk}/messages")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_what_does_not_exist_is_404_in_the_same_words(tenant, stranger, history, api):
    [conversation] = history(1)
    foreign = api(stranger).get(f"{URL}/{conversation.pk}/messages").json()
    missing = api(stranger).get(f"{URL}/{uuid4()}/messages").json()
    assert foreign | {"request_id": ""} == missing | {"request_id": ""}


def test_a_cursor_works_only_on_its_own_list(tenant, history, api):
    first, second = history(2, messages=3)
    cursor = api(tenant).get(f"{URL}/{first.pk}/messages", {"limit": 1}).json()["next_cursor"]
    assert api(tenant).get(f"{URL}/{second.pk}/messages", {"cursor": cursor}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "x"},
        {"limit": "9" * 5000},
        {"limit": "²"},
        {"cursor": "made-up"},
        {"page": "2"},
    ],
)
def test_a_wrong_parameter_is_named(tenant, api, query):
    response = api(tenant).get(URL, query)
    assert response.status_code == 400
    assert set(response.json()["errors"]) == set(query)


@pytest.mark.parametrize("size", [1, 20])
def test_a_list_costs_the_same_queries_however_long_it_is(tenant, history, api, django_assert_max_num_queries, size):
    history(size, messages=2)
    client = api(tenant)
    client.get(URL)
    with django_assert_max_num_queries(2):
        client.get(URL)


def test_a_failed_message_says_why(tenant, history, api):
    [conversation] = history(1)
    Message.objects.update(status="failed", error="More than 24 hours have passed.", error_code=131047)
    [item] = api(tenant).get(f"{URL}/{conversation.pk}/messages").json()["data"]
    assert (item["status"], item["error_code"]) == ("failed", 131047)


def test_an_unknown_path_of_the_api_is_a_problem_document_and_elsewhere_a_page(client):
    assert client.get("/v1/nothing").json()["code"] == "not_found"
    assert "<h1>There is nothing here</h1>" in client.get("/nothing").content.decode()


def test_every_answer_carries_the_request_id(tenant, api):
    response = api(tenant).get(f"{URL}/{uuid4()}/messages", headers={"X-Request-ID": "my-own-id-1"})
    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "my-own-id-1"
    assert len(api(tenant).get(URL, headers={"X-Request-ID": "no\tgood"}).headers["X-Request-ID"]) == 32
