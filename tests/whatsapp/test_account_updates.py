"""What Meta says about an account, through the webhook: the connection follows at once, and nothing is lost."""

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from conversations.inbound import process
from conversations.models import Message, WebhookEvent
from tests.conftest import PAYLOADS, connect, jobs
from whatsapp.models import AccountNotice, WhatsappConnection
from whatsapp.payloads import AccountUpdate, parse
from whatsapp.sandbox.envelopes import envelope
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db


def test_a_partners_event_names_its_account_elsewhere_than_in_the_entry():
    [item] = parse((PAYLOADS / "account_update.json").read_text())
    assert isinstance(item, AccountUpdate)
    assert (item.waba_id, item.event, item.detail) == ("201700000000001", "PARTNER_REMOVED", "")


def test_a_restriction_says_which():
    [item] = parse((PAYLOADS / "account_restriction.json").read_text())
    assert isinstance(item, AccountUpdate)
    assert item.waba_id == "201700000000001"
    assert item.detail == "RESTRICTED_BIZ_INITIATED_MESSAGING, RESTRICTED_ADD_PHONE_NUMBER_ACTION"


@pytest.mark.parametrize(
    ("event", "status", "problem"),
    [
        ("PARTNER_REMOVED", "RECONNECT", "app_removed"),
        ("PARTNER_APP_UNINSTALLED", "RECONNECT", "app_removed"),
        ("ACCOUNT_DELETED", "RECONNECT", "account_deleted"),
        ("ACCOUNT_OFFBOARDED", "RECONNECT", "offboarded"),
        ("ACCOUNT_RESTRICTION", "RESTRICTED", "restricted"),
        ("DISABLED_UPDATE", "RESTRICTED", "disabled"),
        ("ACCOUNT_VIOLATION", "CONNECTED", ""),
        ("SOMETHING_NEW", "CONNECTED", ""),
    ],
)
def test_what_an_event_means_to_a_connection(event, status, problem, connection, meta, deliver, api):
    info = {"waba_info": {"waba_id": DEMO.waba_id}} if event.startswith("PARTNER") else {}
    deliver(meta.account_update(DEMO, event, **info))
    told = api(connection.tenant).get("/v1/whatsapp/connection").json()
    assert (told["status"], (told["problem"] or {}).get("code", "")) == (status, problem)
    assert WebhookEvent.objects.get().outcome == {f"account_update: {event}": 1}
    if problem:
        assert told["problem"]["what"]
        assert told["problem"]["to_do"]


QUALITY = {"display_phone_number": DEMO.digits, "event": "FLAGGED", "current_limit": "TIER_250"}
NAME = {"display_phone_number": DEMO.digits, "decision": "APPROVED", "requested_verified_name": "Café Nuevo"}
ALERT = {"alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": "PROFILE_PHOTO_LOST"}
TEMPLATE = {"message_template_id": 7, "message_template_name": "offer", "message_template_language": "es"}


