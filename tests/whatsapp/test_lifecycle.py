"""What becomes of a connection after its signup: renewal, the end, erasure, rotation of keys, and the exchange log."""

import base64
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.models import Conversation, Message, ParkedStatus, WebhookEvent, WhatsappUser
from tenants.models import IdempotencyKey
from tests.conftest import connect
from whatsapp import tasks
from whatsapp.models import AccountNotice, EmbeddedSignupSession, Ending, GraphExchange, WhatsappConnection
from whatsapp.sandbox.businesses import express
from whatsapp.sandbox.grants import digest, passing_token
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db


# ── Renewal ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def passing(connection, meta):
    """A connection whose token lives for sixty days."""
    connection.access_token = passing_token(meta.app, meta.memory, DEMO, "sixty_days")
    connection.token_expires_at = timezone.now() + timedelta(days=60)
    connection.save()
    return connection


def after_days(connection: WhatsappConnection, days: int) -> WhatsappConnection:
    """The nightly check, so many days from now."""
    with time_machine.travel(timezone.now() + timedelta(days=days)):
        tasks.check_connection(str(connection.pk))
    return WhatsappConnection.objects.get(pk=connection.pk)


def test_a_token_is_renewed_two_weeks_before_it_ends(passing):
    later = after_days(passing, 47)
    assert later.access_token != passing.access_token
    assert later.token_expires_at
    assert later.token_expires_at > timezone.now() + timedelta(days=100)


def test_a_token_that_lives_long_enough_is_kept(passing):
    assert after_days(passing, 40).access_token == passing.access_token


@pytest.mark.parametrize("failure", ["timeout_after_accept", "html_500", 2, 190])
def test_a_renewal_that_fails_costs_nothing(failure, passing, meta):
    meta.fail_next(failure, method_path_regex="refresh_token")
    later = after_days(passing, 50)
    assert (later.access_token, later.status) == (passing.access_token, "CONNECTED")


def test_a_token_without_an_end_is_never_renewed(connection):
    assert after_days(connection, 1000).access_token == connection.access_token


# ── The end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def disconnect(api):
    def disconnect(connection: WhatsappConnection, **body: str):
        url = f"/v1/whatsapp/connections/{connection.pk}"
        return api(connection.tenant).delete(url, body, content_type="application/json")

    return disconnect


def test_disconnected_a_number_has_no_access_here_nor_at_meta(connection, meta, disconnect):
    token = connection.access_token
    answer = disconnect(connection).json()
    connection.refresh_from_db()
    assert (answer["status"], answer["problem"]["code"], answer["status_reason"]) == (
        "DISCONNECTED",
        "disconnected",
        "",
    )
    assert (connection.access_token, connection.pin) == ("", "")
    assert DEMO.waba_id not in meta.memory.subscribed
    assert digest(token) in meta.memory.revoked


def test_the_number_stays_registered_for_it_is_the_tenants(connection, meta, disconnect):
    disconnect(connection)
    assert DEMO.phone_number_id in meta.memory.registered


@pytest.mark.parametrize("failure", ["timeout_after_accept", "html_500", 190])
def test_what_meta_refuses_is_noted_and_the_keys_are_wiped_all_the_same(failure, connection, meta, disconnect):
    meta.fail_next(failure, times=2)
    answer = disconnect(connection).json()
    connection.refresh_from_db()
    assert connection.access_token == connection.pin == ""
    assert answer["status"] == "DISCONNECTED"
    assert "unsubscribe: " in answer["status_reason"]
    assert "revoke: " in answer["status_reason"]


def test_another_number_of_the_account_and_of_the_token_goes_on(connection, tenant, meta, disconnect):
    line = express(DEMO)
    other = WhatsappConnection.objects.create(
        tenant=tenant,
        phone_number_id=line.phone_number_id,
        business_account_id=line.waba_id,
        access_token=connection.access_token,
    )
    other.connected()
    disconnect(connection)
    assert DEMO.waba_id in meta.memory.subscribed
    assert not meta.memory.revoked
    disconnect(other)
    assert DEMO.waba_id not in meta.memory.subscribed
    assert meta.memory.revoked


def test_a_token_that_a_signup_still_keeps_is_wiped_too(connection, disconnect):
    session, _state = EmbeddedSignupSession.begin(connection.tenant)
    session.access_token, session.connection = connection.access_token, connection
    session.ended(Ending.REGISTER_LIMIT)
    disconnect(connection)
    assert EmbeddedSignupSession.objects.get().access_token == ""


def test_disconnecting_again_changes_nothing(connection, disconnect):
    assert disconnect(connection).status_code == disconnect(connection).status_code == 200
    assert WhatsappConnection.objects.get().status == "DISCONNECTED"


def test_a_stranger_disconnects_nothing(connection, stranger, api):
    url = f"/v1/whatsapp/connections/{connection.pk}"
    assert api(stranger).delete(url, {"data": "erase"}, content_type="application/json").status_code == 404
    assert WhatsappConnection.objects.get().status == "CONNECTED"


def test_only_keep_or_erase_can_be_chosen(connection, disconnect):
    assert disconnect(connection, data="burn").status_code == 400
    assert WhatsappConnection.objects.get().status == "CONNECTED"


