"""What is old is deleted, in small steps; what is young, owed or a stranger's stays, and nothing is answered twice."""

from datetime import timedelta

import pytest
import time_machine
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations import retention
from conversations.models import (
    Attachment,
    Conversation,
    MediaFile,
    Message,
    ParkedStatus,
    WebhookEvent,
    WhatsappUser,
    media_storage,
)
from tenants.models import IdempotencyKey
from tenants.queue import queue
from tests.conftest import connect, jobs
from whatsapp.models import AccountNotice, WhatsappConnection

pytestmark = pytest.mark.django_db
DAYS = 30


@pytest.fixture(autouse=True)
def let_go_after_thirty_days(tenant):
    tenant.retention_days = DAYS
    tenant.save()


@pytest.fixture
def talk(connection: WhatsappConnection) -> Conversation:
    return begin(connection)


def begin(connection: WhatsappConnection, wa_id: str = "34600000101", days: int = 0) -> Conversation:
    with days_ago(days):
        user = WhatsappUser.objects.create(tenant=connection.tenant, wa_id=wa_id)
        return Conversation.objects.create(tenant=connection.tenant, connection=connection, whatsapp_user=user)


def days_ago(days: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() - timedelta(days=days))


def say(talk: Conversation, text: str, days: float = 0, **fields: object) -> Message:
    """A customer's message, so many days ago, whatever has been said since."""
    message = talk.append(direction="inbound", status="received", text=text, wants_answer=True, **fields)
    Message.objects.filter(pk=message.pk).update(said_at=timezone.now() - timedelta(days=days))
    Conversation.objects.filter(pk=talk.pk).update(last_message_at=timezone.now() - timedelta(days=days))
    return message


def reply(talk: Conversation, heard: Message, text: str, days: float = 0) -> Message:
    message = talk.append(direction="outbound", status="sent", text=text, in_reply_to=heard)
    Message.objects.filter(pk=message.pk).update(said_at=timezone.now() - timedelta(days=days))
    return message


def purge() -> None:
    retention.purge_until(lambda: False)


def texts() -> list[str]:
    return [*Message.objects.order_by("sequence").values_list("text", flat=True)]


# ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_messages_go_when_their_tenant_lets_them_go(talk):
    say(talk, "old", days=DAYS + 1), say(talk, "young", days=DAYS - 1)
    purge()
    assert texts() == ["young"]


def test_it_counts_when_a_message_was_said_not_when_it_came(talk):
    say(talk, "imported", days=400)
    say(talk, "now")
    purge()
    assert texts() == ["now"]


def test_a_tenant_that_says_nothing_keeps_everything(talk, tenant):
    tenant.retention_days = None
    tenant.save()
    say(talk, "old", days=4000)
    purge()
    assert texts() == ["old"]


def test_the_strangers_messages_stay(connection, stranger, meta):
    ours, theirs = begin(connection, days=99), begin(connect(stranger, meta, 1), days=99)
    say(ours, "ours", days=99), say(theirs, "theirs", days=99)
    purge()
    assert texts() == ["theirs"]
    assert Conversation.objects.get() == theirs
    assert WhatsappUser.objects.get().tenant == stranger


def test_media_go_with_their_message(talk, tenant, media_stay_with_the_test):
    for days in (99, 1):
        name = media_storage().save(str(days), ContentFile(b"x"))
        file = MediaFile.objects.create(tenant=tenant, sha256=f"{days}", mime_type="image/jpeg", size=1, file=name)
        photo = say(talk, "", days=days, type="image")
        Attachment.objects.create(tenant=tenant, message=photo, media_id=str(days), file=file, status="stored")
    MediaFile.objects.update(created_at=timezone.now() - timedelta(days=1))
    purge()
    assert Attachment.objects.get().media_id == "1"
    assert [path.name for path in media_stay_with_the_test.iterdir()] == ["1"]


