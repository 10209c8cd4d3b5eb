"""The signup, from the tenant's API through Meta's dialog to the page that the person sees."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.conftest import connect
from whatsapp.models import EmbeddedSignupSession, MessageTemplate, WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE, DEMO
from whatsapp.sandbox.templates import templates_of

pytestmark = pytest.mark.django_db
SESSION, CALLBACK, CONNECTION = (
    "/v1/whatsapp/embedded-signup/session",
    "/oauth/meta/callback",
    "/v1/whatsapp/connection",
)
NEW = CATALOGUE[1]


@pytest.fixture
def begin(api):
    def begin(tenant) -> dict[str, str]:
        """The query of the dialog's URL that this tenant is given."""
        response = api(tenant).post(SESSION)
        assert response.status_code == 201
        return {name: values[0] for name, values in parse_qs(urlsplit(response.json()["connect_url"]).query).items()}

    return begin


@pytest.fixture
def come_back(meta, begin):
    """The tenant begins, somebody says Continue at Meta for this business, and the browser comes back."""

    def come_back(tenant, business=NEW, **headers: str):
        dialog = begin(tenant)
        code = meta.issue_code(business, dialog["redirect_uri"])
        return Client(headers=headers).get(CALLBACK, {"state": dialog["state"], "code": code})

    return come_back


def heading(response) -> str:
    [found] = re.findall(r"<h1>(.*?)</h1>", response.content.decode())
    return str(found)


def test_the_dialog_is_asked_with_our_app_and_a_state_that_is_stored_as_a_digest_only(tenant, begin, settings):
    dialog = begin(tenant)
    assert dialog["client_id"] == settings.META_APP_ID
    assert dialog["config_id"] == settings.META_CONFIG_ID
    assert dialog["redirect_uri"] == settings.META_REDIRECT_URI
    assert dialog["response_type"] == "code"
    assert len(dialog["state"]) >= 43  # 256 bits in base64
    assert EmbeddedSignupSession.objects.get().embedded_signup_state != dialog["state"]


def test_a_number_is_connected(tenant, meta, come_back, api):
    response = come_back(tenant)
    assert response.status_code == 200
    assert heading(response) == "Your number is connected"
    connection = WhatsappConnection.objects.get()
    assert (connection.tenant, connection.status) == (tenant, "CONNECTED")
    assert connection.access_token == meta.token_for(NEW)
    assert re.fullmatch(r"\d{6}", connection.pin)
    answer = api(tenant).get(CONNECTION).json()
    assert answer["status"] == "CONNECTED"
    assert answer["phone_number_id"] == NEW.phone_number_id
    assert answer["business_account_id"] == NEW.waba_id
    assert [event.title.removeprefix("graph.") for event in meta.timeline] == [
        *("exchange_code", "debug_token", "get_phone_numbers", "get", "post_subscribed_apps", "get", "post_register")
    ]
    assert connection.portfolio_id == NEW.client_business_id


def test_the_page_speaks_the_browsers_language(tenant, come_back):
    response = come_back(tenant, **{"accept-language": "es"})
    assert heading(response) == "Su número está conectado"
    assert '<html lang="es">' in response.content.decode()


def test_somebody_who_cancels_is_told_that_nothing_has_changed(tenant, begin):
    query = {
        "state": begin(tenant)["state"],
        "error": "access_denied",
        "error_description": "<script>alert(1)</script>",
    }
    response = Client().get(CALLBACK, query)
    assert heading(response) == "You cancelled at Meta"
    assert "alert" not in response.content.decode()
    assert EmbeddedSignupSession.objects.get().ending == "cancelled"


@pytest.mark.parametrize("query", [{}, {"state": "made-up", "code": "x"}, {"state": "\0", "code": "x"}])
def test_a_state_that_is_not_ours_is_refused(db, query):
    response = Client().get(CALLBACK, query)
    assert response.status_code == 400
    assert heading(response) == "We do not know this link"


def test_a_state_works_once(tenant, meta, begin):
    dialog = begin(tenant)
    query = {"state": dialog["state"], "code": meta.issue_code(NEW, dialog["redirect_uri"])}
    Client().get(CALLBACK, query)
    again = Client().get(CALLBACK, query)
    assert heading(again) == "This link has been used already"
    assert NEW.display_phone_number in again.content.decode()
    assert sum(event.title == "graph.post_register" for event in meta.timeline) == 1


