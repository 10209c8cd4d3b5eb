"""What Meta says about an account, through the webhook: the connection follows at once, and nothing is lost."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.models import Message, WebhookEvent
from tests.conftest import PAYLOADS, connect, jobs
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import AccountUpdate, parse
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
