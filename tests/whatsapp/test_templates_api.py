"""A tenant reads its templates and has them read at Meta again; the stranger sees none of them."""

import pytest

from tests.conftest import connect
from tests.conversations.test_api import read_all
from tests.templates import template
from whatsapp.models import WhatsappConnection
from whatsapp.sandbox.meta import CATALOGUE, DEMO
from whatsapp.templates import sync

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/v1/whatsapp/templates"


@pytest.fixture
def templates(connection, meta) -> None:
    """Three of them, of which two may be sent."""
    offer = [{"type": "BODY", "text": "Hi {{name}}"}]
    carousel = [{"type": "BODY", "text": "Look"}, {"type": "CAROUSEL"}]
    meta.write_templates(
        DEMO,
        template(),
        template("offer", offer, language="en_US", status="PAUSED", parameter_format="NAMED"),
        template("carousel", carousel),
    )
    sync(connection)


def names(client, **asked: object) -> list[str]:
    answer = client.get(URL, asked)
    assert answer.status_code == 200, answer.json()
    return sorted(item["name"] for item in answer.json()["data"])


def test_a_template_says_what_it_wants_and_how_it_is_sent(templates, connection, api, tenant):
    [item] = api(tenant).get(URL, {"name": "booking"}).json()["data"]
    assert (item["status"], item["language"], item["category"]) == ("APPROVED", "es", "UTILITY")
    assert item["text"] == "Reserva {{1}}\nHola {{1}}, le esperamos el {{2}}.\nCafé Alameda\n▸ Confirmar\n▸ Ver"
    assert item["values"][1] == {"place": "body", "kind": "text", "name": "1", "example": "Ana"}
    assert len(item["values"]) == 4
    values = {"header": "17", "body": ["Ana", "12 de mayo"], "buttons": ["9"]}
    assert item["example"] == {"template": {"name": "booking", "language": "es", **values}}
    assert item["can_be_sent"] is True
    assert item["business_account_id"] == connection.business_account_id


def test_what_cannot_be_sent_says_so(templates, api, tenant):
    data = api(tenant).get(URL).json()["data"]
    assert {item["name"]: item["can_be_sent"] for item in data} == {"booking": True, "offer": False, "carousel": False}
    assert next(item for item in data if item["name"] == "offer")["example"]["template"]["body"] == {"name": "…"}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["booking", "carousel", "offer"]),
        ({"status": "PAUSED"}, ["offer"]),
        ({"language": "es"}, ["booking", "carousel"]),
        ({"language": "es", "name": "offer"}, []),
        ({"name": "offer"}, ["offer"]),
    ],
)
def test_templates_are_narrowed(templates, api, tenant, asked, found):
    assert names(api(tenant), **asked) == found


def test_the_templates_of_one_numbers_account(templates, connection, meta, api, tenant, stranger):
    other = connect(tenant, meta, 1)
    meta.write_templates(CATALOGUE[1], template("other"))
    sync(other)
    client = api(tenant)
    assert names(client, connection=other.pk) == ["other"]
    assert len(names(client)) == 4
    assert api(stranger).get(URL, {"connection": other.pk}).status_code == 404


@pytest.mark.parametrize(
    "asked", [{"connection": "x"}, {"name": "\0"}, {"limit": 0}, {"cursor": "x"}, {"colour": "red"}]
)
def test_a_question_that_is_none_is_refused(templates, api, tenant, asked):
    answer = api(tenant).get(URL, asked)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(asked)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_have_each_template_once(templates, api, tenant, limit):
    found = [item["name"] for item in read_all(api(tenant), URL, limit)]
    assert sorted(found) == ["booking", "carousel", "offer"]


@pytest.mark.parametrize("count", [2, 40])
def test_a_page_costs_the_same_queries_however_long(api, connection, meta, django_assert_num_queries, count):
    meta.write_templates(DEMO, *(template(f"offer_{number}") for number in range(count)))
    sync(connection)
    client = api(connection.tenant)
    client.get(URL)
    with django_assert_num_queries(2):  # the key, the templates
        assert len(client.get(URL).json()["data"]) == count


def test_the_stranger_sees_none(templates, api, stranger):
    assert names(api(stranger)) == []


def ask(client, connection: WhatsappConnection):
    return client.post(f"/v1/whatsapp/connections/{connection.pk}/templates/sync")


def test_a_tenant_has_its_templates_read_again(templates, connection, meta, api, tenant, run_jobs):
    meta.write_templates(DEMO, template("new"))
    client = api(tenant)
    for _time in range(2):
        answer = ask(client, connection)
        assert answer.status_code == 202
        assert answer.json()["templates_synced_at"]
    run_jobs()
    assert names(client) == ["new"]
    told = client.get("/v1/whatsapp/connection").json()
    assert (told["templates_error"], told["templates_synced_at"] > answer.json()["templates_synced_at"]) == ("", True)


def test_a_failed_sync_is_told(connection, meta, api, tenant, run_jobs):
    meta.fail_next(100, method_path_regex="get_message_templates")
    assert ask(api(tenant), connection).json() == {"templates_synced_at": None, "templates_error": ""}
    run_jobs()
    assert "Invalid parameter" in api(tenant).get("/v1/whatsapp/connection").json()["templates_error"]


@pytest.mark.parametrize("status", ["RECONNECT", "DISCONNECTED", "PENDING"])
def test_a_number_without_access_reads_nothing(connection, api, tenant, status):
    WhatsappConnection.objects.update(status=status)
    answer = ask(api(tenant), connection)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_connected")


def test_the_stranger_has_nothing_read(connection, api, stranger):
    assert ask(api(stranger), connection).status_code == 404