def test_many_go_in_small_transactions(talk, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    for number in range(7):
        say(talk, str(number), days=99)
    with CaptureQueriesContext(database) as queries:
        purge()
    deletes = [q["sql"] for q in queries if q["sql"].startswith('DELETE FROM "conversations_message"')]
    assert len(deletes) == 3
    assert not texts()


def test_it_stops_between_two_transactions_and_goes_on_another_time(talk, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    for number in range(3):
        say(talk, str(number), days=99 - number)
    retention.purge_until(lambda: True)
    assert texts() == ["1", "2"]
    purge()
    assert not texts()


@pytest.mark.django_db(transaction=True)
def test_the_worker_does_it(talk, run_jobs):
    say(talk, "old", days=99)
    queue().configure_task("purge").defer(timestamp=0)
    run_jobs(now=True)
    assert not texts()


def test_old_messages_are_found_by_the_index(talk, tenant):
    rows = Message.objects.for_tenant(tenant).filter(said_at__lt=timezone.now()).order_by("said_at")[:1000]
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    plan = rows.explain()
    assert "message_oldest_of_tenant" in plan
    assert "Sort" not in plan


# ── Nothing is answered twice ────────────────────────────────────────────────────────────────────────────────────────


def test_a_young_reply_outlives_what_it_answers(talk):
    reply(talk, say(talk, "asked long ago", days=DAYS + 1), "answered late", days=1)
    purge()
    assert texts() == ["answered late"]
    assert Message.objects.get().in_reply_to is None
    assert not talk.unheard().exists()


def test_what_was_heard_with_a_deleted_message_is_not_answered_again(talk):
    say(talk, "late on its way", days=1)  # came first, was said after
    reply(talk, say(talk, "asked long ago", days=DAYS + 1), "answered both", days=1)
    assert not talk.unheard().exists()
    purge()
    assert texts() == ["late on its way", "answered both"]
    assert not talk.unheard().exists()


def test_what_nobody_has_heard_is_still_to_be_answered(talk):
    reply(talk, say(talk, "asked long ago", days=DAYS + 1), "answered", days=DAYS + 1)
    say(talk, "and now?")
    purge()
    assert [message.text for message in talk.unheard()] == ["and now?"]


def test_a_repeat_that_comes_after_the_purge_is_not_answered(connection, meta, deliver, tenant):
    tenant.retention_days = 1
    tenant.save()
    with days_ago(3):
        body = meta.customer_writes(connection.phone_number_id, "34600000101", "Lucía", "Hola")
        deliver(body)
    Conversation.objects.update(answer_due_at=None)
    waiting = jobs()
    purge()
    assert not Message.objects.exists()
    assert deliver(body) == 200  # word for word: its event knows it
    assert not Message.objects.exists()
    assert deliver(body.replace(b'"object"', b' "object"')) == 200  # the same, as another event
    assert jobs() == waiting
    assert not Conversation.objects.filter(answer_due_at__isnull=False).exists()


# ── Conversations and customers ──────────────────────────────────────────────────────────────────────────────────────


def test_a_conversation_goes_with_its_last_message_and_its_customer_too(connection):
    say(begin(connection, days=99), "old", days=98)
    purge()
    assert not Conversation.objects.exists()
    assert not WhatsappUser.objects.exists()


def test_a_conversation_that_owes_an_answer_stays(connection):
    talk = begin(connection, days=99)
    say(talk, "old", days=98)
    Conversation.objects.update(answer_due_at=timezone.now())
    purge()
    assert Conversation.objects.get() == talk
    assert not Message.objects.exists()


def test_who_goes_on_talking_stays(connection):
    talk = begin(connection, days=99)
    say(talk, "old", days=98), say(talk, "young")
    purge()
    assert (Conversation.objects.get(), WhatsappUser.objects.get()) == (talk, talk.whatsapp_user)


@pytest.mark.parametrize("told", [{"contact_at": timezone.now()}, {"marketing": "stop"}])
def test_what_meta_tells_only_once_stays_while_the_number_is_connected(connection, tenant, told):
    with days_ago(99):
        for portfolio in ("", "another"):
            WhatsappUser.objects.create(tenant=tenant, wa_id="1", portfolio_id=portfolio, **told)
    purge()
    assert WhatsappUser.objects.get().portfolio_id == ""
    WhatsappConnection.objects.update(status="DISCONNECTED")
    purge()
    assert not WhatsappUser.objects.exists()


def test_a_customer_who_has_not_written_yet_is_not_deleted_at_once(connection, tenant):
    WhatsappUser.objects.create(tenant=tenant, wa_id="1")
    purge()
    assert WhatsappUser.objects.exists()


# ── What Meta said ───────────────────────────────────────────────────────────────────────────────────────────────────


def event(days: int, *, processed: bool = True) -> WebhookEvent:
    with days_ago(days):
        at = timezone.now() if processed else None
        return WebhookEvent.objects.create(provider_event_id=f"{days}-{processed}", body="{}", processed_at=at)


def test_events_go_when_they_are_old_and_processed(settings):
    settings.EVENT_LOG_DAYS = 30
    left, young = event(99, processed=False), event(29)
    event(31)
    purge()
    assert set(WebhookEvent.objects.all()) == {left, young}


def test_a_message_outlives_its_event(talk):
    say(talk, "Hola", event=event(99))
    purge()
    assert Message.objects.get().event is None


def test_statuses_of_messages_that_never_came_go_after_a_week(connection):
    for days in (8, 6):
        with days_ago(days):
            ParkedStatus.objects.create(
                tenant=connection.tenant, connection=connection, wamid=f"{days}", status="read", at=timezone.now()
            )
    purge()
    assert ParkedStatus.objects.get().wamid == "6"


def test_notices_go_after_four_hundred_days(connection):
    for days in (401, 399):
        AccountNotice.objects.create(
            tenant=connection.tenant,
            connection=connection,
            digest=f"{days}",
            field="account_update",
            happened_at=timezone.now() - timedelta(days=days),
        )
    purge()
    assert AccountNotice.objects.get().digest == "399"


@pytest.mark.parametrize(("days", "found"), [(7, ["conversations.E003"]), (8, [])])
def test_events_must_be_kept_longer_than_meta_repeats_them(settings, days, found):
    settings.EVENT_LOG_DAYS = days
    assert [message.id for message in run_checks() if str(message.id).startswith("conversations.")] == found


def test_answers_to_repeated_requests_are_kept_for_a_day(tenant):
    for hours in (23, 25):
        with days_ago(hours / 24):
            IdempotencyKey.objects.create(tenant=tenant, key=str(hours), fingerprint="x", status=201, answer={})
    purge()
    assert IdempotencyKey.objects.get().key == "23"
