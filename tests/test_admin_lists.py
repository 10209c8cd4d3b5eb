"""The staff's lists of what was said, by whom and with what: how rows are found, and that none can be changed."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from conversations.models import Attachment, ParkedStatus, WebhookEvent, WhatsappUser
from tests.test_admin import (  # noqa: F401  (fixtures are found by their names)
    LISTS,
    attach,
    change,
    furnishing,
    one_talk,
    page,
    say,
)
from tests.test_admin_conversations import NOON, said_at


def test_a_list_shows_what_was_said_last_not_what_came_last(admin_client, talk):
    said_at(say(talk, "imported"), NOON)
    html = page(admin_client, LISTS["conversations"])
    assert "Buenos días" in html
    assert "imported" not in html


def test_the_last_messages_of_a_page_are_found_by_the_index(admin_client, furnish):
    for number in range(5):
        furnish(number)
    with CaptureQueriesContext(database) as queries:
        page(admin_client, LISTS["conversations"])
    [found] = [query["sql"] for query in queries if query["sql"].startswith('SELECT "conversations_message"')]
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {found}")
        assert "message_as_said" in str(cursor.fetchall())


@pytest.mark.parametrize("term", ["34600000001", "+34 600 000 001", "3460", "ES.1"])
def test_a_conversation_is_found_by_phone_its_beginning_or_user_id(admin_client, furnish, term):
    furnish(1)
    other = furnish(2)
    WhatsappUser.objects.filter(tenant__slug="cafe-1").update(user_id="ES.1")
    WhatsappUser.objects.filter(pk=other.whatsapp_user_id).update(wa_id="491")
    html = page(admin_client, LISTS["conversations"], q=term)
    assert "Café 1" in html
    assert "Café 2" not in html


def test_lists_can_be_narrowed_to_a_tenant(admin_client, furnish):
    one, two = furnish(1), furnish(2)
    for name in [
        "memberships",
        "keys",
        "connections",
        "signups",
        "exchanges",
        "notices",
        "templates",
        "prompts",
        "conversations",
        "messages",
    ]:
        html = page(admin_client, LISTS[name], tenant=str(one.tenant_id))
        assert str(two.tenant.name) not in html
    assert admin_client.get(LISTS["keys"], {"tenant": "nobody"}).status_code == 302


def test_a_message_is_found_by_its_wamid(admin_client, talk):
    say(talk, "Find me", wamid="wamid.X")
    html = page(admin_client, LISTS["messages"], q="wamid.X")
    assert "Find me" in html
    assert "Buenos días" not in html


def test_an_event_shows_its_body_escaped_even_when_it_is_not_json(admin_client, talk):
    WebhookEvent.objects.update(body="<b>{")
    assert "&lt;b&gt;{" in page(admin_client, change(WebhookEvent.objects.get()))


@pytest.mark.parametrize("term", ["34600000001", "+34 600 000 001", "ES.1"])
def test_a_customer_is_found_by_the_whole_phone_or_user_id(admin_client, furnish, term):
    talk, _other = furnish(1), furnish(2)
    WhatsappUser.objects.filter(tenant__slug="cafe-1").update(user_id="ES.1")
    html = page(admin_client, LISTS["people"], q=term)
    assert change(talk.whatsapp_user) in html
    assert "Café 2" not in html
    assert "Nothing matches" in page(admin_client, LISTS["people"], q=term[:-1])


def test_a_customer_leads_to_the_conversations(admin_client, talk):
    WhatsappUser.objects.update(contact_name="Lucía (mesa 4)", marketing="stop")
    html = page(admin_client, change(talk.whatsapp_user))
    assert change(talk) in html
    assert "Lucía (mesa 4)" in html


def test_media_that_could_not_be_fetched_are_listed(admin_client, talk):
    for status in ("stored", "pending", "refused", "gone"):
        attach(say(talk, "", type="image"), filename=f"{status}.jpg", status=status)
    html = page(admin_client, LISTS["attachments"], status="missing")
    assert [name for name in ("stored", "pending", "refused", "gone") if f"{name}.jpg" in html] == ["refused", "gone"]


@pytest.mark.parametrize("name", ["people", "attachments", "parked"])
def test_nothing_of_it_can_be_changed(admin_client, talk, name):
    row = {"people": WhatsappUser, "attachments": Attachment, "parked": ParkedStatus}[name].objects.first()
    page(admin_client, change(row))
    assert admin_client.post(change(row), {"wa_id": "1"}).status_code == 403
    assert admin_client.get(f"{LISTS[name]}add/").status_code == 403
    assert admin_client.post(change(row).replace("change", "delete"), {"post": "yes"}).status_code == 403