# ── Erasure ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_what_was_said_is_kept_unless_the_tenant_wants_it_erased(connection, says, disconnect, run_jobs):
    says("Hola")
    disconnect(connection)
    run_jobs(now=True)
    assert Message.objects.filter(text="Hola").exists()
    disconnect(connection, data="erase")
    run_jobs(now=True)
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()
    assert not WhatsappUser.objects.exists()
    assert not GraphExchange.objects.exists()
    assert [event.body for event in WebhookEvent.objects.all()] == [""]


@pytest.mark.django_db(transaction=True)
def test_what_another_number_or_tenant_has_is_not_erased(
    connection, tenant, stranger, meta, deliver, says, run_jobs, disconnect
):
    connect(tenant, meta, 1), connect(stranger, meta, 2)
    says("Hola")
    for business in CATALOGUE[1:3]:
        deliver(meta.customer_writes(business.phone_number_id, "34600000101", "Lucía", f"Hola {business.name}"))
    disconnect(connection, data="erase")
    run_jobs(now=True)
    assert set(Message.objects.filter(direction="inbound").values_list("text", flat=True)) == {
        f"Hola {business.name}" for business in CATALOGUE[1:3]
    }
    assert WhatsappUser.objects.count() == 2
    assert WebhookEvent.objects.filter(body="").count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_comes_after_the_number_is_connected_again_is_not_erased(connection, says, disconnect, run_jobs):
    says("before")
    disconnect(connection, data="erase")
    WhatsappConnection.objects.update(status="RECONNECT")
    says("after")
    run_jobs(now=True)
    assert list(Message.objects.values_list("text", flat=True)) == ["after"]


def beside(connection: WhatsappConnection) -> None:
    """What Meta told us besides messages: a status that came too early, a notice, somebody of the address book."""
    owned, now = {"tenant": connection.tenant, "connection": connection}, timezone.now()
    ParkedStatus.objects.create(**owned, wamid="wamid.X", status="read", at=now)
    AccountNotice.objects.create(**owned, digest="x", field="account_update", happened_at=now)
    IdempotencyKey.objects.create(tenant=connection.tenant, key="1", fingerprint="x", status=201, answer={"text": "Hi"})
    WhatsappUser.objects.create(tenant=connection.tenant, wa_id="34699", contact_name="Pan", contact_at=now)


@pytest.mark.django_db(transaction=True)
def test_what_meta_told_besides_is_erased_too(connection, stranger, meta, run_jobs, disconnect):
    theirs = connect(stranger, meta, 1)
    for each in (connection, theirs):
        beside(each)
    disconnect(connection, data="erase")
    run_jobs(now=True)
    for model in (ParkedStatus, AccountNotice, IdempotencyKey, WhatsappUser):
        assert [row.tenant for row in model.objects.all()] == [stranger]


@pytest.mark.django_db(transaction=True)
def test_the_address_book_stays_while_another_number_of_the_portfolio_is_connected(
    connection, tenant, meta, run_jobs, disconnect
):
    connect(tenant, meta, 1)
    beside(connection)
    disconnect(connection, data="erase")
    run_jobs(now=True)
    assert WhatsappUser.objects.get().contact_name == "Pan"
    assert not ParkedStatus.objects.exists()


# ── Keys and exchanges ───────────────────────────────────────────────────────────────────────────────────────────────


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(name.encode() * 16).decode()}"


def reseal() -> list[str]:
    out = StringIO()
    call_command("reseal_secrets", stdout=out)
    return [line.split(": ")[1] for line in out.getvalue().splitlines() if "WhatsappConnection" in line]


def test_everything_is_sealed_anew_and_the_old_key_can_go(connection, settings):
    token, old = connection.access_token, settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [key("k2"), *old]
    assert reseal() == ["1 resealed, 0 not opened"] * 2
    assert reseal() == ["0 resealed, 0 not opened"] * 2
    settings.ENCRYPTION_KEYS = [key("k2")]
    assert WhatsappConnection.objects.get().access_token == token


def test_what_cannot_be_opened_is_counted_and_stops_nothing(connection, stranger, meta, settings):
    settings.ENCRYPTION_KEYS = [key("k2")]
    other = connect(stranger, meta, 1)
    settings.ENCRYPTION_KEYS = [key("k3"), key("k2")]
    with pytest.raises(CommandError, match="2 could not be opened"):
        reseal()
    settings.ENCRYPTION_KEYS = [key("k3")]
    assert WhatsappConnection.objects.get(pk=other.pk).pin == other.pin


def test_exchanges_are_kept_for_a_bounded_time(connection, api, settings, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 3)
    settings.EXCHANGE_LOG_DAYS = 14
    with time_machine.travel(timezone.now() - timedelta(days=15)):
        tasks.check_connection(str(connection.pk))
    old = GraphExchange.objects.count()
    tasks.check_connection(str(connection.pk))
    assert GraphExchange.objects.count() == 2 * old
    tasks.purge_exchanges(timestamp=0)
    assert GraphExchange.objects.count() == old
