"""The templates of an account are kept as they stand at Meta: read whole, and moved by what Meta says of them."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.conftest import connect
from tests.shelf import BOOKING, GREETING, template
from whatsapp import health, lifecycle, tasks
from whatsapp.errors import GraphUnavailable
from whatsapp.models import GraphExchange, MessageTemplate, WhatsappConnection
from whatsapp.sandbox.envelopes import envelope
from whatsapp.sandbox.meta import CATALOGUE, DEMO
from whatsapp.templates import queue_sync, sync

pytestmark = pytest.mark.django_db(transaction=True)


def kept(*fields: str) -> set[tuple[str, ...]]:
    return set(MessageTemplate.objects.values_list("name", *fields))


def queued(task: str = "sync_templates") -> int:
    return ProcrastinateJob.objects.filter(task_name=task, status="todo").count()


# ── Read at Meta ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_templates_are_kept_in_metas_words(connection, shelf):
    shelf.put(template(), template("offer", status="REJECTED", rejected_reason="PROMOTIONAL", category="MARKETING"))
    sync(connection)
    assert kept("language", "category", "status", "quality", "rejected_reason") == {
        ("booking", "es", "UTILITY", "APPROVED", "GREEN", ""),
        ("offer", "es", "MARKETING", "REJECTED", "GREEN", "PROMOTIONAL"),
    }
    row = MessageTemplate.objects.get(name="booking")
    assert (row.tenant, row.business_account_id, row.components) == (connection.tenant, DEMO.waba_id, BOOKING)


def test_what_has_changed_is_changed_and_what_is_gone_is_gone(connection, shelf):
    shelf.put(template(), template("offer"), template("offer", language="en"))
    sync(connection)
    same = MessageTemplate.objects.get(name="booking").pk
    shelf.put(template(components=GREETING, status="PAUSED"), template("offer", language="en"), template("new"))
    sync(connection)
    assert kept("language", "status") == {
        ("booking", "es", "PAUSED"),
        ("offer", "en", "APPROVED"),
        ("new", "es", "APPROVED"),
    }
    assert MessageTemplate.objects.get(name="booking").components == GREETING
    assert MessageTemplate.objects.get(name="booking").pk == same


@pytest.mark.parametrize("count", [3, 250])
def test_a_sync_costs_the_same_queries_however_many_there_are(connection, shelf, django_assert_num_queries, count):
    shelf.put(*(template(f"offer_{number}") for number in range(count)))
    calls = -(-count // 100)
    with django_assert_num_queries(7 + calls):  # each call keeps its exchange
        sync(connection)
    assert MessageTemplate.objects.count() == count
    assert GraphExchange.objects.count() == calls


def test_templates_are_the_tenants_own(connection, stranger, meta, shelf):
    other = connect(stranger, meta, 1)
    shelf.put(template(), waba_id=DEMO.waba_id)
    shelf.put(template(status="PAUSED"), waba_id=CATALOGUE[1].waba_id)
    sync(connection)
    sync(other)
    shelf.put(waba_id=CATALOGUE[1].waba_id)
    sync(other)
    assert [row.tenant for row in MessageTemplate.objects.all()] == [connection.tenant]


def another_number(connection: WhatsappConnection) -> WhatsappConnection:
    """A second number of the same account."""
    same = {"tenant": connection.tenant, "business_account_id": connection.business_account_id, "status": "CONNECTED"}
    return WhatsappConnection.objects.create(phone_number_id="199", access_token=connection.access_token, **same)


def test_two_numbers_of_an_account_have_its_templates_read_once(connection, shelf, run_jobs):
    other = another_number(connection)
    shelf.put(template())
    tasks.sync_all_templates(timestamp=0)
    run_jobs(now=True)
    assert len(shelf.asked) == 1
    assert kept() == {("booking",)}
    for number in (connection, other):
        number.refresh_from_db()
    assert connection.templates_synced_at == other.templates_synced_at is not None


def test_who_asks_again_before_they_are_read_has_them_read_once(connection, shelf, run_jobs):
    for _time in range(3):
        queue_sync(connection)
    for job in ProcrastinateJob.objects.filter(task_name="sync_templates"):
        tasks.sync_templates(**job.args)
    assert len(shelf.asked) == 1
    queue_sync(connection)
    run_jobs()
    assert len(shelf.asked) == 2


def test_a_number_that_is_connected_has_its_templates_read(connection, shelf, run_jobs):
    shelf.put(template())
    WhatsappConnection.objects.update(status="RECONNECT", subscribed_at=None)
    connection.refresh_from_db()
    health.repair(connection)
    run_jobs()
    assert kept() == {("booking",)}


@pytest.mark.parametrize(("status", "jobs"), [("CONNECTED", 1), ("RESTRICTED", 0), ("RECONNECT", 0), ("PENDING", 0)])
def test_every_night_the_templates_of_connected_numbers_are_read(connection, status, jobs):
    WhatsappConnection.objects.update(status=status)
    tasks.sync_all_templates(timestamp=0)
    assert queued() == jobs


def test_while_meta_is_down_they_are_asked_for_again_and_kept_as_they_were(connection, shelf, run_jobs):
    shelf.put(template())
    sync(connection)
    shelf.put(template("new"))
    shelf.refusal = 131016
    queue_sync(connection)
    run_jobs()
    connection.refresh_from_db()
    assert "Not now" in connection.templates_error
    assert kept() == {("booking",)}
    shelf.refusal = 0
    run_jobs(now=True)
    connection.refresh_from_db()
    assert (kept(), connection.templates_error) == ({("new",)}, "")


def test_a_page_that_fails_loses_nothing(connection, shelf, monkeypatch):
    shelf.put(template("a"), template("b"), template("c"))
    sync(connection)
    shelf.most = 1
    list_ = shelf._list

    def page(waba: str, query):
        shelf.refusal = 131016 if query.get("after") else 0
        return list_(waba, query)

    monkeypatch.setattr(shelf, "_list", page)
    with pytest.raises(GraphUnavailable, match="Not now"):
        sync(connection)
    assert kept() == {("a",), ("b",), ("c",)}


def test_where_our_access_is_refused_the_doctor_comes(connection, shelf, run_jobs):
    shelf.refusal = 190
    queue_sync(connection)
    run_jobs()
    run_jobs()
    connection.refresh_from_db()
    assert connection.last_checked_at is not None
    assert "Not now" in connection.templates_error


def test_what_meta_refuses_for_good_is_not_asked_again(connection, shelf, run_jobs):
    shelf.refusal = 100
    queue_sync(connection)
    run_jobs()
    connection.refresh_from_db()
    assert "(100)" in connection.templates_error
    assert queued() == queued("check_connection") == 0


def test_who_has_read_them_later_is_not_undone(connection, shelf, monkeypatch):
    shelf.put(template(status="PAUSED"))
    list_ = shelf._list

    def meanwhile(waba: str, query):
        monkeypatch.setattr(shelf, "_list", list_)
        old = list_(waba, query)
        shelf.put(template(status="APPROVED"))
        sync(connection)
        return old

    monkeypatch.setattr(shelf, "_list", meanwhile)
    sync(connection)
    assert kept("status") == {("booking", "APPROVED")}


def test_an_account_that_is_left_has_no_templates_here(connection, stranger, meta, shelf):
    other, elsewhere = another_number(connection), connect(stranger, meta, 1)
    shelf.put(template())
    shelf.put(template("theirs"), waba_id=CATALOGUE[1].waba_id)
    sync(connection)
    sync(elsewhere)
    lifecycle.disconnect(connection)
    assert kept() == {("booking",), ("theirs",)}
    lifecycle.disconnect(other)
    assert kept() == {("theirs",)}
    connection.refresh_from_db()
    assert connection.templates_synced_at is None


def test_an_account_that_is_left_while_it_is_read_has_none_either(connection, shelf, monkeypatch):
    shelf.put(template())
    list_ = shelf._list

    def meanwhile(waba: str, query):
        WhatsappConnection.objects.update(status="DISCONNECTED")
        return list_(waba, query)

    monkeypatch.setattr(shelf, "_list", meanwhile)
    sync(connection)
    assert kept() == set()


# ── What Meta says of them ───────────────────────────────────────────────────────────────────────────────────────────


def news(event: str = "PAUSED", *, at: datetime | None = None, field: str = "status", **more: object) -> bytes:
    """A webhook about the template `booking`."""
    value = {"event": event, "message_template_id": "id of booking es", "message_template_language": "es_ES"}
    name = "template_category_update" if field == "category" else f"message_template_{field}_update"
    return envelope(DEMO, value | more, name, at=int((at or timezone.now()).timestamp()))


@pytest.fixture
def booking(connection, shelf) -> MessageTemplate:
    shelf.put(template())
    sync(connection)
    return MessageTemplate.objects.get()


@pytest.mark.parametrize("event", ["PAUSED", "DISABLED", "PENDING_DELETION", "IN_APPEAL", "ARCHIVED"])
def test_a_status_is_so_at_once(booking, deliver, event):
    assert deliver(news(event)) == 200
    booking.refresh_from_db()
    assert booking.status == event
    assert queued() == 0


def test_a_rejection_says_why_until_it_is_approved(booking, deliver):
    deliver(news("REJECTED", reason="INVALID_FORMAT"))
    booking.refresh_from_db()
    assert (booking.status, booking.rejected_reason) == ("REJECTED", "INVALID_FORMAT")
    deliver(news("APPROVED", reason="NONE"))
    booking.refresh_from_db()
    assert (booking.status, booking.rejected_reason) == ("APPROVED", "")


def test_a_quality_is_so_at_once(booking, deliver):
    deliver(news("", field="quality", previous_quality_score="GREEN", new_quality_score="RED"))
    booking.refresh_from_db()
    assert (booking.quality, booking.status) == ("RED", "APPROVED")


@pytest.mark.parametrize(
    ("field", "event"),
    [("components", ""), ("category", ""), ("status", "REINSTATED"), ("status", "UNARCHIVED"), ("status", "SOMETHING")],
)
def test_after_news_that_do_not_say_everything_all_are_read(booking, deliver, shelf, run_jobs, field, event):
    shelf.put(template(components=GREETING))
    deliver(news(event, field=field, new_category="MARKETING"))
    run_jobs()
    booking.refresh_from_db()
    assert booking.components == GREETING


def test_after_news_of_a_template_that_we_do_not_know_all_are_read(connection, shelf, deliver, run_jobs):
    shelf.put(template())
    deliver(news("APPROVED"))
    run_jobs()
    assert kept("status") == {("booking", "APPROVED")}


def test_old_news_do_not_undo_what_was_read_since(booking, deliver):
    WhatsappConnection.objects.update(connected_at=timezone.now() - timedelta(days=9))
    deliver(news("PAUSED", at=timezone.now() - timedelta(hours=1)))
    booking.refresh_from_db()
    assert booking.status == "APPROVED"
    assert queued() == 0


def test_old_news_do_not_undo_newer_news(booking, connection, deliver):
    day = timezone.now() - timedelta(days=1)
    WhatsappConnection.objects.update(connected_at=day - timedelta(days=9))
    MessageTemplate.objects.update(told_at=day, synced_at=day)
    deliver(news("DISABLED", at=day + timedelta(hours=2)))
    deliver(news("PAUSED", at=day + timedelta(hours=1)))
    booking.refresh_from_db()
    assert booking.status == "DISABLED"
    assert queued() == 1  # nothing says what came last but Meta itself


def test_a_sync_that_began_before_the_news_does_not_undo_them(booking, connection, deliver, shelf, monkeypatch):
    list_ = shelf._list

    def meanwhile(waba: str, query):
        deliver(news("PAUSED"))
        return list_(waba, query)

    monkeypatch.setattr(shelf, "_list", meanwhile)
    sync(connection)
    booking.refresh_from_db()
    assert booking.status == "PAUSED"


def test_news_of_a_strangers_account_move_nothing(booking, stranger, meta, deliver):
    other = connect(stranger, meta, 1)
    body = news("DISABLED").replace(DEMO.waba_id.encode(), other.business_account_id.encode())
    deliver(body)
    booking.refresh_from_db()
    assert booking.status == "APPROVED"