@pytest.mark.parametrize(
    ("field", "value", "outcome", "needs_somebody"),
    [
        ("account_update", {"event": "ACCOUNT_OFFBOARDED"}, "account_update: ACCOUNT_OFFBOARDED", True),
        ("account_offboarded", {"reason": "DEVICE"}, "account_offboarded", True),
        ("account_update", {"event": "ACCOUNT_RECONNECTED"}, "account_update: ACCOUNT_RECONNECTED", False),
        ("account_reconnected", {"reason": "DEVICE"}, "account_reconnected", False),
        (
            "account_update",
            {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}},
            "account_update: ACCOUNT_VIOLATION",
            True,
        ),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}},
            "account_update: DISABLED_UPDATE",
            False,
        ),
        ("account_review_update", {"decision": "REJECTED"}, "account_review_update: REJECTED", True),
        ("account_review_update", {"decision": "APPROVED"}, "account_review_update: APPROVED", False),
        ("account_alerts", {"alert_info": ALERT}, "account_alerts: PROFILE_PHOTO_LOST", True),
        (
            "account_alerts",
            {"alert_info": {**ALERT, "alert_severity": "INFORMATIONAL"}},
            "account_alerts: PROFILE_PHOTO_LOST",
            False,
        ),
        (
            "business_capability_update",
            {"max_daily_conversations_per_business": 2000},
            "business_capability_update",
            False,
        ),
        ("phone_number_quality_update", QUALITY, "phone_number_quality_update: FLAGGED", True),
        ("phone_number_name_update", NAME, "phone_number_name_update: APPROVED", False),
        ("phone_number_name_update", {**NAME, "decision": "REJECTED"}, "phone_number_name_update: REJECTED", True),
        ("security", {**QUALITY, "event": "PIN_CHANGED"}, "security: PIN_CHANGED", True),
        ("security", {**QUALITY, "event": "PIN_RESET_REQUEST"}, "security: PIN_RESET_REQUEST", False),
        (
            "message_template_status_update",
            {**TEMPLATE, "event": "PAUSED"},
            "message_template_status_update: PAUSED",
            True,
        ),
        (
            "message_template_status_update",
            {**TEMPLATE, "event": "APPROVED"},
            "message_template_status_update: APPROVED",
            False,
        ),
        (
            "message_template_quality_update",
            {**TEMPLATE, "previous_quality_score": "GREEN", "new_quality_score": "YELLOW"},
            "message_template_quality_update: YELLOW",
            False,
        ),
        ("message_template_components_update", TEMPLATE, "message_template_components_update", False),
        (
            "template_category_update",
            {**TEMPLATE, "previous_category": "UTILITY", "new_category": "MARKETING"},
            "template_category_update: MARKETING",
            False,
        ),
    ],
)
def test_every_field_about_an_account_comes_through_the_webhook(
    field, value, outcome, needs_somebody, connection, deliver
):
    body = envelope(DEMO, value, field, at=time.time())
    assert (deliver(body), deliver(body)) == (200, 200)
    assert WebhookEvent.objects.get().outcome == {outcome: 1}
    notice = AccountNotice.objects.get(connection=connection, field=field, value=value)
    assert notice.happened_at <= timezone.now()
    assert AccountNotice.objects.filter(AccountNotice.needing_somebody()).exists() == needs_somebody


def test_the_tenant_is_told_what_meta_last_said(connection, stranger, meta, deliver, api):
    theirs = connect(stranger, meta, 1)
    for field, value in (("phone_number_quality_update", QUALITY), ("phone_number_name_update", NAME)):
        deliver(envelope(DEMO, value, field, at=time.time()))
    told = api(connection.tenant).get("/v1/whatsapp/connection").json()
    said = ("messaging_limit", "quality", "name_decision")
    assert [told[word] for word in said] == ["TIER_250", "FLAGGED", "APPROVED"]
    assert told["verified_name"] == "Café Nuevo"
    assert api(connection.tenant).get("/v1/whatsapp/connections").json()["data"] == [told]
    told = api(stranger).get(f"/v1/whatsapp/connections/{theirs.pk}").json()
    assert [told[word] for word in said] == [None, None, None]
    assert api(stranger).get(f"/v1/whatsapp/connections/{connection.pk}").status_code == 404


def test_what_is_replayed_after_the_number_was_connected_again_undoes_nothing(connection, meta, deliver):
    at = time.time() - 60
    WhatsappConnection.objects.update(status="DISCONNECTED")
    deliver(envelope(DEMO, {"event": "ACCOUNT_RESTRICTION"}, "account_update", at=at))
    deliver(envelope(DEMO, {"event": "ACCOUNT_OFFBOARDED"}, "account_update", at=at))
    connection.connected()
    WebhookEvent.objects.update(processed_at=None)
    process(WebhookEvent.objects.order_by("received_at"))
    assert [list(event.outcome) for event in WebhookEvent.objects.order_by("received_at")] == [
        ["late account_update: ACCOUNT_RESTRICTION"],
        ["late account_update: ACCOUNT_OFFBOARDED"],
    ]
    assert WhatsappConnection.objects.get().status == "CONNECTED"
    assert AccountNotice.objects.count() == 2


@pytest.mark.parametrize(("works", "status"), [(True, "CONNECTED"), (False, "RECONNECT")])
@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_back_is_connected_when_our_access_works(works, status, connection, meta, deliver, run_jobs):
    if not works:
        meta.happens("remove_app", DEMO)
    deliver(meta.account_update(DEMO, "ACCOUNT_OFFBOARDED"))
    deliver(meta.account_update(DEMO, "ACCOUNT_RECONNECTED"))
    assert WhatsappConnection.objects.get().status == "RECONNECT"
    run_jobs()
    assert WhatsappConnection.objects.get().status == status


def test_a_number_that_is_back_is_not_registered_while_its_signup_is_pending(connection, meta, deliver, run_jobs):
    WhatsappConnection.objects.update(status="PENDING")
    deliver(meta.account_update(DEMO, "ACCOUNT_RECONNECTED"))
    assert ProcrastinateJob.objects.filter(task_name="recover_connection").count() == 1
    run_jobs()
    assert meta.timeline == []


