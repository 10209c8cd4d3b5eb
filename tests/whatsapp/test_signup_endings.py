"""Every ending of a signup: its page, its stored reason, the API's answer, and that a second try repairs it."""

import re
from datetime import timedelta
from html import unescape
from itertools import product
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.conftest import connect
from whatsapp.models import EmbeddedSignupSession, Ending, GraphExchange, WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE
from whatsapp.tasks import forget_old_grants
from whatsapp.words import ENDINGS

pytestmark = pytest.mark.django_db
SESSION, CALLBACK, ON = "/v1/whatsapp/embedded-signup/session", "/oauth/meta/callback", "/oauth/meta/signup"
NEW, OTHER = CATALOGUE[1], CATALOGUE[2]

# What is chosen in Meta's dialog → how it ends, and what repairs it: the page's own button, or a new signup.
ENDING_OF_SCENARIO = [
    ("success", Ending.CONNECTED, None),
    ("sixty_days", Ending.CONNECTED, None),
    ("slow", Ending.CONNECTED, None),
    ("coexistence", Ending.CONNECTED, None),
    ("cancel", Ending.CANCELLED, "anew"),
    ("expired_code", Ending.CODE_REFUSED, "anew"),
    ("used_code", Ending.CODE_REFUSED, "anew"),
    ("missing_scope", Ending.PERMISSIONS_MISSING, "anew"),
    ("other_app", Ending.FOREIGN_TOKEN, "anew"),
    ("no_number", Ending.NO_NUMBER, "anew"),
    ("several_accounts", Ending.CHOICE_NEEDED, {"phone_number_id": NEW.phone_number_id}),
    ("several_numbers", Ending.CHOICE_NEEDED, {"phone_number_id": NEW.phone_number_id}),
    ("own_pin", Ending.PIN_NEEDED, {"pin": "135790"}),
    ("register_limit", Ending.REGISTER_LIMIT, {}),
    ("verify_first", Ending.VERIFY_FIRST, {}),
    ("down_exchange", Ending.META_UNAVAILABLE, "anew"),
    ("down_debug_token", Ending.META_UNAVAILABLE, {}),
    ("down_phone_numbers", Ending.META_UNAVAILABLE, {}),
    ("down_subscribe", Ending.META_UNAVAILABLE, {}),
    ("down_register", Ending.META_UNAVAILABLE, {}),
]


class Person:
    """Somebody at the tenant, with a browser and the tenant's API."""

    def __init__(self, tenant, meta, api) -> None:
        self.meta, self.api, self.browser = meta, api(tenant), Client()
        self.told: list[str] = []
        self.codes: list[str] = []

    def signs_up(self, scenario: str = "success", business=NEW, **headers: str):
        begun = self.api.post(SESSION, content_type="application/json").json()
        self.url = f"{SESSION}/{begun['id']}"
        dialog = {name: values[0] for name, values in parse_qs(urlsplit(begun["connect_url"]).query).items()}
        code = self.meta.issue_code(business, dialog["redirect_uri"], scenario)
        self.codes.append(code)
        answer = {"code": code} if code else {"error": "access_denied", "error_description": "<b>Permissions error</b>"}
        return self._sees(self.browser.get(CALLBACK, {"state": dialog["state"], **answer}, headers=headers))

    def presses_the_button(self, page, **fields: str):
        signup = re.search(r'name="signup" value="([^"]+)"', page.content.decode())
        assert signup, "the page has no button"
        return self._sees(self.browser.post(ON, {"signup": signup[1], **fields}))

    def asks(self) -> dict[str, Any]:
        answer = self.api.get(self.url)
        self.told.append(answer.content.decode())
        found: dict[str, Any] = answer.json()
        return found

    def _sees(self, page):
        self.told.append(page.content.decode())
        return page


@pytest.fixture
def person(tenant, meta, api) -> Person:
    return Person(tenant, meta, api)


def heading(page) -> str:
    [found] = re.findall(r"<h1>(.*?)</h1>", page.content.decode())
    return unescape(found)


def registrations(meta) -> int:
    return sum(event.title == "graph.post_register" for event in meta.timeline)


@pytest.mark.parametrize(("scenario", "ending", "repair"), ENDING_OF_SCENARIO, ids=lambda value: str(value))
def test_every_ending_has_its_page_its_reason_its_answer_and_its_repair(scenario, ending, repair, person, meta):
    page = person.signs_up(scenario)
    assert heading(page) == str(ENDINGS[ending].title)
    assert str(ENDINGS[ending].to_do) in unescape(page.content.decode())
    session = EmbeddedSignupSession.objects.get()
    assert session.ending == ending
    assert bool(session.reason) is (ending not in (Ending.CONNECTED, Ending.CANCELLED))
    answer = person.asks()
    assert (answer["ending"], answer["what"]) == (ending, str(ENDINGS[ending].what))
    meta.stage(NEW, "success" if scenario != "own_pin" else scenario)
    if repair == "anew":
        page = person.signs_up()
    elif repair is not None:
        page = person.presses_the_button(page, **repair)
    assert heading(page) == "Your number is connected"
    assert person.asks()["ending"] == "connected"
    assert WhatsappConnection.objects.get().status == "CONNECTED"
    assert not EmbeddedSignupSession.objects.exclude(access_token="").filter(ending=Ending.CONNECTED)


