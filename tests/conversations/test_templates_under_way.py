"""What can happen to a template on its way to the customer: it waits, it is refused, it is sent once more or never."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import sweeps
from conversations.models import Message
from conversations.wording import agent_text, transcript_text
from tests.conftest import jobs
from tests.conversations.test_opening import BOOKING, asked_of, closed, pytestmark, send
from tests.conversations.test_takeover import post
from whatsapp.models import GraphExchange, WhatsappConnection

__all__ = ["closed", "pytestmark", "send"]


def test_what_was_written_before_it_is_sent_before_it(closed, api, tenant, send, says, meta, run_jobs):
    says("Hola")
    post(api(tenant), closed, "messages", {"text": "Un momento"})
    send({"name": "hello", "language": "es"})
    run_jobs()
    assert [message.body for message in meta.sent] == ["Un momento", "Hola, aquí seguimos."]


def test_a_template_waits_while_meta_wants_less_of_the_number(closed, send, meta, run_jobs):
    closed.connection.throttled(60)
    send(BOOKING)
    run_jobs()
    assert not meta.sent
    WhatsappConnection.objects.update(throttled_until=None)
    run_jobs(now=True)
    assert len(meta.sent) == 1


def test_the_log_of_exchanges_has_the_template_but_not_the_values(closed, send, run_jobs):
    send(BOOKING)
    run_jobs()
    told = GraphExchange.objects.get(message_id=Message.objects.get(type="template").pk).request["template"]
    assert (told["name"], told["language"]) == ("booking", {"code": "es"})
    assert [part["parameters"] for part in told["components"]] == ["[1 values]", "[2 values]", "[1 values]"]


def test_a_template_that_meta_may_have_is_not_sent_again(closed, send, meta, run_jobs):
    meta.fail_next("timeout_after_accept", method_path_regex="/messages")
    send(BOOKING)
    run_jobs()
    run_jobs(now=True)
    assert Message.objects.get(type="template").status == "unknown"
    assert len(meta.sent) == 1


def overdue() -> None:
    Message.objects.filter(type="template").update(status_at=timezone.now() - timedelta(hours=1))
    sweeps.sweep(timestamp=0)


def test_a_tenant_who_wishes_it_has_it_sent_once_more(closed, tenant, send, meta, run_jobs):
    tenant.resend_unknown = True
    tenant.save()
    meta.fail_next("timeout_after_accept", method_path_regex="/messages")
    send(BOOKING)
    run_jobs()
    overdue()
    run_jobs()
    first, second = asked_of(meta)
    assert first["template"] == second["template"]
    assert [message.status for message in Message.objects.filter(type="template").order_by("sequence")] == [
        "unknown",
        "sent",
    ]


@pytest.mark.parametrize(("code", "kind"), [(132000, "give_up"), (132001, "tenant_action"), (132015, "tenant_action")])
def test_what_meta_says_against_it_stays_on_it(closed, api, tenant, send, meta, run_jobs, code, kind):
    meta.fail_next(code, method_path_regex="/messages")
    send(BOOKING)
    run_jobs()
    [item, *_others] = api(tenant).get(f"/v1/conversations/{closed.pk}/messages").json()["data"]
    assert (item["status"], item["problem"]["code"], item["problem"]["kind"]) == ("failed", code, kind)


def test_a_template_that_could_not_be_sent_for_a_day_is_not_sent_any_more(closed, api, tenant, send, meta, run_jobs):
    send(BOOKING)
    Message.objects.filter(type="template").update(created_at=timezone.now() - timedelta(hours=25))
    run_jobs()
    assert not meta.sent
    [item, *_others] = api(tenant).get(f"/v1/conversations/{closed.pk}/messages").json()["data"]
    assert (item["status"], item["problem"]["kind"]) == ("failed", "give_up")
    assert "for a day" in item["problem"]["what"]
    assert jobs() == 0


def test_a_reply_that_came_too_late_says_that_a_template_can_be_sent(closed, api, tenant):
    closed.append(direction="outbound", author="agent", status="failed", reason="window_closed", text="Sí")
    [item, *_others] = api(tenant).get(f"/v1/conversations/{closed.pk}/messages").json()["data"]
    assert item["problem"]["kind"] == "window"
    assert "template" in item["problem"]["to_do"]


def test_a_template_from_elsewhere_may_come_without_its_words():
    message = Message(type="template", direction="outbound")
    assert "cannot be shown" in agent_text(message)
    assert "template" in transcript_text(message)
