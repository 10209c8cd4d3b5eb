"""What Meta says of single templates moves those that are kept, or has all of them read again."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.conftest import connect
from tests.templates import GREETING, template
from tests.whatsapp.test_templates import kept, meanwhile, pytestmark, queued
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.sandbox.companies import DEEDS
from whatsapp.sandbox.envelopes import envelope
from whatsapp.sandbox.meta import DEMO
from whatsapp.sandbox.template_catalogue import described
from whatsapp.templates import sync

__all__ = ["meanwhile", "pytestmark"]


def news(event: str = "PAUSED", *, at: datetime | None = None, field: str = "status", **more: object) -> bytes:
    """A webhook about the template `booking`."""
    an_id = int(described(DEMO, template())["id"])
    value = {"event": event, "message_template_id": an_id, "message_template_language": "es_ES"}
    name = "template_category_update" if field == "category" else f"message_template_{field}_update"
    return envelope(DEMO, value | more, name, at=int((at or timezone.now()).timestamp()))


@pytest.fixture
def booking(connection, meta) -> MessageTemplate:
    meta.write_templates(DEMO, template())
    sync(connection)
    return MessageTemplate.objects.get()


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed.startswith("template_")])
def test_what_happens_to_a_template_is_known_when_the_webhook_has_come(connection, meta, deliver, run_jobs, deed):
    sync(connection)
    assert deliver(meta.happens(deed, DEMO)) == 200
    run_jobs()
    told = kept("language", "status", "quality", "category", "rejected_reason")
    sync(connection)
    assert told == kept("language", "status", "quality", "category", "rejected_reason")


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
def test_after_news_that_do_not_say_everything_all_are_read(booking, deliver, meta, run_jobs, field, event):
    meta.write_templates(DEMO, template(components=GREETING))
    deliver(news(event, field=field, new_category="MARKETING"))
    run_jobs()
    booking.refresh_from_db()
    assert booking.components == GREETING


def test_after_news_of_a_template_that_we_do_not_know_all_are_read(connection, meta, deliver, run_jobs):
    meta.write_templates(DEMO, template())
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


def test_a_sync_that_began_before_the_news_does_not_undo_them(booking, connection, deliver, meanwhile):
    meanwhile(lambda: deliver(news("PAUSED")))
    sync(connection)
    booking.refresh_from_db()
    assert booking.status == "PAUSED"


def test_news_of_a_strangers_account_move_nothing(booking, stranger, meta, deliver):
    other = connect(stranger, meta, 1)
    body = news("DISABLED").replace(DEMO.waba_id.encode(), other.business_account_id.encode())
    deliver(body)
    booking.refresh_from_db()
    assert booking.status == "APPROVED"