@pytest.mark.parametrize(
    ("code", "step", "ending"),
    [
        (100, "post_register", Ending.REGISTRATION_REFUSED),
        (133016, "post_register", Ending.REGISTER_LIMIT),
        (100, "post_subscribed_apps", Ending.REFUSED),
        (190, "post_subscribed_apps", Ending.REFUSED),
        (10, "get_phone_numbers", Ending.NO_NUMBER),
        (4, "debug_token", Ending.META_UNAVAILABLE),
    ],
)
def test_what_meta_refuses_at_a_step_has_its_ending_and_is_repaired(code, step, ending, person, meta):
    meta.fail_next(code, method_path_regex=step)
    page = person.signs_up()
    assert heading(page) == str(ENDINGS[ending].title)
    session = EmbeddedSignupSession.objects.get()
    assert (session.ending, str(code) in session.reason) == (ending, True)
    assert person.asks()["to_do"] == str(ENDINGS[ending].to_do)
    assert heading(person.presses_the_button(page)) == "Your number is connected"


def test_a_taken_number_can_be_exchanged_for_another_shared_one(person, stranger, meta):
    connect(stranger, meta, 1)
    page = person.signs_up("several_numbers")
    page = person.presses_the_button(page, phone_number_id=NEW.phone_number_id)
    assert heading(page) == str(ENDINGS[Ending.NUMBER_TAKEN].title)
    other = person.asks()["numbers"][1]["phone_number_id"]
    assert heading(person.presses_the_button(page, phone_number_id=other)) == "Your number is connected"


def test_a_sixty_day_token_is_known_to_end(person):
    person.signs_up("sixty_days")
    assert WhatsappConnection.objects.get().token_expires_at


def test_a_coexistence_number_is_not_registered_and_synced_once(person, meta):
    person.signs_up("coexistence")
    person.signs_up("coexistence")
    assert registrations(meta) == 0
    assert sum(event.title == "graph.post_smb_app_data" for event in meta.timeline) == 2  # contacts, and history
    assert WhatsappConnection.objects.get().is_coexistence


def test_a_sync_that_meta_did_not_hear_is_asked_for_with_the_next_signup(person, meta):
    meta.fail_next(2, times=2, method_path_regex="smb_app_data")
    assert heading(person.signs_up("coexistence")) == "Your number is connected"
    assert WhatsappConnection.objects.get().synced_at is None
    person.signs_up("coexistence")
    assert WhatsappConnection.objects.get().synced_at


def test_the_shared_numbers_stand_in_the_api_and_one_is_chosen_there(person):
    person.signs_up("several_numbers")
    shared = person.asks()["numbers"]
    assert [number["verified_name"] for number in shared] == [NEW.verified_name, f"{NEW.verified_name} Express"]
    chosen = shared[1]["phone_number_id"]
    answer = person.api.post(person.url, {"phone_number_id": chosen}, content_type="application/json").json()
    assert answer["ending"] == "connected"
    assert WhatsappConnection.objects.get().phone_number_id == chosen


def test_a_number_that_was_not_shared_cannot_be_chosen(person):
    page = person.signs_up("several_numbers")
    page = person.presses_the_button(page, phone_number_id=OTHER.phone_number_id)
    assert heading(page) == "Which number shall be connected?"
    assert not WhatsappConnection.objects.exists()


def test_a_number_of_another_tenant_is_refused(person, stranger, meta):
    connect(stranger, meta, 1)
    assert heading(person.signs_up()) == str(ENDINGS[Ending.NUMBER_TAKEN].title)
    assert WhatsappConnection.objects.get().tenant == stranger


def test_the_popups_code_is_exchanged_without_a_redirect_uri_and_its_ids_are_not_trusted(person, meta):
    begun = person.api.post(SESSION, content_type="application/json").json()
    body = {"code": meta.issue_code(NEW), "phone_number_id": OTHER.phone_number_id, "waba_id": OTHER.waba_id}
    url = f"{SESSION}/{begun['id']}/code"
    assert person.api.post(url, body, content_type="application/json").json()["ending"] == "connected"
    assert WhatsappConnection.objects.get().phone_number_id == NEW.phone_number_id
    again = person.api.post(url, body, content_type="application/json").json()
    assert again["ending"] == "connected"
    assert registrations(meta) == 1


