"""A send that Meta never says a word about: left for a person, or sent once more, as the tenant wishes."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from conversations import resending, sweeps
from conversations.models import UNDECIDED, Conversation, Message
from tests.conftest import jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unknown(connection, model, meta, says, run_jobs) -> Message:
    """An answer that Meta has, without having told us so. Its tenant wishes such to be sent once more."""
    connection.tenant.resend_unknown = True
    connection.tenant.save()
    meta.fail_next("timeout_after_accept", method_path_regex="send_text")
    says("Hola")
    run_jobs()
    return Message.objects.get(direction="outbound")


@pytest.fixture
def sweep(run_jobs):
    """So many minutes later everything that was left lying is taken up; returns our messages as they are then."""

    def sweep(minutes: float = 11) -> list[tuple[str, str]]:
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            sweeps.sweep(timestamp=0)
        run_jobs(now=True)
        ours = Message.objects.filter(direction="outbound").order_by("sequence")
        return list(ours.values_list("status", "reason"))

    return sweep


def test_before_the_grace_is_over_nothing_is_decided(unknown, sweep):
    assert sweep(9) == [("unknown", "no_answer")]


def test_a_tenant_who_says_nothing_has_it_left_for_a_person(unknown, meta, sweep):
    unknown.tenant.resend_unknown = False
    unknown.tenant.save()
    assert sweep() == sweep(30) == [("unknown", "left_unknown")]
    assert len(meta.sent) == 1


def test_a_tenant_who_wishes_it_has_it_sent_once_more_and_only_once(unknown, meta, sweep):
    assert sweep() == sweep(30) == [("unknown", "resent"), ("sent", "")]
    first, second = meta.sent
    again = Message.objects.get(resends=unknown)
    assert (first.body, first.opaque, second.opaque) == (second.body, str(unknown.pk), str(again.pk))
    assert (again.author, again.text, again.tries) == ("agent", unknown.text, 1)
    assert jobs() == 0


def test_what_was_sent_once_more_and_is_unknown_again_is_left(unknown, meta, sweep):
    meta.fail_next("timeout_after_accept", method_path_regex="send_text")
    assert sweep() == [("unknown", "resent"), ("unknown", "no_answer")]
    assert sweep(30) == [("unknown", "resent"), ("unknown", "left_unknown")]
    assert len(meta.sent) == 2


def test_each_status_finds_the_one_of_the_two_that_it_is_about(unknown, meta, sweep, deliver):
    sweep()
    first, second = meta.sent
    deliver(meta.status_update(second.wamid, "read"))
    deliver(meta.status_update(first.wamid, "delivered"))
    again = Message.objects.get(resends=unknown)
    unknown.refresh_from_db()
    assert (unknown.status, unknown.wamid) == ("delivered", first.wamid)
    assert (again.status, again.wamid) == ("read", second.wamid)


def test_what_meta_has_spoken_about_is_not_sent_again(unknown, meta, sweep, deliver):
    deliver(meta.status_update(meta.sent[0].wamid, "delivered"))
    assert [status for status, _reason in sweep()] == ["delivered"]
    assert len(meta.sent) == 1


def test_a_status_that_comes_before_the_second_send_begins_stops_it(unknown, meta, sweep, deliver):
    meta.fail_next("refused", method_path_regex="send_text")
    assert sweep()[1] == ("drafted", "unreachable")
    deliver(meta.status_update(meta.sent[0].wamid, "delivered"))
    assert sweep(0)[1] == ("failed", "not_needed")
    assert len(meta.sent) == 1


def test_of_a_status_and_the_decision_at_the_same_moment_one_comes_first(unknown, meta, settings):
    """The status holds the row; the decision waits for it, and then finds nothing to decide."""
    settings.UNKNOWN_GRACE_MINUTES = -1

    def decide() -> None:
        resending.decide_overdue()
        database.close()

    decision = threading.Thread(target=decide)
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=unknown.pk).advance("delivered")
        decision.start()
        decision.join(0.5)
        assert decision.is_alive()
    decision.join(10)
    unknown.refresh_from_db()
    assert (unknown.status, unknown.reason) == ("delivered", "no_answer")
    assert Message.objects.filter(direction="outbound").count() == 1


def test_a_second_send_waits_for_the_status_that_is_being_written(unknown, meta, sweep, run_jobs):
    """… and the other way round: the draft is there, and does not begin while the first one's row is held."""
    meta.fail_next("refused", method_path_regex="send_text")
    sweep()
    sending = threading.Thread(target=run_jobs, kwargs={"now": True})
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=unknown.pk).advance("delivered")
        sending.start()
        sending.join(1)
        assert len(meta.sent) == 1
    sending.join(10)
    assert Message.objects.get(resends=unknown).reason == "not_needed"
    assert len(meta.sent) == 1


def test_two_sweeps_at_once_send_it_once_more_once(unknown, meta, settings, run_jobs):
    settings.UNKNOWN_GRACE_MINUTES = -1

    def decide() -> None:
        resending.decide_overdue()
        database.close()

    sweepers = [threading.Thread(target=decide) for _ in range(4)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join(10)
    run_jobs()
    assert len(meta.sent) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"window_opened_at": timezone.now() - timedelta(hours=25)},
        {"window_opened_at": None},
        {"agent_paused_until": timezone.now() + timedelta(days=3650)},
    ],
)
def test_outside_the_window_or_beside_a_person_it_is_left(changes, unknown, meta, sweep):
    Conversation.objects.update(**changes)
    assert sweep() == [("unknown", "left_unknown")]
    assert len(meta.sent) == 1


@pytest.mark.parametrize("hours", [12, 25])
def test_what_is_of_long_ago_is_left_though_the_window_is_open(hours, unknown, meta, sweep):
    Message.objects.filter(pk=unknown.pk).update(said_at=timezone.now() - timedelta(hours=hours))
    assert sweep() == [("unknown", "left_unknown")]


def test_when_the_conversation_has_gone_on_it_is_left(unknown, meta, sweep, says, run_jobs):
    says("¿Hola?")
    run_jobs()
    assert sweep() == [("unknown", "left_unknown"), ("sent", "")]


def test_a_message_of_a_dead_worker_is_decided_about_too(unknown, meta, sweep):
    Message.objects.filter(pk=unknown.pk).update(status="sending", status_at=timezone.now() - timedelta(hours=1))
    sweeps.give_up_left_sends()
    unknown.refresh_from_db()
    assert (unknown.status, unknown.reason) == ("unknown", "worker_died")
    assert sweep() == [("unknown", "resent"), ("sent", "")]


def test_the_sweep_finds_the_undecided_by_their_index(unknown):
    overdue = Message.objects.filter(UNDECIDED, status_at__lt=timezone.now()).order_by("status_at")
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "message_undecided" in overdue.explain()
