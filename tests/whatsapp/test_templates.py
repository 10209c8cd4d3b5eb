"""The templates of an account are kept as they stand at Meta, read whole."""

from collections.abc import Callable
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.conftest import connect
from tests.templates import BOOKING, GREETING, template
from whatsapp import health, lifecycle, tasks
from whatsapp.errors import GraphUnavailable
from whatsapp.models import GraphExchange, MessageTemplate, WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE, DEMO, Answer, Meta
from whatsapp.templates import queue_sync, sync

pytestmark = pytest.mark.django_db(transaction=True)


def kept(*fields: str) -> set[tuple[str, ...]]:
    return set(MessageTemplate.objects.values_list("name", *fields))


def asked(meta: Meta) -> int:
    """How often a page of templates was asked for."""
    return sum(event.title == "graph.get_message_templates" for event in meta.timeline)


def refuses(meta: Meta, code: int) -> None:
    meta.fail_next(code, method_path_regex="get_message_templates")


@pytest.fixture
def meanwhile(meta: Meta, monkeypatch) -> Callable[[Callable[[], object]], None]:
    """Something happens while Meta's answer to the next call is on its way."""

    def meanwhile(happens: Callable[[], object]) -> None:
        answer = meta.answer

        def late(*call: Any) -> Answer:
            monkeypatch.setattr(meta, "answer", answer)
            given = answer(*call)
            happens()
            return given

        monkeypatch.setattr(meta, "answer", late)

    return meanwhile


def queued(task: str = "sync_templates") -> int:
    return ProcrastinateJob.objects.filter(task_name=task, status="todo").count()


def test_templates_are_kept_in_metas_words(connection, meta):
    rejected = {"status": "REJECTED", "rejected_reason": "PROMOTIONAL"}
    meta.write_templates(DEMO, template(), template("offer", BOOKING, category="MARKETING", **rejected))
    sync(connection)
    assert kept("language", "category", "status", "quality", "rejected_reason") == {
        ("booking", "es", "UTILITY", "APPROVED", "GREEN", ""),
        ("offer", "es", "MARKETING", "REJECTED", "GREEN", "PROMOTIONAL"),
    }
    row = MessageTemplate.objects.get(name="booking")
    assert (row.tenant, row.business_account_id, row.components) == (connection.tenant, DEMO.waba_id, BOOKING)


def test_what_has_changed_is_changed_and_what_is_gone_is_gone(connection, meta):
    meta.write_templates(DEMO, template(), template("offer"), template("offer", language="en"))
    sync(connection)
    same = MessageTemplate.objects.get(name="booking").pk
    paused = template(components=GREETING, status="PAUSED")
    meta.write_templates(DEMO, paused, template("offer", language="en"), template("new"))
    sync(connection)
    assert kept("language", "status") == {
        ("booking", "es", "PAUSED"),
        ("offer", "en", "APPROVED"),
        ("new", "es", "APPROVED"),
    }
    assert MessageTemplate.objects.get(name="booking").components == GREETING
    assert MessageTemplate.objects.get(name="booking").pk == same