def test_the_stranger_finds_no_signup_of_another_tenant(person, stranger, api):
    person.signs_up("several_numbers")
    for ask in (api(stranger).get, api(stranger).post):
        assert ask(person.url, content_type="application/json").status_code == 404
    assert api(stranger).post(f"{person.url}/code", {"code": "x"}, content_type="application/json").status_code == 404


def test_a_button_without_its_token_does_nothing(person):
    person.signs_up("several_numbers")
    assert heading(person.browser.post(ON, {"signup": "made-up"})) == "This page is too old"
    assert heading(person.browser.post(ON)) == "This page is too old"


STEPS = ["debug_token", "get_phone_numbers", "post_subscribed_apps", r"/\d+ get$", "post_register"]
OUTAGES = ["timeout_after_accept", "refused", "html_500", 2, 4, 80007, 131000]
REFUSALS = [100, 190, 10]
FAILURES = [*product(STEPS, [*OUTAGES, *REFUSALS]), *product(["/me get$"], OUTAGES)]


@pytest.mark.parametrize(("step", "trouble"), FAILURES)
def test_a_failure_at_any_single_step_is_repaired_by_trying_again(step, trouble, person, meta):
    meta.fail_next(trouble, method_path_regex=step)
    page = person.signs_up()
    assert heading(page) != "Your number is connected"
    assert heading(person.presses_the_button(page)) == "Your number is connected"
    assert len(meta.memory.attempts["register", NEW.phone_number_id]) == 1
    assert WhatsappConnection.objects.get().portfolio_id == NEW.client_business_id


@pytest.mark.parametrize("trouble", REFUSALS)
def test_a_portfolio_that_meta_does_not_tell_ends_no_signup_and_the_account_stands_in_for_it(trouble, person, meta):
    meta.fail_next(trouble, method_path_regex="/me get$")
    assert heading(person.signs_up()) == "Your number is connected"
    assert WhatsappConnection.objects.get().portfolio_id == NEW.waba_id


@pytest.mark.parametrize("portfolio_id", ["", "of-another-time"])
def test_a_number_that_is_known_keeps_its_portfolio_and_meta_is_not_asked(portfolio_id, person, tenant, meta):
    connection = connect(tenant, meta, 1)
    WhatsappConnection.objects.update(portfolio_id=portfolio_id)
    meta.fail_next(2, method_path_regex="/me get$")
    assert heading(person.signs_up()) == "Your number is connected"
    connection.refresh_from_db()
    assert connection.portfolio_id == portfolio_id


def test_trying_again_and_again_leaves_the_tenant_half_of_metas_registrations(person, meta):
    page = person.signs_up("verify_first")
    for _try in range(8):
        page = person.presses_the_button(page)
    assert registrations(meta) == 5
    assert heading(page) == str(ENDINGS[Ending.REGISTER_LIMIT].title)


def test_a_step_that_is_done_is_not_done_again(person, meta):
    person.presses_the_button(person.signs_up("down_register"))
    assert sum(event.title == "graph.post_subscribed_apps" for event in meta.timeline) == 1


def test_two_buttons_at_once_go_on_once(person, meta):
    page = person.signs_up("down_register")
    assert EmbeddedSignupSession.objects.get().take_turn()
    assert heading(person.presses_the_button(page)) == str(ENDINGS[Ending.META_UNAVAILABLE].title)
    assert registrations(meta) == 1


def test_no_secret_is_told_to_anybody(person, caplog):
    caplog.set_level("DEBUG")
    for scenario, _ending, repair in ENDING_OF_SCENARIO:
        page = person.signs_up(scenario)
        if isinstance(repair, dict) and "<button" in page.content.decode():
            person.presses_the_button(page, **repair)
        person.asks()
    sessions, connections = EmbeddedSignupSession.objects.all(), WhatsappConnection.objects.all()
    secrets = {*filter(None, person.codes), *(row.access_token for row in sessions if row.access_token)}
    secrets |= {secret for row in connections for secret in (row.access_token, row.pin) if secret}
    assert len(secrets) > 10
    kept = [str(row) for row in GraphExchange.objects.values_list("path", "request", "response", "error")]
    told = "\n".join([*person.told, *kept, caplog.text, *(row.reason for row in sessions)])
    assert [secret for secret in secrets if secret in told] == []


def test_the_doctor_comes_by_itself_after_a_signup(person):
    person.signs_up()
    assert ProcrastinateJob.objects.filter(task_name="check_connection").count() == 1


def test_a_token_that_led_to_no_connection_is_forgotten_after_a_week(person):
    person.signs_up("several_numbers")
    forget_old_grants(timestamp=0)
    assert person.asks()["can_go_on"] is True
    EmbeddedSignupSession.objects.update(used_at=timezone.now() - timedelta(days=8))
    forget_old_grants(timestamp=0)
    assert person.asks()["can_go_on"] is False
