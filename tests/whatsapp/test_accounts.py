"""What an update about an account does to its connections, once and in its order; and the notices that stay of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.conftest import connect
from whatsapp import accounts
from whatsapp.models import AccountNotice, WhatsappConnection
from whatsapp.payloads import AccountUpdate
from whatsapp.sandbox.businesses import express
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def update(field="account_update", event="", detail="", *, ago=0, waba_id=DEMO.waba_id, app_id="", number="", **raw):
    """Something that Meta says of the demo account, so many seconds ago."""
    at = timezone.now().replace(microsecond=0) - timedelta(seconds=ago)
    if event == "DISABLED_UPDATE":
        raw["ban_info"] = {"waba_ban_state": detail}
    return AccountUpdate(waba_id, number, field, event or field, detail, app_id, at, raw | {"event": event})


def quality(event="ONBOARDING", **more):
    return update("phone_number_quality_update", event, number=DEMO.digits, **more)


def name(decision, requested="Café Nuevo", **more):
    named = {"decision": decision, "requested_verified_name": requested}
    return update("phone_number_name_update", decision, number=DEMO.digits, **named, **more)


def facts() -> dict[str, dict[str, object]]:
    """The facts of the one connection, without their times."""
    known = WhatsappConnection.objects.get().account_facts
    return {key: {word: value for word, value in fact.items() if word != "at"} for key, fact in known.items()}


# ── What it does ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("heard", "status", "problem"),
    [
        (("account_update", "PARTNER_REMOVED"), "RECONNECT", "app_removed"),
        (("account_update", "PARTNER_APP_UNINSTALLED"), "RECONNECT", "app_removed"),
        (("account_update", "ACCOUNT_DELETED"), "RECONNECT", "account_deleted"),
        (("account_update", "ACCOUNT_OFFBOARDED"), "RECONNECT", "offboarded"),
        (("account_offboarded",), "RECONNECT", "offboarded"),
        (("account_update", "ACCOUNT_RESTRICTION"), "RESTRICTED", "restricted"),
        (("account_update", "DISABLED_UPDATE", "DISABLE"), "RESTRICTED", "disabled"),
        (("account_update", "DISABLED_UPDATE", "SCHEDULE_FOR_DISABLE"), "CONNECTED", ""),
        (("account_update", "ACCOUNT_VIOLATION"), "CONNECTED", ""),
        (("account_update", "SOMETHING_NEW"), "CONNECTED", ""),
        (("account_reconnected",), "CONNECTED", ""),
        (("account_review_update", "REJECTED"), "CONNECTED", ""),
        (("account_alerts", "OBA_REJECTED"), "CONNECTED", ""),
        (("business_capability_update",), "CONNECTED", ""),
        (("message_template_status_update", "DISABLED"), "CONNECTED", ""),
        (("message_template_quality_update",), "CONNECTED", ""),
        (("template_category_update",), "CONNECTED", ""),
    ],
)
def test_what_is_heard_of_an_account_is_kept_and_done(heard, status, problem, connection):
    word = accounts.hear(update(*heard))
    connection.refresh_from_db()
    assert (connection.status, connection.problem) == (status, problem)
    notice = AccountNotice.objects.get(connection=connection, tenant=connection.tenant)
    assert notice.field == heard[0]
    assert word in (notice.field, f"{notice.field}: {notice.event}")


@pytest.mark.parametrize(
    ("heard", "learned"),
    [
        (quality(current_limit="TIER_1K"), {"limit": {"tier": "TIER_1K"}}),
        (
            quality(current_limit="TIER_1K", max_daily_conversations_per_business="TIER_2K"),
            {"limit": {"tier": "TIER_2K"}},
        ),
        (quality("THROUGHPUT_UPGRADE", current_limit="TIER_UNLIMITED"), {}),
        (quality("FLAGGED"), {"quality": {"word": "FLAGGED"}}),
        (quality("UNFLAGGED"), {"quality": {"word": "UNFLAGGED"}}),
        (quality(max_daily_conversations_per_business=["odd"]), {}),
        (
            name("REJECTED", rejection_reason="NAME_NOT_CONSISTENT"),
            {"name": {"decision": "REJECTED", "requested": "Café Nuevo", "reason": "NAME_NOT_CONSISTENT"}},
        ),
        (update("account_review_update", decision="APPROVED"), {"review": {"decision": "APPROVED"}}),
        (
            update(
                "business_capability_update", max_daily_conversations_per_business=-1, max_phone_numbers_per_business=25
            ),
            {"limit": {"tier": "TIER_UNLIMITED"}, "capability": {"phone_numbers": 25}},
        ),
        (update("business_capability_update", max_daily_conversation_per_phone=250), {"limit": {"tier": "TIER_250"}}),
        (update("business_capability_update", max_daily_conversations_per_business=["odd"]), {}),
        (update("account_alerts", "OBA_REJECTED", alert_info={"alert_severity": "CRITICAL"}), {}),
        (update("message_template_status_update", "PAUSED"), {}),
    ],
)
def test_what_stays_true_is_learned(heard, learned, connection):
    accounts.hear(heard)
    assert facts() == learned


@pytest.mark.parametrize(
    ("decision", "requested", "verified"),
    [
        ("APPROVED", "Café Nuevo", "Café Nuevo"),
        ("REJECTED", "Bank", DEMO.verified_name),
        ("APPROVED", "", DEMO.verified_name),
    ],
)
def test_an_approved_name_is_the_verified_one(decision, requested, verified, connection):
    accounts.hear(name(decision, requested))
    connection.refresh_from_db()
    assert connection.verified_name == verified


def test_a_changed_pin_is_forgotten(connection):
    accounts.hear(update("security", "PIN_CHANGED", number=DEMO.digits))
    connection.refresh_from_db()
    assert (connection.pin, connection.problem, connection.status) == ("", "pin_changed", "CONNECTED")


def test_a_reinstated_account_has_been_connected_all_along(connection):
    accounts.hear(update(event="DISABLED_UPDATE", detail="DISABLE"))
    accounts.hear(update(event="DISABLED_UPDATE", detail="REINSTATE"))
    before, connection = connection, WhatsappConnection.objects.get()
    assert (connection.status, connection.problem) == ("CONNECTED", "")
    assert connection.connected_at == before.connected_at


# ── Whom it concerns ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def second(connection) -> WhatsappConnection:
    """Another number of the same account."""
    line = express(DEMO)
    second = WhatsappConnection.objects.create(
        tenant=connection.tenant,
        phone_number_id=line.phone_number_id,
        business_account_id=line.waba_id,
        display_phone_number=line.display_phone_number,
        access_token="EAA",
        pin="1",
    )
    second.connected()
    return second


def test_what_concerns_an_account_concerns_all_of_its_numbers(connection, second):
    accounts.hear(update(event="ACCOUNT_RESTRICTION"))
    assert set(WhatsappConnection.objects.values_list("status", flat=True)) == {"RESTRICTED"}
    assert AccountNotice.objects.count() == 2


def test_numbers_of_two_tenants_in_one_account_each_have_their_own_notice(connection, second, stranger):
    WhatsappConnection.objects.filter(pk=second.pk).update(tenant=stranger)
    accounts.hear(update(event="ACCOUNT_VIOLATION"))
    notices = AccountNotice.objects.values_list("connection", "tenant")
    assert set(notices) == {(connection.pk, connection.tenant_id), (second.pk, stranger.pk)}


@pytest.mark.parametrize(
    "heard", [quality("FLAGGED"), name("APPROVED"), update("security", "PIN_CHANGED", number=DEMO.digits)]
)
def test_what_concerns_one_number_concerns_no_other(heard, connection, second):
    accounts.hear(heard)
    assert AccountNotice.objects.get().connection == connection
    second.refresh_from_db()
    assert (second.account_facts, second.pin, second.verified_name) == ({}, "1", "")


def test_the_strangers_account_hears_nothing(connection, stranger, meta):
    theirs = connect(stranger, meta, 1)
    accounts.hear(update(event="PARTNER_REMOVED", waba_id=CATALOGUE[1].waba_id))
    assert AccountNotice.objects.get().tenant == stranger
    theirs.refresh_from_db()
    assert (theirs.status, WhatsappConnection.objects.get(pk=connection.pk).status) == ("RECONNECT", "CONNECTED")


@pytest.mark.parametrize(
    ("heard", "word"),
    [
        (update(event="PARTNER_REMOVED", app_id="999"), "account update of another app"),
        (update(event="PARTNER_REMOVED", waba_id=""), "ignored: the account is not connected"),
        (update(event="PARTNER_REMOVED", waba_id="7"), "ignored: the account is not connected"),
        (update("security", "PIN_CHANGED"), "ignored: the account is not connected"),
        (update("security", "PIN_CHANGED", number="34910555019"), "ignored: the account is not connected"),
    ],
)
def test_what_is_not_about_a_number_of_ours_is_left_alone(heard, word, connection):
    assert accounts.hear(heard) == word
    assert not AccountNotice.objects.exists()
    assert WhatsappConnection.objects.get().status == "CONNECTED"


def test_a_number_that_the_tenant_has_disconnected_hears_nothing(connection):
    WhatsappConnection.objects.update(status="DISCONNECTED")
    assert accounts.hear(update(event="ACCOUNT_DELETED")) == "ignored: the account is not connected"
    assert not AccountNotice.objects.exists()


# ── What is old, and what is repeated ────────────────────────────────────────────────────────────────────────────────


def test_what_is_repeated_is_kept_once_and_not_done_again(connection):
    heard = update(event="ACCOUNT_RESTRICTION")
    accounts.hear(heard)
    connection.refresh_from_db()
    connection.unrestricted()
    assert accounts.hear(heard) == "repeated account update"
    assert AccountNotice.objects.count() == 1
    assert WhatsappConnection.objects.get().status == "CONNECTED"


def test_the_same_at_another_time_is_news(connection):
    accounts.hear(quality("FLAGGED", ago=60))
    accounts.hear(quality("FLAGGED"))
    assert AccountNotice.objects.count() == 2


@pytest.mark.parametrize(
    "heard",
    [update(event="PARTNER_REMOVED", ago=9), update(event="ACCOUNT_RESTRICTION", ago=9), name("APPROVED", ago=9)],
)
def test_what_happened_before_the_number_was_connected_is_only_kept(heard, connection):
    assert accounts.hear(heard).startswith("late ")
    assert AccountNotice.objects.count() == 1
    before, connection = connection, WhatsappConnection.objects.get()
    assert (connection.status, connection.verified_name) == ("CONNECTED", before.verified_name)


def test_what_happened_in_the_second_of_the_connecting_counts(connection):
    at = connection.connected_at.replace(microsecond=0)
    accounts.hear(AccountUpdate(DEMO.waba_id, "", "account_update", "ACCOUNT_RESTRICTION", "", "", at, {}))
    assert WhatsappConnection.objects.get().status == "RESTRICTED"


def test_the_limit_that_came_with_the_registration_is_learned_when_it_is_late(connection):
    accounts.hear(quality(ago=9, max_daily_conversations_per_business="TIER_250"))
    assert facts() == {"limit": {"tier": "TIER_250"}}


@pytest.fixture
def long_connected(connection: WhatsappConnection) -> WhatsappConnection:
    connection.connected_at = timezone.now() - timedelta(days=30)
    connection.save()
    return connection


def test_an_older_update_does_not_undo_a_newer_one(long_connected):
    accounts.hear(update(event="DISABLED_UPDATE", detail="REINSTATE"))
    assert accounts.hear(update(event="ACCOUNT_RESTRICTION", ago=60)) == "late account_update: ACCOUNT_RESTRICTION"
    accounts.hear(name("REJECTED", "Bank"))
    accounts.hear(name("APPROVED", ago=60))
    accounts.hear(quality("UNFLAGGED"))
    accounts.hear(quality("FLAGGED", ago=60, max_daily_conversations_per_business="TIER_2K"))
    connection = WhatsappConnection.objects.get()
    assert (connection.status, connection.verified_name) == ("CONNECTED", DEMO.verified_name)
    assert (facts()["name"]["decision"], facts()["quality"]) == ("REJECTED", {"word": "UNFLAGGED"})
    assert facts()["limit"] == {"tier": "TIER_2K"}  # of which nothing newer was known
    assert AccountNotice.objects.count() == 6


def test_a_time_in_the_future_does_not_deafen_us(connection):
    accounts.hear(AccountUpdate(DEMO.waba_id, "", "account_review_update", "", "", "", LATER, {"decision": "PENDING"}))
    accounts.hear(update("account_review_update", decision="APPROVED", ago=-1))
    assert facts()["review"] == {"decision": "APPROVED"}
    assert not AccountNotice.objects.filter(happened_at__gt=timezone.now()).exists()


def test_without_a_time_it_has_happened_now(connection):
    said = AccountUpdate(DEMO.waba_id, "", "account_update", "ACCOUNT_RESTRICTION", "", "", None, {})
    assert [accounts.hear(said), accounts.hear(said)] == [
        "account_update: ACCOUNT_RESTRICTION",
        "repeated account update",
    ]
    assert WhatsappConnection.objects.get().status == "RESTRICTED"
