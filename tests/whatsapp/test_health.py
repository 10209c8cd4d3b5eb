"""The doctor: what it finds, what it repairs, and the test message, through the tenant's API."""

import re
from datetime import timedelta
from io import StringIO

import pytest
import responses
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.conftest import connect
from whatsapp import health, tasks
from whatsapp.findings import CHECKS
from whatsapp.models import GraphExchange, WhatsappConnection
from whatsapp.onboarding import REQUIRED_SCOPES
from whatsapp.sandbox.grants import passing_token
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db
NEW = CATALOGUE[1]


@pytest.fixture
def ask(api):
    def ask(connection: WhatsappConnection, what: str = "check", **body: str):
        """The tenant asks for something to be done, and is told how the number is."""
        url = f"/v1/whatsapp/connections/{connection.pk}/{what}"
        return api(connection.tenant).post(url, body, content_type="application/json")

    return ask


def states(answer) -> dict[str, str]:
    return {finding["check"]: finding["state"] for finding in answer.json()["findings"]}


def codes(connection: WhatsappConnection) -> dict[str, str]:
    connection.refresh_from_db()
    return {finding.check: finding.code for finding in health.findings_of(connection)}


def test_a_number_in_good_health_has_nothing_to_repair(connection, ask):
    answer = ask(connection).json()
    assert [finding["check"] for finding in answer["findings"]] == [*CHECKS]
    assert {finding["state"] for finding in answer["findings"] if finding["check"] != "test_message"} == {"ok"}
    assert not any(finding["can_repair"] for finding in answer["findings"])
    assert (answer["status"], answer["problem"]) == ("CONNECTED", None)
    assert answer["last_checked_at"]


def test_a_number_that_is_well_keeps_its_state(connection, ask):
    before = WhatsappConnection.objects.values("status", "connected_at", "access_token").get()
    ask(connection)
    assert WhatsappConnection.objects.values("status", "connected_at", "access_token").get() == before


def test_every_finding_says_what_to_do_when_it_is_not_well(connection, meta, ask):
    meta.memory.record("unsubscribed", waba_id=DEMO.waba_id)
    meta.set_payment(DEMO, exists=False)
    troubled = [f for f in ask(connection).json()["findings"] if f["state"] in ("warn", "bad")]
    assert [(f["check"], f["can_repair"]) for f in troubled] == [("subscription", True), ("payment", False)]
    assert all(f["what"] and f["fix"] for f in troubled)


@pytest.mark.parametrize("failure", ["timeout_after_accept", "refused", "html_500", 2, 4, 10])
@pytest.mark.parametrize(
    ("call", "unknown"),
    [
        ("debug_token", {"token", "permissions", "expiry"}),
        ("GET /v25.0/[0-9]+/subscribed_apps", {"subscription", "callback"}),
        (f"GET /v25.0/{DEMO.phone_number_id}", {"number", "registration", "quality", "name", "throughput"}),
        (f"GET /v25.0/{DEMO.waba_id} ", {"payment"}),
    ],
)
def test_a_call_that_fails_makes_its_own_findings_unknown(failure, call, unknown, connection, meta, ask):
    meta.fail_next(failure, method_path_regex=call)
    answer = ask(connection)
    assert {check for check, state in states(answer).items() if state == "unknown"} == unknown | {"test_message"}
    assert answer.json()["status"] == "CONNECTED"


def test_a_token_that_meta_took_back_is_found_and_nothing_more_is_asked(connection, meta, ask):
    meta.happens("remove_app", DEMO)
    answer = ask(connection)
    assert states(answer)["token"] == "bad"
    assert (answer.json()["status"], answer.json()["problem"]["code"]) == ("RECONNECT", "token_rejected")
    assert [exchange.path for exchange in GraphExchange.objects.all()] == ["debug_token"]


def test_a_wrong_secret_of_ours_is_not_taken_for_a_lost_access(connection, ask, settings):
    settings.META_APP_SECRET = "another"
    answer = ask(connection)
    assert (answer.json()["status"], states(answer)["token"]) == ("CONNECTED", "unknown")


def test_a_known_reason_is_not_replaced_by_a_vaguer_one(connection, meta, ask, deliver):
    deliver(meta.happens("remove_app", DEMO))
    assert ask(connection).json()["problem"]["code"] == "app_removed"


