"""The staff site as a whole: its first page, who may see what, and what its pages cost.

Knows the pages by their addresses only.
"""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agent.models import SystemPrompt
from conversations.models import Conversation, Message, WebhookEvent
from tenants.models import ApiKey
from tests.test_admin import (  # noqa: F401  (fixtures are found by their names)
    LISTS,
    act,
    answer,
    attach,
    change,
    exchange,
    furnishing,
    in_force,
    one_talk,
    page,
    say,
)
from whatsapp.models import AccountNotice, EmbeddedSignupSession, Ending, GraphExchange, MessageTemplate

# ── The first page ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_page_says_what_needs_somebody(admin_client, talk):
    answer(talk, "?", "unknown")
    now = timezone.now()
    Conversation.objects.update(answer_due_at=now, person_due_at=now)
    WebhookEvent.objects.update(error="ValueError")
    talk.connection.access_lost("expired")
    attach(say(talk, "", type="image"), status="gone")
    html = page(admin_client, "/admin/")
    assert html.count('class="card-count">1<') == 9
    for link in re.findall(r'class="card [a-z]+" href="([^"]+)"', html):
        assert "Nothing matches" not in page(admin_client, link)


@pytest.mark.parametrize("status", ["RECONNECT", "RESTRICTED"])
def test_a_number_that_may_not_speak_is_counted(admin_client, talk, status):
    type(talk.connection).objects.update(status=status)
    link = "/admin/whatsapp/whatsappconnection/?status=troubled"
    assert f'class="card bad" href="{link}"' in page(admin_client, "/admin/")
    assert change(talk.connection) in page(admin_client, link)


def test_a_signup_is_unfinished_until_the_tenant_has_connected_after_all(admin_client, talk):
    link = "/admin/whatsapp/embeddedsignupsession/?ending=unfinished"
    assert f'class="card warn" href="{link}"' in page(admin_client, "/admin/")
    session, _state = EmbeddedSignupSession.begin(talk.tenant)
    session.ended(Ending.CONNECTED)
    assert f'class="card good" href="{link}"' in page(admin_client, "/admin/")
    assert "Nothing matches" in page(admin_client, link)


@pytest.mark.parametrize("ending", ["pending", "connected", "cancelled"])
def test_a_signup_that_needs_nobody_is_not_counted(admin_client, talk, ending):
    EmbeddedSignupSession.objects.update(ending=ending)
    assert "All came to their end" in page(admin_client, "/admin/")


def test_a_signup_of_last_week_is_not_counted(admin_client, talk):
    EmbeddedSignupSession.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert "All came to their end" in page(admin_client, "/admin/")


@pytest.mark.parametrize(
    "fields", [{"event": "PARTNER_ADDED"}, {"happened_at": timezone.now() - timedelta(days=8)}], ids=["no need", "old"]
)
def test_a_notice_that_needs_nobody_any_more_is_not_counted(admin_client, talk, fields):
    AccountNotice.objects.update(**fields)
    assert "None that needs somebody" in page(admin_client, "/admin/")


def test_when_nothing_waits_the_first_page_says_so(admin_client, db):
    html = page(admin_client, "/admin/")
    assert "Nothing waits" in html
    assert "card-count" not in html


def test_a_tenant_cannot_be_deleted_by_a_click(admin_client, talk):
    assert admin_client.post(change(talk.tenant).replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_a_tenants_page_leads_to_all_that_is_theirs(admin_client, talk):
    html = page(admin_client, change(talk.tenant))
    for name in [
        "memberships",
        "keys",
        "connections",
        "signups",
        "exchanges",
        "notices",
        "prompts",
        "conversations",
        "messages",
    ]:
        assert f"{LISTS[name]}?tenant={talk.tenant_id}" in html


# ── Who may, and at what cost ────────────────────────────────────────────────────────────────────────────────────────


def test_staff_without_permission_are_refused(client, talk):
    user = User.objects.create_user("new", password="x", is_staff=True)
    client.force_login(user)
    for path in [*LISTS.values(), change(talk), change(talk.connection)]:
        assert client.get(path).status_code == 403
    assert "card-title" not in page(client, "/admin/")


def test_who_may_only_view_can_neither_revoke_nor_activate(client, talk):
    user = User.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    new = SystemPrompt.objects.create(tenant=talk.tenant, text="Hi")
    assert "Activate…" not in page(client, change(new))
    assert "Revoke…" not in page(client, change(ApiKey.objects.get()))
    act(client, LISTS["keys"], "revoke", ApiKey.objects.get(), confirmed=True)
    act(client, LISTS["prompts"], "activate", new, confirmed=True)
    assert ApiKey.objects.get().state == "active"
    assert in_force(talk.tenant) == 1


def sidebar(client, path: str, language: str = "en") -> str:
    html: str = client.get(path, headers={"Accept-Language": language}).content.decode()
    return html[html.index('id="nav-sidebar"') : html.index("</nav>", html.index('id="nav-sidebar"'))]


def test_the_sidebar_is_of_who_looks_of_where_they_are_and_of_their_language(admin_client, client, talk):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(user)
    messages, events = LISTS["messages"], LISTS["events"]
    for _again in range(2):
        assert f'href="{messages}" aria-current="page"' in sidebar(admin_client, messages)
        assert f'href="{events}" aria-current="page"' in sidebar(admin_client, events)
        assert "Mensajes" in sidebar(admin_client, messages, "es")
        assert messages in sidebar(client, messages)
        assert events not in sidebar(client, messages)
    user.user_permissions.add(Permission.objects.get(codename="view_webhookevent"))
    assert events in sidebar(client, messages)


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS)
def test_a_list_costs_the_same_for_one_row_and_for_twenty(admin_client, furnish, django_assert_max_num_queries, path):
    for number in range(1, 21):
        furnish(number)
        if number in (1, 20):
            with django_assert_max_num_queries(8):
                page(admin_client, path)


def test_a_transcript_costs_the_same_for_two_messages_and_for_forty(admin_client, talk, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        page(admin_client, change(talk))
    for _ in range(20):
        say(talk, "Hola", event=WebhookEvent.objects.get())
        said = answer(talk, "Buenos días", system_prompt=SystemPrompt.objects.get())
        exchange(talk.connection, message_id=said.pk)
    with django_assert_max_num_queries(6):
        page(admin_client, change(talk))


def test_no_page_needs_an_inline_script_or_style(admin_client, talk):
    rows = [talk, talk.tenant, SystemPrompt.objects.get(), ApiKey.objects.get(), Message.objects.first()]
    rows += [talk.connection, EmbeddedSignupSession.objects.get(), GraphExchange.objects.first()]
    rows += [*AccountNotice.objects.all(), *MessageTemplate.objects.all()]
    for path in ["/admin/", *LISTS.values(), *map(change, rows)]:
        html = page(admin_client, path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*(src=|json))", html)


def test_a_list_without_an_end_is_not_counted_and_leafs(admin_client, talk):
    for number in range(60):
        say(talk, f"words {number}.")
    with CaptureQueriesContext(
        database,
    ) as queries:
        first = page(admin_client, LISTS["messages"])
    assert not [query for query in queries if "COUNT(" in query["sql"]]
    assert "Hola" not in first
    assert "?p=2" in first
    assert "Hola" in page(admin_client, LISTS["messages"], p="2")
    assert admin_client.get(LISTS["messages"], {"p": "99999999999"}).status_code == 302
