"""What people are told when a message did not go out: in the API and on the staff's pages, in sentences."""

import json
from typing import Any

import pytest
from django.urls import reverse

from conversations.models import Conversation, Message
from conversations.problems import REASONS, problem_of
from tests.conversations.test_api import URL

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours(conversation: Conversation):
    """A message of the agent's in this state."""

    def ours(status: str, **fields: Any) -> Message:
        return conversation.append(direction="outbound", author="agent", status=status, text="Buenas", **fields)

    return ours


@pytest.mark.parametrize("status", ["drafted", "sending", "sent", "delivered", "read"])
def test_nothing_is_wrong_with_a_message_that_goes_its_way(status, ours):
    assert problem_of(ours(status)) is None


def test_what_is_over_is_no_problem_any_more(ours):
    assert problem_of(ours("delivered", reason="no_answer", error="No answer")) is None


def test_every_reason_of_ours_has_its_sentences():
    assert set(REASONS) == set(Message.Reason)
    assert all(str(told.what).endswith(".") and str(told.to_do).endswith(".") for told in REASONS.values())


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        ("drafted", {"error_code": 131056}, "retry"),
        ("drafted", {"error_code": 190}, "reconnect"),
        ("drafted", {"error_code": 0}, "reconnect"),
        ("drafted", {"error_code": 999999}, "retry"),
        ("drafted", {"reason": "throttled"}, "retry"),
        ("unknown", {"reason": "no_answer"}, "unknown"),
        ("unknown", {"reason": "left_unknown"}, "unknown"),
        ("unknown", {}, "unknown"),
        ("failed", {"error_code": 131047}, "window"),
        ("failed", {"error_code": 131042}, "tenant_action"),
        ("failed", {"error_code": 131026}, "give_up"),
        ("failed", {"error_code": 131000}, "give_up"),
        ("failed", {"error_code": 999999}, "give_up"),
        ("failed", {"reason": "no_prompt"}, "tenant_action"),
        ("failed", {"error": "of long ago"}, "give_up"),
    ],
)
def test_a_problem_says_what_follows(status, fields, kind, ours):
    problem = problem_of(ours(status, **fields))
    assert problem
    assert problem.kind == kind
    assert problem.what
    assert problem.to_do


def test_what_has_failed_is_not_said_to_be_tried_again(ours):
    passing = problem_of(ours("drafted", error_code=131016))
    over = problem_of(ours("failed", error_code=131016))
    assert passing
    assert over
    assert passing.what == over.what
    assert passing.to_do != over.to_do


def read(client, conversation: Conversation) -> dict[str, Any]:
    newest: dict[str, Any] = client.get(f"{URL}/{conversation.pk}/messages").json()["data"][0]
    return newest


def test_the_api_has_the_sentences_beside_metas_own_words(ours, conversation, api):
    ours("failed", error_code=131047, error="(131047) Re-engagement message")
    item = read(api(conversation.tenant), conversation)
    assert item["problem"].keys() == {"code", "kind", "what", "to_do"}
    assert (item["problem"]["code"], item["problem"]["kind"]) == (131047, "window")
    assert (item["error_code"], item["error"]) == (131047, "(131047) Re-engagement message")


def test_the_api_has_no_problem_where_there_is_none(ours, conversation, api):
    ours("sent")
    assert read(api(conversation.tenant), conversation)["problem"] is None


def test_the_stranger_is_told_of_no_problem(ours, conversation, api, stranger):
    ours("failed", error_code=131042)
    assert api(stranger).get(f"{URL}/{conversation.pk}/messages").status_code == 404


def test_staff_read_the_sentence_first_and_metas_words_in_the_detail(ours, conversation, admin_client):
    message = ours("failed", error_code=131026, error="(131026) Message undeliverable")
    problem = problem_of(message)
    assert problem
    html = admin_client.get(reverse("admin:conversations_conversation_change", args=[conversation.pk])).content.decode()
    sentence, words = html.index(problem.what), html.index("(131026) Message undeliverable")
    assert sentence < html.index("<details>", sentence) < words
    assert problem.about in html
    page = admin_client.get(reverse("admin:conversations_message_change", args=[message.pk])).content.decode()
    assert page.index(problem.what) < page.index("(131026) Message undeliverable")


def test_staff_see_which_message_was_sent_once_more(ours, conversation, admin_client):
    first = ours("unknown", reason="resent")
    second = ours("sent", resends=first)
    page = admin_client.get(reverse("admin:conversations_message_change", args=[second.pk])).content.decode()
    assert reverse("admin:conversations_message_change", args=[first.pk]) in page
    html = admin_client.get(reverse("admin:conversations_conversation_change", args=[conversation.pk])).content.decode()
    assert "Sent once more" in html


def test_a_failed_status_has_the_last_word(ours, conversation, meta, deliver):
    message = ours("unknown", reason="no_answer", wamid="wamid.X")
    meta_says = {
        "metadata": {"phone_number_id": conversation.connection.phone_number_id},
        "statuses": [{"id": "wamid.X", "status": "failed", "timestamp": "1795400086", "errors": [{"code": 131042}]}],
    }
    change = {"field": "messages", "value": meta_says}
    body = {"object": "whatsapp_business_account", "entry": [{"changes": [change]}]}
    assert deliver(json.dumps(body).encode()) == 200
    message.refresh_from_db()
    problem = problem_of(message)
    assert problem
    assert (problem.kind, problem.code) == ("tenant_action", 131042)
