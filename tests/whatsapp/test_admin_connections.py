"""The staff's pages for a connection and its signup: what they tell, and what the doctor may be asked there.

Knows the pages by their addresses; what the doctor finds, and how, is told in the doctor's own tests.
"""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import connect
from tests.test_admin import LISTS, change, exchange, notice, page
from whatsapp.admin.connections import DEEDS
from whatsapp.findings import CHECKS, WORDS
from whatsapp.models import EmbeddedSignupSession, Ending, GraphExchange, WhatsappConnection
from whatsapp.sandbox.meta import Meta

NUMBERS = [
    {
        "id": "11",
        "display_phone_number": "+34 611",
        "verified_name": "Alameda",
        "business_account_id": "1",
    },
    {"id": "12", "display_phone_number": "+34 612", "verified_name": "Bilbao", "business_account_id": "1"},
]


@pytest.fixture
def signup(tenant) -> EmbeddedSignupSession:
    """It waits for the choice between two numbers."""
    session, _state = EmbeddedSignupSession.begin(tenant)
    session.access_token, session.numbers = "EAAkept", NUMBERS
    session.ended(Ending.CHOICE_NEEDED, "Two numbers were shared.")
    return session


def ask(client, connection, word, **data):
    path = change(connection).replace("change", word)
    return client.post(path, data, follow=True)


@pytest.fixture
def ill(connection: WhatsappConnection, meta: Meta) -> WhatsappConnection:
    """Meta sends none of its messages: our app is not subscribed to its account."""
    meta.memory.record("unsubscribed", waba_id=connection.business_account_id)
    return connection


def test_no_page_reads_a_token_a_pin_or_a_state(admin_client, connection, signup):
    signup.connection = connection
    signup.save()
    row = exchange(connection, signup=signup)
    paths = [LISTS[name] for name in ("connections", "signups", "exchanges", "notices")]
    paths += map(change, (connection, signup, row, notice(connection)))
    with CaptureQueriesContext(database) as queries:
        for path in paths:
            page(admin_client, path)
    read = " ".join(query["sql"].partition(" FROM ")[0] for query in queries)
    assert '"phone_number_id"' in read
    for secret in ('"pin"', '"embedded_signup_state"', '"access_token",'):
        assert secret not in read


# ── What a page tells ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_shows_what_is_done_and_what_is_not(admin_client, connection):
    connection.subscribed_at = timezone.now()
    connection.save()
    html = page(admin_client, change(connection))
    assert html.count('<li class="done">') == 3  # shared, subscribed, connected
    assert html.count('<li class="open">') == 1  # registered
    assert html.count('<li class="spare">') == 1  # asked for the app's data


def test_a_coexistence_number_is_not_registered_but_synced(admin_client, connection):
    WhatsappConnection.objects.update(is_coexistence=True, synced_at=timezone.now())
    html = page(admin_client, change(connection))
    assert "Not needed for this number" in html
    assert html.count('<li class="done">') == 3  # shared, synced, connected


def test_a_connection_says_what_is_wrong_and_when_its_access_ends(admin_client, connection):
    connection.access_lost("Session has been invalidated")
    WhatsappConnection.objects.update(token_expires_at=timezone.now())
    html = page(admin_client, change(connection))
    assert "token_rejected" in html
    assert "Session has been invalidated" in html
    assert "Over" in html


def test_a_connection_shows_its_newest_twenty_exchanges(admin_client, connection, django_assert_max_num_queries):
    exchange(connection, path="oldest")
    page(admin_client, change(connection))
    for _ in range(20):
        exchange(connection, error="(190) It is over", code=190, status=401)
    with django_assert_max_num_queries(6):
        html = page(admin_client, change(connection))
    assert html.count("(190) It is over") == 20
    assert "oldest" not in html
    assert "oldest" in page(admin_client, LISTS["exchanges"], connection=str(connection.pk))


def test_exchanges_can_be_narrowed_to_those_with_errors(admin_client, connection):
    exchange(connection, path="fine")
    exchange(connection, path="broken", status=None, error="No answer (ReadTimeout).")
    html = page(admin_client, LISTS["exchanges"], outcome="error")
    assert "broken" in html
    assert "fine" not in html


def test_an_exchange_is_shown_whole_and_escaped(admin_client, connection):
    row = exchange(connection, trace_id="AbC", request={"fields": "<b>"}, response=None, signup=None)
    html = page(admin_client, change(row))
    assert "&lt;b&gt;" in html
    assert "AbC" in html
    assert change(connection) in html


# ── What Meta says ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_tells_in_words_what_meta_last_said(admin_client, connection):
    assert "Nothing yet." in page(admin_client, change(connection))
    at = {"at": timezone.now().isoformat()}
    connection.account_facts = {
        "limit": {"tier": "TIER_2K", **at},
        "quality": {"word": "FLAGGED", **at},
        "name": {"decision": "REJECTED", "requested": "<b>Bank", "reason": "NAME_NOT_CONSISTENT", **at},
        "review": {"decision": "SOMETHING_NEW", **at},
        "capability": {"phone_numbers": 25, **at},
        "account": {"event": "PARTNER_REMOVED", **at},
    }
    connection.save()
    html = page(admin_client, change(connection))
    for words in ("2,000 customers in 24 hours", "Has become low", "&lt;b&gt;Bank", "Declined", "SOMETHING_NEW", "25"):
        assert words in html
    assert "NAME_NOT_CONSISTENT" in html
    assert "PARTNER_REMOVED" not in html