def test_a_connection_that_got_a_new_token_meanwhile_is_not_lost(connection, meta):
    old = WhatsappConnection.objects.get()
    assert old.access_token
    meta.happens("remove_app", DEMO)
    connection.access_token = meta.token_for(DEMO)
    connection.save()
    health.examine(old)
    assert WhatsappConnection.objects.get().status == "CONNECTED"


def test_a_subscription_that_was_lost_is_repaired(connection, meta, ask):
    meta.memory.record("unsubscribed", waba_id=DEMO.waba_id)
    connection.subscribed_at = timezone.now()
    connection.save()
    assert states(ask(connection))["subscription"] == "bad"
    assert states(ask(connection, "repair"))["subscription"] == "ok"
    assert DEMO.waba_id in meta.memory.subscribed


def test_a_subscription_that_meta_refuses_stays_a_finding(connection, meta, ask):
    meta.memory.record("unsubscribed", waba_id=DEMO.waba_id)
    meta.fail_next(2, method_path_regex="post_subscribed_apps")
    assert states(ask(connection, "repair"))["subscription"] == "bad"
    assert states(ask(connection, "repair"))["subscription"] == "ok"


def test_while_meta_restricts_the_number_only_the_subscription_is_repaired(connection, meta, ask):
    meta.happens("restrict", DEMO)
    meta.memory.record("unsubscribed", waba_id=DEMO.waba_id)
    answer = ask(connection, "repair")
    assert (states(answer)["subscription"], answer.json()["status"]) == ("ok", "RESTRICTED")
    assert not meta.memory.attempts["register", DEMO.phone_number_id]


@pytest.mark.parametrize("failure", ["timeout_after_accept", "refused", "html_500", 2, 133004])
def test_an_outage_while_registering_is_repaired_by_trying_again(failure, tenant, meta, ask):
    connection = connect(tenant, meta, 1)
    meta.fail_next(failure, method_path_regex="post_register")
    ask(connection, "repair")
    answer = ask(connection, "repair").json()
    assert (answer["status"], answer["problem"]) == ("CONNECTED", None)
    assert len(meta.memory.attempts["register", NEW.phone_number_id]) <= 2


def test_a_callback_that_is_not_ours_is_found_and_taken_back(connection, ask, settings):
    def told(uri: str) -> str:
        """What the doctor says when Meta names this address."""
        app = {"whatsapp_business_api_data": {"id": settings.META_APP_ID}, "override_callback_uri": uri}
        facts = {"app_id": settings.META_APP_ID, "is_valid": True, "scopes": [*REQUIRED_SCOPES]}
        with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
            graph.add(responses.GET, re.compile(".*/subscribed_apps"), json={"data": [app]})
            graph.add(responses.GET, re.compile(".*/debug_token"), json={"data": facts})
            graph.add(responses.GET, re.compile(".*/[0-9]+\\?"), json={"id": "1"})
            return states(ask(connection))["callback"]

    assert told("https://elsewhere.example/v1/webhooks/whatsapp") == "bad"
    assert told("https://agents.example/v1/webhooks/whatsapp") == "ok"
    assert told("") == "ok"


def test_a_number_that_is_not_registered_is_registered_once(tenant, meta, ask):
    connection = connect(tenant, meta, 1)
    assert codes_after_check(ask, connection)["registration"] == "registration_missing"
    answer = ask(connection, "repair")
    assert (states(answer)["registration"], answer.json()["status"]) == ("ok", "CONNECTED")
    ask(connection, "repair")
    assert len(meta.memory.attempts["register", NEW.phone_number_id]) == 1


def codes_after_check(ask, connection) -> dict[str, str]:
    ask(connection)
    return codes(connection)


def test_a_pin_that_is_not_ours_is_asked_for_and_the_limit_is_not_burnt(tenant, meta, ask):
    meta.stage(NEW, "own_pin")
    connection = connect(tenant, meta, 1)
    assert ask(connection, "repair").json()["problem"]["code"] == "pin_needed"
    for _attempt in range(12):
        ask(connection, "repair")
    assert len(meta.memory.attempts["register", NEW.phone_number_id]) < 10
    assert codes(connection)["registration"] == "registration_limit"