def test_a_state_expires_after_a_quarter_of_an_hour(tenant, meta, begin):
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False):
        dialog = begin(tenant)
    with time_machine.travel("2026-11-23T10:15:01Z", tick=False):
        response = Client().get(CALLBACK, {"state": dialog["state"], "code": "x"})
    assert heading(response) == "This link has expired"
    assert not WhatsappConnection.objects.exists()


def test_a_state_connects_only_the_tenant_it_was_made_for(tenant, stranger, come_back, api):
    come_back(tenant)
    assert api(stranger).get(CONNECTION).json()["status"] == "NOT_CONNECTED"
    assert api(stranger).get(CONNECTION).json()["phone_number_id"] is None


def test_a_code_that_meta_does_not_accept_is_explained(tenant, meta, begin):
    response = Client().get(CALLBACK, {"state": begin(tenant)["state"], "code": "AQmade-up"})
    assert heading(response) == "Meta did not confirm your permission"
    session = EmbeddedSignupSession.objects.get()
    assert session.ending == "code_refused"
    assert session.reason


def test_a_number_of_another_tenant_is_refused(tenant, stranger, meta, come_back):
    connect(stranger, meta, 1)
    response = come_back(tenant)
    assert heading(response) == "This number is connected to another account"
    assert WhatsappConnection.objects.get().tenant == stranger


def test_a_number_that_is_registered_already_is_not_registered_again(tenant, meta, come_back):
    assert heading(come_back(tenant, DEMO)) == "Your number is connected"
    assert "graph.post_register" not in [event.title for event in meta.timeline]


@pytest.mark.parametrize("step", ["access_token", "debug_token", "phone_numbers", "subscribed_apps", "register"])
@pytest.mark.parametrize("trouble", ["refused", "html_500", 2])
def test_an_outage_of_meta_at_any_step_can_be_tried_again(step, trouble, tenant, meta, come_back):
    meta.fail_next(trouble, method_path_regex=step)
    response = come_back(tenant)
    assert response.status_code == 503
    assert heading(response) == "Meta does not answer at the moment"
    assert EmbeddedSignupSession.objects.get().ending == "meta_unavailable"
    assert heading(come_back(tenant)) == "Your number is connected"


def test_connecting_again_renews_the_token_and_does_not_register_again(tenant, meta, come_back):
    come_back(tenant)
    WhatsappConnection.objects.get().access_lost("(190) expired")
    assert heading(come_back(tenant)) == "Your number is connected"
    assert WhatsappConnection.objects.get().status == "CONNECTED"
    assert sum(event.title == "graph.post_register" for event in meta.timeline) == 1


def test_the_page_gives_its_address_to_nobody(tenant, come_back):
    response = come_back(tenant)
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in response.headers["Cache-Control"]
    assert "script" not in response.content.decode()


def test_no_secret_reaches_page_api_or_log(tenant, meta, come_back, api, caplog):
    caplog.set_level("DEBUG")
    page = come_back(tenant).content.decode()
    answer = api(tenant).get(CONNECTION).content.decode()
    connection = WhatsappConnection.objects.get()
    told = page + answer + caplog.text + repr(connection) + str(connection)
    assert connection.access_token not in told
    assert connection.pin not in told


def test_the_demo_number_has_the_portfolio_of_its_business(db, settings, tmp_path):
    settings.DEBUG = True
    call_command("seed_demo", credentials=tmp_path / "credentials.json")
    assert WhatsappConnection.objects.get().portfolio_id == DEMO.client_business_id


def test_the_demo_number_has_its_templates_read_once(meta, settings, tmp_path, run_jobs):
    ProcrastinateJob.objects.all().delete()
    settings.DEBUG = True
    for _time in range(2):
        call_command("seed_demo", credentials=tmp_path / "credentials.json")
        run_jobs()
    names = {template["name"] for template in templates_of(meta.memory, DEMO)}
    assert set(MessageTemplate.objects.values_list("name", flat=True)) == names
    assert sum(event.title == "graph.get_message_templates" for event in meta.timeline) == 1
