"""Staff look at templates, have them read again, and send one from a conversation: chosen, filled in, read, sent."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from conversations.models import Conversation, Message
from tests.templates import template
from tests.test_admin import (  # noqa: F401  (fixtures are found by their names)
    LISTS,
    act,
    add_template,
    change,
    furnishing,
    one_talk,
    page,
)
from tests.test_admin_conversations import words
from tests.test_admin_takeover import door, someone
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.sandbox.meta import DEMO
from whatsapp.templates import sync

pytestmark = pytest.mark.django_db(transaction=True)
VALUES = {"value_0": "17", "value_1": "Ana", "value_2": "12 de mayo", "value_3": "9"}
CLOSED = timedelta(days=2)
NAMED = [{"type": "BODY", "text": "Hola {{name}}"}]


@pytest.fixture
def booking(conversation, meta) -> MessageTemplate:
    """The window of the conversation has closed, and there is a template."""
    Conversation.objects.update(window_opened_at=timezone.now() - CLOSED, answer_due_at=None)
    Message.objects.update(wants_answer=False)
    meta.write_templates(DEMO, template())
    sync(conversation.connection)
    return MessageTemplate.objects.get()


def post(client: Client, conversation: Conversation, chosen: MessageTemplate, **data: Any) -> str:
    response = client.post(door(conversation, "template"), {"template": str(chosen.pk), **data}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


# ── Sent on a conversation's page ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["Send a template…", "Approved template", "in the place of {{1}}", "What the customer will read"]),
        ("es", ["Enviar una plantilla…", "Plantilla aprobada", "en lugar de {{1}}", "Lo que leerá el cliente"]),
    ],
)
def test_staff_choose_fill_in_read_and_send(conversation, booking, admin_client, meta, run_jobs, language, shown):
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    here = page(admin_client, change(conversation))
    choose = page(admin_client, door(conversation, "template"))
    fill_in = page(admin_client, door(conversation, "template"), template=str(booking.pk))
    read = post(admin_client, conversation, booking, **VALUES)
    assert [text for text, html in zip(shown, (here, choose, fill_in, read), strict=True) if text not in html] == []
    assert "Hola Ana, le esperamos el 12 de mayo." in read
    assert not Message.objects.filter(type="template").exists()
    post(admin_client, conversation, booking, **hidden(read), confirmed="yes")
    run_jobs()
    assert [sent.body for sent in meta.sent] == ["Hola Ana, le esperamos el 12 de mayo."]
    assert Message.objects.get(type="template").written_through == "staff"


def test_what_was_sent_is_in_the_chat_and_in_the_log(conversation, booking, admin_client):
    html = words(post(admin_client, conversation, booking, **VALUES, confirmed="yes"))
    assert "The template is on its way" in html
    assert "Template booking (es)" in html
    assert "Written by admin, in the back office" in html
    assert LogEntry.objects.get().change_message == "Sent the template booking (es)."
    conversation.refresh_from_db()
    assert not conversation.is_paused


def test_named_values_are_asked_for_by_their_names(conversation, booking, admin_client):
    named = add_template(conversation.connection, name="hi", components=NAMED, parameter_format="NAMED")
    assert "in the place of {{name}}" in page(admin_client, door(conversation, "template"), template=str(named.pk))
    post(admin_client, conversation, named, value_0="Ana", confirmed="yes")
    message = Message.objects.get(type="template")
    assert (message.text, message.content["template"]["body"]) == ("Hola Ana", {"name": "Ana"})


def test_a_form_that_is_sent_twice_is_one_message(conversation, booking, admin_client):
    fill_in = page(admin_client, door(conversation, "template"), template=str(booking.pk))
    given = hidden(post(admin_client, conversation, booking, **VALUES | hidden(fill_in)))
    post(admin_client, conversation, booking, **given, confirmed="yes")
    assert "sent already" in post(admin_client, conversation, booking, **given, confirmed="yes")
    assert Message.objects.filter(type="template").count() == 1


def test_an_error_stands_beside_its_field_and_the_rest_is_kept(conversation, booking, admin_client):
    html = post(admin_client, conversation, booking, **VALUES | {"value_1": "", "value_2": "a\nb"}, confirmed="yes")
    assert re.search(r'Text: in the place of \{\{1\}\}[^{]*<ul class="errorlist" id="id_value_1_error">', html)
    assert "no line breaks" in html
    assert 'aria-describedby="id_value_1_helptext id_value_1_error"' in html
    assert 'value="17"' in html
    assert not Message.objects.filter(type="template").exists()


def test_who_has_read_it_can_change_the_values(conversation, booking, admin_client):
    given = hidden(post(admin_client, conversation, booking, **VALUES))
    html = post(admin_client, conversation, booking, **given, again="yes")
    assert '<input type="text" name="value_1" value="Ana"' in html
    assert "errorlist" not in html


def test_only_approved_templates_of_the_numbers_account_can_be_chosen(conversation, booking, admin_client):
    add_template(conversation.connection, name="paused", status="PAUSED")
    add_template(conversation.connection, name="elsewhere", business_account_id="9")
    html = page(admin_client, door(conversation, "template"))
    assert re.findall(r"<option[^>]*>([^<]*)<", html) == ["booking (es)"]
    assert "Find by name" not in html  # there is nothing more to find


def test_one_of_many_templates_is_found_by_its_name(conversation, booking, admin_client):
    for number in range(101):
        add_template(conversation.connection, name=f"a_{number:03}")
    html = page(admin_client, door(conversation, "template"))
    assert "Find the others by their name" in html
    assert "booking" not in html
    found = page(admin_client, door(conversation, "template"), q="OOKIN\0")
    assert re.findall(r"<option[^>]*>([^<]*)<", found) == ["booking (es)"]
    assert "Nothing matches" in page(admin_client, door(conversation, "template"), q="zzz")


def test_without_a_template_the_page_says_what_to_do(conversation, admin_client):
    assert "has no approved template" in page(admin_client, door(conversation, "template"))


@pytest.mark.parametrize(
    ("status", "told"), [("PAUSED", "its status is PAUSED"), ("APPROVED", "Connect the number again")]
)
def test_what_cannot_be_sent_says_why(conversation, booking, admin_client, status, told):
    MessageTemplate.objects.update(status=status)
    if status == "APPROVED":
        conversation.connection.access_lost("gone")
    html = page(admin_client, door(conversation, "template"), template=str(booking.pk))
    assert told in html
    assert "disabled>Read it first" in html
    assert told in words(post(admin_client, conversation, booking, **VALUES, confirmed="yes"))
    assert not Message.objects.filter(type="template").exists()


@pytest.mark.parametrize("template", ["x", "01a20663-23b9-7f37-bdc6-c5a50c482312"])
def test_a_made_up_template_is_nowhere(conversation, booking, admin_client, template):
    for response in (
        admin_client.get(door(conversation, "template"), {"template": template}),
        admin_client.post(door(conversation, "template"), {"template": template, **VALUES, "confirmed": "yes"}),
    ):
        assert response.status_code == 404


def test_a_template_of_another_tenant_is_nowhere(conversation, booking, stranger, admin_client):
    MessageTemplate.objects.update(tenant=stranger)
    response = admin_client.post(door(conversation, "template"), {"template": str(booking.pk), **VALUES})
    assert response.status_code == 404


def test_who_may_only_look_cannot_send_one(conversation, booking):
    looks = someone("view")
    assert "Send a template" not in page(looks, change(conversation))
    for client in (looks, someone()):
        assert client.get(door(conversation, "template")).status_code == 403
        assert client.post(door(conversation, "template"), {"template": str(booking.pk)}).status_code == 403
    assert Client().get(door(conversation, "template")).status_code == 302


def test_another_site_cannot_send_one_for_staff(conversation, booking, admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(door(conversation, "template"), {"template": str(booking.pk)}).status_code == 403


def test_while_the_window_is_open_a_template_is_offered_under_a_disclosure(conversation, admin_client, meta):
    assert "<summary>Or send a template</summary>" in page(admin_client, change(conversation))
    Conversation.objects.update(window_opened_at=timezone.now() - CLOSED)
    assert "<summary>Or send a template</summary>" not in page(admin_client, change(conversation))
    conversation.connection.access_lost("gone")
    assert "Send a template…" not in page(admin_client, change(conversation))


def test_a_reply_that_came_too_late_leads_to_the_templates(conversation, booking, admin_client):
    late = conversation.append(direction="outbound", author="agent", status="failed", reason="window_closed", text="Sí")
    assert f'<a href="{door(conversation, "template")}">Send a template</a>' in page(admin_client, change(conversation))
    assert f'{change(conversation)}#template">Send a template</a>' in page(admin_client, change(late))


@pytest.mark.parametrize("step", [{}, {"template": True}])
def test_no_step_needs_an_inline_script_or_style(conversation, booking, admin_client, step):
    html = page(admin_client, door(conversation, "template"), **{name: str(booking.pk) for name in step})
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*(src=|json))", html)


def test_the_steps_cost_few_queries(conversation, booking, admin_client, django_assert_max_num_queries):
    for number in range(50):
        add_template(conversation.connection, name=f"a_{number}")
    with django_assert_max_num_queries(5):
        page(admin_client, door(conversation, "template"))
    with django_assert_max_num_queries(5):
        page(admin_client, door(conversation, "template"), template=str(booking.pk))


# ── Looked at, and read again ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def nothing_waits(db: None) -> None:
    """In the queue, of earlier tests."""
    ProcrastinateJob.objects.all().delete()


def queued() -> int:
    return ProcrastinateJob.objects.filter(task_name="sync_templates").count()


@pytest.mark.parametrize(
    ("language", "shown", "example"), [("en", "In appeal", "For example: 9"), ("es", "En apelación", "Por ejemplo: 9")]
)
def test_the_list_and_a_template_in_words(talk, admin_client, language, shown, example):
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    row = MessageTemplate.objects.get()
    assert shown in page(admin_client, LISTS["templates"])
    html = page(admin_client, change(row))
    assert "▸ Confirmar" in html
    assert "<code>Ver</code>" in html
    assert example in html
    assert change(talk.connection) in html


def test_templates_are_narrowed_and_found(talk, admin_client):
    add_template(talk.connection, name="offer", language="en", status="PAUSED")
    for asked in ({"status": "PAUSED"}, {"language": "en"}, {"q": "ffe"}, {"business_account_id": "2", "q": "offer"}):
        rows = re.findall(r'field-name"><a[^>]*>([^<]*)<', page(admin_client, LISTS["templates"], **asked))
        assert rows == ["offer"], asked


def test_only_what_was_rejected_has_a_reason_for_it(talk, admin_client):
    declined = add_template(talk.connection, name="prize", status="REJECTED", rejected_reason="SCAM")
    assert "SCAM" in page(admin_client, change(declined))
    approved = MessageTemplate.objects.get(name="booking")
    assert "Why Meta has rejected it" not in page(admin_client, change(approved))


def test_what_cannot_be_filled_in_is_named(talk, admin_client):
    odd = add_template(talk.connection, name="odd", status="LOCKED", components=[{"type": "CAROUSEL"}])
    html = page(admin_client, change(odd))
    assert "It has parts that cannot be filled in here: CAROUSEL." in html
    assert "LOCKED" in html


def test_nothing_of_a_template_can_be_changed(talk, admin_client):
    row = MessageTemplate.objects.get()
    assert admin_client.post(change(row), {"name": "x"}).status_code == 403
    assert admin_client.get(f"{LISTS['templates']}add/").status_code == 403
    assert admin_client.post(change(row).replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_staff_have_the_templates_of_an_account_read_again(talk, admin_client):
    other = add_template(talk.connection, name="other")
    row = MessageTemplate.objects.get(name="booking")
    assert "No number of this account has access" in act(admin_client, LISTS["templates"], "sync_now", row)
    WhatsappConnection.objects.update(status="CONNECTED")
    assert "Read at Meta again" in page(admin_client, change(row))
    told = act(admin_client, LISTS["templates"], "sync_now", row, other)
    assert "The templates of 1 account are read" in told
    assert queued() == 1


def test_the_page_of_a_number_says_when_its_templates_were_read_and_reads_them_again(talk, admin_client):
    assert "Never read." in page(admin_client, change(talk.connection))
    url = change(talk.connection).replace("change", "templates")
    assert "No number of this account has access" in admin_client.post(url, follow=True).content.decode()
    WhatsappConnection.objects.update(status="CONNECTED", templates_synced_at=timezone.now(), templates_error="Not now")
    html = page(admin_client, change(talk.connection))
    assert "The last try failed: Not now" in html
    assert f'action="{url}"' in html
    admin_client.post(url)
    assert queued() == 1


def test_who_may_only_look_has_nothing_read(talk, client):
    WhatsappConnection.objects.update(status="CONNECTED")
    looks = someone("view")
    assert looks.post(change(talk.connection).replace("change", "templates")).status_code == 403
    assert queued() == 0
