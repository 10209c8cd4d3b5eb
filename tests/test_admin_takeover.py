"""Staff take a conversation over on its page: they write, silence the agent and hand back; who may not, cannot."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from conversations import handover
from conversations.models import Conversation, Message
from conversations.reasons import ASKED
from tests.test_admin import LISTS, change, page
from tests.test_admin_conversations import words

pytestmark = pytest.mark.django_db(transaction=True)
DOORS = {"reply": {"text": "Hi"}, "silence": {"minutes": "60"}, "resume": {}}


def door(conversation: Conversation, name: str) -> str:
    return change(conversation).replace("change", name)


def act(client: Client, conversation: Conversation, name: str, **data: Any) -> str:
    response = client.post(door(conversation, name), data, follow=True)
    assert response.status_code == 200
    return words(response.content.decode())


def someone(*permissions: str) -> Client:
    """Staff with these permissions on conversations and no others."""
    user = User.objects.create(username=uuid4().hex, is_staff=True)
    codes = [f"{permission}_conversation" for permission in permissions]
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


def test_staff_write_and_the_customer_reads_it(conversation, model, meta, admin_client, run_jobs):
    html = act(admin_client, conversation, "reply", text=" I take care of it\r\nAna ")
    assert "Your message is on its way" in html
    assert "Written by admin, in the back office" in html
    assert "admin speaks from the back office" in html
    run_jobs()
    assert [message.body for message in meta.sent] == ["I take care of it\nAna"]
    assert not model.requests
    assert LogEntry.objects.get().object_id == str(conversation.pk)


def test_a_form_that_is_sent_twice_is_one_message(conversation, meta, admin_client):
    [chosen] = re.findall(r'name="message_id" value="([^"]+)"', page(admin_client, change(conversation)))
    act(admin_client, conversation, "reply", text="Hi", message_id=chosen)
    assert "sent already" in act(admin_client, conversation, "reply", text="Hi", message_id=chosen)
    act(admin_client, conversation, "reply", text="Something else", message_id=chosen)
    assert list(Message.objects.filter(author="business").values_list("text", flat=True)) == ["Hi", "Something else"]


@pytest.mark.parametrize(
    "data", [{}, {"text": " "}, {"text": "x" * 4097}, {"text": "a\0b"}, {"text": "Hi", "message_id": "x"}]
)
def test_what_cannot_be_sent_is_refused_on_the_page(conversation, meta, admin_client, data):
    response = admin_client.post(door(conversation, "reply"), data, follow=True)
    assert 'class="error"' in response.content.decode()
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("change_it", "told"),
    [
        (lambda talk: Conversation.objects.update(window_opened_at=timezone.now() - timedelta(days=2)), "template"),
        (lambda talk: talk.connection.access_lost("gone"), "Connect the number again"),
    ],
)
def test_where_nobody_can_write_the_box_says_why(conversation, meta, admin_client, change_it, told):
    assert "<fieldset>" in page(admin_client, change(conversation))
    change_it(conversation)
    html = page(admin_client, change(conversation))
    assert "<fieldset disabled>" in html
    assert told in html
    assert told in act(admin_client, conversation, "reply", text="Hi")
    assert Message.objects.count() == 1


def test_staff_silence_the_agent_and_hand_back(conversation, model, meta, admin_client, run_jobs):
    html = act(admin_client, conversation, "silence", minutes="240")
    assert "The agent is silent for 4 hours" in html
    assert "The agent is silent until" in html
    run_jobs()
    assert meta.sent == []
    assert "The agent is silent until" not in act(admin_client, conversation, "resume")
    run_jobs()
    assert len(meta.sent) == 1
    log = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(log) == ["Silenced the agent for 4 hours.", "Handed back to the agent."]


def test_a_made_up_length_of_silence_is_refused(conversation, meta, admin_client):
    act(admin_client, conversation, "silence", minutes="-5")
    assert not Conversation.objects.get().is_paused


@pytest.mark.parametrize("name", DOORS)
def test_who_may_only_look_cannot_speak(conversation, meta, name):
    looks, changes = someone("view"), someone("view", "change")
    assert "Speak yourself" not in page(looks, change(conversation))
    assert "Speak yourself" in page(changes, change(conversation))
    before = Conversation.objects.values().get()
    for client in (looks, someone()):
        assert client.post(door(conversation, name), DOORS[name]).status_code == 403
    assert Client().post(door(conversation, name), DOORS[name]).status_code == 302
    assert changes.get(door(conversation, name)).status_code == 405
    assert Conversation.objects.values().get() == before
    assert changes.post(door(conversation, name), DOORS[name]).status_code == 302


@pytest.mark.parametrize("name", DOORS)
def test_another_site_cannot_speak_for_staff(conversation, meta, admin_user, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(door(conversation, name), DOORS[name]).status_code == 403


def test_the_page_changes_nothing_else(conversation, meta, admin_client):
    assert admin_client.post(change(conversation), {"person_due_at": ""}).status_code == 403


def test_who_waits_for_a_person_is_on_the_first_page_and_in_the_list(conversation, meta, admin_client):
    assert "Nobody asks for a person" in page(admin_client, "/admin/")
    assert change(conversation) not in page(admin_client, LISTS["conversations"], answer="person")
    handover.hand_over(conversation, conversation.messages.get(), ASKED)
    assert "Waiting for a person 1" in words(page(admin_client, "/admin/"))
    html = page(admin_client, LISTS["conversations"], answer="person")
    assert change(conversation) in html
    assert "The agent has handed over to a person" in html
    html = words(page(admin_client, change(conversation)))
    assert ASKED in html
    assert "has been waiting for a person" in html
    act(admin_client, conversation, "reply", text="Here I am")
    assert "Nobody asks for a person" in page(admin_client, "/admin/")


def test_the_list_says_who_speaks_and_until_when(conversation, meta, admin_client):
    act(admin_client, conversation, "silence", minutes="60")
    html = words(page(admin_client, LISTS["conversations"]))
    assert re.search(r"Agent silent until \d+ \w+ [:0-9]{5}: admin speaks from the back office", html)