@pytest.mark.parametrize("count", [3, 250])
def test_a_sync_costs_the_same_queries_however_many_there_are(connection, meta, django_assert_num_queries, count):
    meta.write_templates(DEMO, *(template(f"offer_{number}") for number in range(count)))
    calls = -(-count // 100)
    with django_assert_num_queries(7 + calls):  # each call keeps its exchange
        sync(connection)
    assert MessageTemplate.objects.count() == count
    assert GraphExchange.objects.count() == calls


def test_templates_are_the_tenants_own(connection, stranger, meta):
    other = connect(stranger, meta, 1)
    meta.write_templates(DEMO, template())
    meta.write_templates(CATALOGUE[1], template(status="PAUSED"))
    sync(connection)
    sync(other)
    meta.write_templates(CATALOGUE[1])
    sync(other)
    assert [row.tenant for row in MessageTemplate.objects.all()] == [connection.tenant]


def another_number(connection: WhatsappConnection) -> WhatsappConnection:
    """A second number of the same account."""
    same = {"tenant": connection.tenant, "business_account_id": connection.business_account_id, "status": "CONNECTED"}
    return WhatsappConnection.objects.create(phone_number_id="199", access_token=connection.access_token, **same)


def test_two_numbers_of_an_account_have_its_templates_read_once(connection, meta, run_jobs):
    other = another_number(connection)
    meta.write_templates(DEMO, template())
    tasks.sync_all_templates(timestamp=0)
    run_jobs(now=True)
    assert asked(meta) == 1
    assert kept() == {("booking",)}
    for number in (connection, other):
        number.refresh_from_db()
    assert connection.templates_synced_at == other.templates_synced_at is not None


def test_who_asks_again_before_they_are_read_has_them_read_once(connection, meta, run_jobs):
    for _time in range(3):
        queue_sync(connection)
    for job in ProcrastinateJob.objects.filter(task_name="sync_templates"):
        tasks.sync_templates(**job.args)
    assert asked(meta) == 1
    queue_sync(connection)
    run_jobs()
    assert asked(meta) == 2


def test_a_number_that_is_connected_has_its_templates_read(connection, meta, run_jobs):
    meta.write_templates(DEMO, template())
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


def test_while_meta_is_down_they_are_asked_for_again_and_kept_as_they_were(connection, meta, run_jobs):
    meta.write_templates(DEMO, template())
    sync(connection)
    meta.write_templates(DEMO, template("new"))
    refuses(meta, 131016)
    queue_sync(connection)
    run_jobs()
    connection.refresh_from_db()
    assert "Service unavailable" in connection.templates_error
    assert kept() == {("booking",)}
    run_jobs(now=True)
    connection.refresh_from_db()
    assert (kept(), connection.templates_error) == ({("new",)}, "")


def test_a_page_that_fails_loses_nothing(connection, meta, meanwhile):
    meta.write_templates(DEMO, *(template(f"offer_{number}") for number in range(101)))
    sync(connection)
    meanwhile(lambda: refuses(meta, 131016))
    with pytest.raises(GraphUnavailable, match="Service unavailable"):
        sync(connection)
    assert (asked(meta), MessageTemplate.objects.count()) == (4, 101)


def test_where_our_access_is_refused_the_doctor_comes(connection, meta, run_jobs):
    refuses(meta, 190)
    queue_sync(connection)
    run_jobs()
    run_jobs()
    connection.refresh_from_db()
    assert connection.last_checked_at is not None
    assert "The session has been invalidated" in connection.templates_error


def test_what_meta_refuses_for_good_is_not_asked_again(connection, meta, run_jobs):
    refuses(meta, 100)
    queue_sync(connection)
    run_jobs()
    connection.refresh_from_db()
    assert "(100)" in connection.templates_error
    assert queued() == queued("check_connection") == 0


def test_who_has_read_them_later_is_not_undone(connection, meta, meanwhile):
    def another_reads_them() -> None:
        meta.write_templates(DEMO, template(status="APPROVED"))
        sync(connection)

    meta.write_templates(DEMO, template(status="PAUSED"))
    meanwhile(another_reads_them)
    sync(connection)
    assert kept("status") == {("booking", "APPROVED")}


def test_an_account_that_is_left_has_no_templates_here(connection, stranger, meta):
    other, elsewhere = another_number(connection), connect(stranger, meta, 1)
    meta.write_templates(DEMO, template())
    meta.write_templates(CATALOGUE[1], template("theirs"))
    sync(connection)
    sync(elsewhere)
    lifecycle.disconnect(connection)
    assert kept() == {("booking",), ("theirs",)}
    lifecycle.disconnect(other)
    assert kept() == {("theirs",)}
    connection.refresh_from_db()
    assert connection.templates_synced_at is None


def test_an_account_that_is_left_while_it_is_read_has_none_either(connection, meta, meanwhile):
    meta.write_templates(DEMO, template())
    meanwhile(lambda: WhatsappConnection.objects.update(status="DISCONNECTED"))
    sync(connection)
    assert kept() == set()