def test_with_the_numbers_own_pin_the_repair_succeeds(tenant, meta, ask):
    meta.stage(NEW, "own_pin")
    connection = connect(tenant, meta, 1)
    ask(connection, "repair")
    answer = ask(connection, "repair", pin="135790").json()
    assert (answer["status"], answer["problem"]) == ("CONNECTED", None)


def test_a_signup_that_stopped_half_way_is_finished(tenant, meta, ask):
    connection = connect(tenant, meta, 1)
    WhatsappConnection.objects.update(status="PENDING", connected_at=None)
    assert ask(connection).json()["problem"]["code"] == "signup_unfinished"
    assert ask(connection, "repair").json()["status"] == "CONNECTED"


def test_a_restriction_is_found_and_its_end_too(connection, meta, ask):
    meta.happens("restrict", DEMO)
    assert ask(connection).json()["status"] == "RESTRICTED"
    assert ask(connection, "repair").json()["status"] == "RESTRICTED"
    meta.happens("lift_restriction", DEMO)
    assert ask(connection).json()["status"] == "CONNECTED"


def test_a_week_without_any_webhook_is_a_warning(connection, ask):
    WhatsappConnection.objects.update(subscribed_at=timezone.now() - timedelta(days=8))
    assert states(ask(connection))["webhooks"] == "warn"
    WhatsappConnection.objects.update(last_webhook_at=timezone.now())
    assert states(ask(connection))["webhooks"] == "ok"


def test_a_token_that_ends_soon_is_renewed_by_the_repair(connection, meta, ask):
    connection.access_token = passing_token(meta.app, meta.memory, DEMO, "sixty_days")
    connection.save()
    assert states(ask(connection))["expiry"] == "ok"
    with time_machine.travel(timezone.now() + timedelta(days=50)):
        assert states(ask(connection))["expiry"] == "warn"
        assert states(ask(connection, "repair"))["expiry"] == "ok"


# ── Who may ask, and who asks by itself ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["check", "repair", "test-message"])
def test_a_stranger_cannot_call_the_doctor(what, connection, stranger, api):
    url = f"/v1/whatsapp/connections/{connection.pk}/{what}"
    body = {"to": "+34600000101"}
    assert api(stranger).post(url, body, content_type="application/json").status_code == 404


def test_a_tenant_sees_its_own_numbers_the_newest_first(connection, tenant, stranger, meta, api):
    newer = connect(tenant, meta, 1)
    connect(stranger, meta, 2)
    data = api(tenant).get("/v1/whatsapp/connections").json()["data"]
    assert [number["id"] for number in data] == [str(newer.pk), str(connection.pk)]
    assert api(stranger).get(f"/v1/whatsapp/connections/{connection.pk}").status_code == 404


def test_neither_token_nor_pin_is_told(connection, api, ask):
    ask(connection)
    told = api(connection.tenant).get("/v1/whatsapp/connections").content.decode()
    assert connection.access_token not in told
    assert "424242" not in told


@pytest.mark.django_db(transaction=True)
def test_every_night_each_living_connection_is_examined(connection, stranger, meta, run_jobs):
    lost = connect(stranger, meta, 1)
    lost.access_lost("gone")
    tasks.check_connections(timestamp=0)
    run_jobs(now=True)
    assert codes(connection)["token"] == "token_ok"
    assert codes(lost) == {}


@pytest.mark.django_db(transaction=True)
def test_a_check_can_be_asked_for_in_the_background(connection, run_jobs):
    tasks.queue_check(connection)
    run_jobs()
    assert codes(connection)["number"] == "number_ok"


def test_the_command_prints_a_table(connection, stranger, meta):
    connect(stranger, meta, 1)
    out = StringIO()
    call_command("check_connections", "--tenant", connection.tenant.slug, stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1 + len(CHECKS)
    assert all(line.startswith("cafe-alameda") for line in lines[1:])
    with pytest.raises(CommandError):
        call_command("check_connections", "--tenant", "nobody", stdout=out)


def test_the_report_of_a_number_is_for_who_shows_it_elsewhere(connection, ask):
    ask(connection)
    report = health.report_of(DEMO.phone_number_id)
    assert report
    assert (report.status, len(report.findings)) == ("CONNECTED", len(CHECKS))
    assert health.report_of("nobody's") is None