def test_another_account_is_left_alone(connection, stranger, meta, deliver):
    theirs = connect(stranger, meta, 1)
    deliver(meta.account_update(CATALOGUE[1], "ACCOUNT_RESTRICTION"))
    statuses = dict(WhatsappConnection.objects.values_list("pk", "status"))
    assert statuses == {connection.pk: "CONNECTED", theirs.pk: "RESTRICTED"}


def test_an_event_about_another_partners_app_is_left_alone(connection, meta, deliver):
    info = {"waba_id": DEMO.waba_id, "partner_app_id": "999"}
    deliver(meta.account_update(DEMO, "PARTNER_APP_UNINSTALLED", waba_info=info))
    assert WhatsappConnection.objects.get().status == "CONNECTED"


def test_a_reinstated_account_is_connected_again(connection, meta, deliver):
    deliver(meta.account_update(DEMO, "DISABLED_UPDATE"))
    deliver(meta.happens("lift_restriction", DEMO))
    assert WhatsappConnection.objects.get().status == "CONNECTED"


@pytest.mark.parametrize("status", ["RECONNECT", "PENDING", "DISCONNECTED"])
@pytest.mark.parametrize("deed", ["restrict", "lift_restriction"])
def test_a_restriction_does_not_bring_back_what_cannot_work(deed, status, connection, meta, deliver):
    WhatsappConnection.objects.update(status=status)
    deliver(meta.happens(deed, DEMO))
    assert WhatsappConnection.objects.get().status == status


def test_a_disconnected_number_stays_so_when_meta_says_that_we_are_gone(connection, meta, deliver):
    WhatsappConnection.objects.update(status="DISCONNECTED")
    deliver(meta.happens("remove_app", DEMO))
    assert WhatsappConnection.objects.get().status == "DISCONNECTED"


def test_a_changed_pin_is_forgotten_and_the_number_goes_on(connection, meta, deliver, api):
    deliver(meta.security(DEMO, "PIN_CHANGED"))
    connection.refresh_from_db()
    assert (connection.pin, connection.status) == ("", "CONNECTED")
    told = api(connection.tenant).post(f"/v1/whatsapp/connections/{connection.pk}/check").json()
    assert told["problem"]["code"] == "pin_changed"
    [finding] = [finding for finding in told["findings"] if finding["check"] == "registration"]
    assert finding["state"] == "warn"


def test_another_numbers_pin_or_a_mere_request_changes_nothing(connection, meta, deliver):
    other = json.loads(meta.security(DEMO, "PIN_CHANGED"))
    other["entry"][0]["changes"][0]["value"]["display_phone_number"] = "34910555011"
    deliver(json.dumps(other).encode())
    deliver(meta.security(DEMO, "PIN_RESET_REQUEST"))
    assert WhatsappConnection.objects.get().pin


@pytest.mark.parametrize("status", ["RECONNECT", "RESTRICTED", "PENDING"])
def test_an_unhealthy_connection_keeps_what_comes_in(status, connection, says):
    WhatsappConnection.objects.update(status=status)
    says("Hola")
    message = Message.objects.get()
    assert (message.text, message.status) == ("Hola", "received")
    assert message.conversation.answer_due_at
    assert jobs() == 1


def test_a_number_that_the_tenant_has_disconnected_keeps_nothing_more(connection, says):
    WhatsappConnection.objects.update(status="DISCONNECTED")
    says("Hola")
    assert not Message.objects.exists()


def test_the_last_webhook_is_noted_at_most_once_a_minute(connection, says):
    says("one")
    first = WhatsappConnection.objects.get().last_webhook_at
    assert first
    says("two")
    assert WhatsappConnection.objects.get().last_webhook_at == first
    WhatsappConnection.objects.update(last_webhook_at=timezone.now() - timedelta(minutes=2))
    says("three")
    latest = WhatsappConnection.objects.get().last_webhook_at
    assert latest
    assert latest > first


def test_a_webhook_signed_with_the_former_secret_is_taken_while_it_is_a_fallback(connection, meta, deliver, settings):
    body = meta.customer_writes(DEMO.phone_number_id, "34600000101", "L", "Hola")
    assert deliver(body, secret="former") == 401
    settings.META_APP_SECRET_FALLBACKS = ["", "former"]
    assert deliver(body, secret="former") == 200
    assert deliver(body, secret="") == 401