@pytest.mark.parametrize(
    ("tier", "words"), [("TIER_UNLIMITED", "Any number of customers"), ("TIER_NOT_SET", "TIER_NOT_SET")]
)
def test_a_limit_that_is_no_number_is_told_too(tier, words, admin_client, connection):
    WhatsappConnection.objects.update(account_facts={"limit": {"tier": tier, "at": timezone.now().isoformat()}})
    assert words in page(admin_client, change(connection))


def test_a_connection_shows_its_newest_ten_notices(admin_client, connection, stranger, meta):
    other = notice(connect(stranger, meta, 1), "ACCOUNT_DELETED")
    notice(connection, "PARTNER_ADDED", happened_at=timezone.now() - timedelta(days=1))
    for _ in range(10):
        notice(connection, "ACCOUNT_RESTRICTION")
    html = page(admin_client, change(connection))
    assert html.count("ACCOUNT RESTRICTION") == 10
    assert "PARTNER ADDED" not in html
    assert change(other) not in html
    every = page(admin_client, LISTS["notices"], connection=str(connection.pk))
    assert "PARTNER ADDED" in every
    assert change(other) not in every


def test_notices_are_narrowed_by_need_and_by_subject(admin_client, connection):
    notice(connection, "ACCOUNT_RESTRICTION")
    notice(connection, "APPROVED", field="phone_number_name_update")
    notice(connection, "business_capability_update", field="business_capability_update")
    html = page(admin_client, LISTS["notices"])
    assert '<span class="badge bad word">ACCOUNT RESTRICTION</span>' in html
    assert '<span class="badge good word">APPROVED</span>' in html
    assert "APPROVED" not in page(admin_client, LISTS["notices"], needs="somebody")
    assert "ACCOUNT RESTRICTION" not in page(admin_client, LISTS["notices"], about="name")


def test_a_notice_shows_what_meta_said_and_leads_to_its_number(admin_client, connection):
    html = page(admin_client, change(notice(connection, value={"violation_info": "<b>SCAM"})))
    assert "&lt;b&gt;SCAM" in html
    assert change(connection) in html


# ── A signup ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signup_shows_its_numbers_and_that_it_can_go_on(admin_client, signup):
    html = page(admin_client, change(signup))
    assert "Two numbers were shared." in html
    assert "+34 612" in html
    assert "Yes, without Meta" in html
    assert "EAAkept" not in html
    assert signup.embedded_signup_state not in html


def test_a_signup_without_a_token_needs_a_new_one(admin_client, tenant):
    session, _state = EmbeddedSignupSession.begin(tenant)
    session.ended(Ending.CODE_REFUSED)
    assert "No, only with a new signup" in page(admin_client, change(session))


def test_a_signup_tells_its_exchanges_in_order(admin_client, connection, signup, django_assert_max_num_queries):
    calls = ["oauth/access_token", "debug_token", "2/phone_numbers"]
    for path in calls:
        exchange(connection, signup=signup, path=path, request={"code": "[redacted]"})
    GraphExchange.objects.filter(path="2/phone_numbers").update(error="(100) No", code=100, trace_id="AbC", status=400)
    with django_assert_max_num_queries(5):
        html = page(admin_client, change(signup))
    places = [html.index(path) for path in calls]
    assert places == sorted(places)
    assert html.count("[redacted]") == 3
    assert html.count('<li class="module failed">') == 1
    assert "AbC" in html


# ── The doctor ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_check_now_shows_what_the_doctor_finds_and_is_logged(admin_client, ill):
    assert "Never checked." in page(admin_client, change(ill))
    html = ask(admin_client, ill, "check").content.decode()
    assert "Never checked." not in html
    assert '<span class="badge bad">' in html
    assert "Repair…" in html
    assert LogEntry.objects.get().object_id == str(ill.pk)


def test_repair_asks_first_and_says_what_it_will_do(admin_client, ill, meta):
    ask(admin_client, ill, "check")
    question = ask(admin_client, ill, "repair").content.decode()
    assert "Subscribe our app to the number" in question
    assert ill.business_account_id not in meta.memory.subscribed
    html = ask(admin_client, ill, "repair", confirmed="yes").content.decode()
    assert ill.business_account_id in meta.memory.subscribed
    assert "Repair…" not in html
    assert LogEntry.objects.filter(change_message__contains="Repaired", object_id=str(ill.pk)).count() == 1


def test_there_is_a_word_for_whatever_can_be_repaired():
    reparable = {check for check in CHECKS for code in WORDS if code.startswith(check) and WORDS[code].can_repair}
    assert reparable == set(DEEDS)


def test_where_nothing_can_be_repaired_nothing_is(admin_client, connection, meta):
    assert "nothing that we could repair" in ask(admin_client, connection, "repair", confirmed="yes").content.decode()
    assert not GraphExchange.objects.exists()


@pytest.mark.parametrize("word", ["check", "repair"])
def test_who_may_only_view_cannot_call_the_doctor(client, connection, word):
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    assert "Check now" not in page(client, change(connection))
    assert ask(client, connection, word, confirmed="yes").status_code == 403
    assert not GraphExchange.objects.exists()


@pytest.mark.parametrize("word", ["check", "repair"])
def test_the_doctor_is_called_by_a_button_alone(admin_client, connection, word):
    path = change(connection).replace("change", word)
    assert admin_client.get(path).status_code == 405
    missing = path.replace(str(connection.pk), "01a20663-23b9-7f37-bdc6-c5a50c482312")
    assert admin_client.post(missing).status_code == 404
