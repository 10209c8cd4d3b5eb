"""Staff have stored events processed again: tried first, then for real, and never twice."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.utils import timezone

from conversations import replay
from conversations.models import Message, WebhookEvent
from tests.conftest import PAYLOADS, connect, jobs
from tests.test_admin import LISTS, act, change, page
from tests.test_admin_conversations import words
from whatsapp.models import WhatsappConnection
from whatsapp.sandbox.meta import DEMO

pytestmark = pytest.mark.django_db
EVENTS = LISTS["events"]


@pytest.fixture
def left(tenant, meta, deliver) -> WebhookEvent:
    """An event that came before its number was connected; by now it is."""
    deliver(meta.customer_writes(DEMO.phone_number_id, "34600000101", "Lucía", "Hola"))
    connect(tenant, meta)
    return WebhookEvent.objects.get()


def state() -> tuple[object, ...]:
    """Everything that processing may change."""
    return (
        [*Message.objects.values_list("text", flat=True)],
        [*WebhookEvent.objects.order_by("pk").values_list("outcome", "processed_at", "error")],
        [*WhatsappConnection.objects.values_list("last_webhook_at", flat=True)],
        jobs(),
    )


# ── The rehearsal ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rehearsal_tells_what_would_become_of_the_event_and_of_whom(admin_client, left):
    html = words(act(admin_client, EVENTS, "process_again", left))
    assert "Process this event again?" in html
    assert "Café Alameda 1 × ignored: the number is not connected 1 × message" in html
    assert "Process for real No, change nothing" in html


def test_a_rehearsal_leaves_no_row_and_no_job(admin_client, left):
    before = state()
    act(admin_client, EVENTS, "process_again", left)
    assert state() == before
    assert not LogEntry.objects.exists()


def test_a_rehearsal_sees_the_events_before_it(admin_client, left):
    WebhookEvent.objects.create(provider_event_id="x", body=left.body)
    html = words(act(admin_client, EVENTS, "process_again", *WebhookEvent.objects.all()))
    assert "In all: 1 × duplicate message, 1 × message" in html


def test_an_event_of_several_tenants_names_them_all(admin_client, left, stranger, meta, deliver):
    connect(stranger, meta, 2)
    deliver((PAYLOADS / "two_numbers_one_post.json").read_bytes())
    html = act(admin_client, EVENTS, "process_again", WebhookEvent.objects.latest("received_at"))
    assert "Café Alameda, Northwind Bikes" in html


def test_an_event_without_its_body_is_shown_and_skipped(admin_client, left):
    WebhookEvent.objects.update(body="")
    before = state()
    assert "no body any more" in act(admin_client, EVENTS, "process_again", left)
    act(admin_client, EVENTS, "process_again", left, confirmed=True)
    assert state() == before
    assert "Process again…" not in page(admin_client, change(left))


def test_beside_others_an_event_without_its_body_is_skipped(admin_client, left):
    erased = WebhookEvent.objects.create(provider_event_id="x", body="", outcome={"message": 7})
    html = act(admin_client, EVENTS, "process_again", left, erased)
    assert "Erased: cannot be processed" in html
    assert "In all: 1 × message" in words(html)
    assert "1 event is processed again" in act(admin_client, EVENTS, "process_again", left, erased, confirmed=True)


@pytest.mark.parametrize("body", ["{}", "<b>{", "[]"])
def test_odd_bodies_harm_nothing(admin_client, db, body):
    event = WebhookEvent.objects.create(provider_event_id="x", body=body)
    assert "Process for real" in act(admin_client, EVENTS, "process_again", event)


# ── For real ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_for_real_the_message_is_there_and_its_answer_is_due(admin_client, admin_user, left):
    html = act(admin_client, EVENTS, "process_again", left, confirmed=True)
    assert "1 event is processed again: 1 × message" in html
    assert [message.text for message in Message.objects.all()] == ["Hola"]
    assert jobs() == 1
    log = LogEntry.objects.get()
    assert (log.object_id, log.user) == (str(left.pk), admin_user)
    assert "1 × message" in log.get_change_message()


def test_twice_changes_nothing(admin_client, left):
    act(admin_client, EVENTS, "process_again", left, confirmed=True)
    before = state()[0], state()[3]
    html = act(admin_client, EVENTS, "process_again", left, confirmed=True)
    assert "1 × duplicate message" in html
    assert (state()[0], state()[3]) == before


@pytest.fixture
def mend(connection, says) -> Callable[[], None]:
    """The database has refused a message; returns what makes it take it."""
    alter = "ALTER TABLE conversations_message {} CONSTRAINT poison {}"
    with database.cursor() as cursor:
        cursor.execute(alter.format("ADD", "CHECK (text <> 'poison')"))
    says("poison")

    def mend() -> None:
        with database.cursor() as cursor:
            cursor.execute(alter.format("DROP", ""))

    return mend


def test_an_item_that_failed_is_processed_once_its_cause_is_mended(admin_client, mend):
    event = WebhookEvent.objects.get()
    assert "IntegrityError" in event.error
    mend()
    html = act(admin_client, EVENTS, "process_again", event, confirmed=True)
    assert "1 × message" in html
    event.refresh_from_db()
    assert (event.error, Message.objects.get().text) == ("", "poison")


@pytest.mark.usefixtures("mend")
def test_one_that_fails_again_is_a_warning(admin_client):
    event = WebhookEvent.objects.get()
    assert "IntegrityError" in act(admin_client, EVENTS, "process_again", event)
    html = act(admin_client, EVENTS, "process_again", event, confirmed=True)
    assert 'class="warning"' in html
    assert "1 × failed" in html


def test_many_are_processed_in_the_order_in_which_they_came(admin_client, connection, says):
    for number in range(3):
        says(f"No. {number}")
    Message.objects.all().delete()
    html = act(admin_client, EVENTS, "process_again", *reversed(WebhookEvent.objects.all()), confirmed=True)
    assert "3 events are processed again: 3 × message" in html
    assert [m.text for m in Message.objects.order_by("sequence")] == ["No. 0", "No. 1", "No. 2"]
    assert LogEntry.objects.count() == 3


def test_too_many_at_once_are_refused(admin_client, left, monkeypatch):
    monkeypatch.setattr(replay, "MOST_AT_ONCE", 1)
    WebhookEvent.objects.create(provider_event_id="x", body="{}")
    before = state()
    html = act(admin_client, EVENTS, "process_again", *WebhookEvent.objects.all(), confirmed=True)
    assert "At most 1 event" in html
    assert state() == before


# ── Who may ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def staff(client, *codenames: str) -> None:
    user = User.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


def test_who_may_only_look_cannot_process_again(client, left):
    staff(client, "view_webhookevent")
    before = state()
    assert "Process again…" not in page(client, EVENTS)
    assert "Process again…" not in page(client, change(left))
    act(client, EVENTS, "process_again", left, confirmed=True)
    assert state() == before


def test_who_may_process_again_can_still_change_no_event(client, left):
    staff(client, "view_webhookevent", "change_webhookevent")
    assert "Process again…" in page(client, EVENTS)
    assert "Process again…" in page(client, change(left))
    assert client.post(change(left), {"body": "{}"}).status_code == 403
    act(client, EVENTS, "process_again", left, confirmed=True)
    assert Message.objects.count() == 1


def test_a_tenants_key_opens_no_staff_page(api, tenant, stranger, left):
    before = state()
    for who in (tenant, stranger):
        data = {"action": "process_again", "_selected_action": [str(left.pk)], "confirmed": "yes"}
        assert api(who).post(EVENTS, data).status_code == 302
    assert state() == before


def test_an_unprocessed_event_can_be_processed_at_once(admin_client, left):
    WebhookEvent.objects.update(processed_at=None, outcome={})
    act(admin_client, EVENTS, "process_again", left, confirmed=True)
    left.refresh_from_db()
    assert left.processed_at
    assert left.processed_at <= timezone.now()
