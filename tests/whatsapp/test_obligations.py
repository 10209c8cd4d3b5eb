"""What Meta obliges us to answer: a person who takes the permission back, or wants their data deleted."""

import base64
import hashlib
import hmac
import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.conftest import connect
from whatsapp.models import DataDeletionRequest, WhatsappConnection
from whatsapp.signature import read_signed_request

pytestmark = pytest.mark.django_db
DEAUTHORIZE, DELETION = "/oauth/meta/deauthorize", "/oauth/meta/data-deletion"
PERSON = "1234567890"
VECTOR = (
    "MNAvJUobM9xWF9IEk3YFJd4S57nwAJGp8lsVOh4xsKU."
    "eyJ1c2VyX2lkIjoiMTIzNDU2Nzg5MCIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjoxNzYzODAwMDAwfQ"
)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(facts: Any, secret: str = "test_app_secret") -> str:  # noqa: S107
    payload = encoded(json.dumps(facts).encode())
    return f"{encoded(hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest())}.{payload}"


def about(user_id: str) -> str:
    return signed({"algorithm": "HMAC-SHA256", "user_id": user_id})


def post(url: str, signed_request: str):
    return Client(enforce_csrf_checks=True).post(url, {"signed_request": signed_request})


@pytest.fixture
def granted(connection):
    """A connection that this person granted."""
    connection.meta_user_id = PERSON
    connection.save()
    return connection


def test_the_known_vector_is_read():
    assert read_signed_request(VECTOR, "test_app_secret") == {
        "user_id": PERSON,
        "algorithm": "HMAC-SHA256",
        "issued_at": 1763800000,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "x",
        "é.é",
        VECTOR[1:],
        VECTOR[:-1],
        VECTOR.replace(".", ".."),
        signed({"algorithm": "HMAC-SHA256", "user_id": PERSON}, secret="another"),
        signed({"algorithm": "none", "user_id": PERSON}),
        signed([]),
        signed(None),
    ],
)
def test_what_meta_did_not_sign_is_refused_and_nothing_is_stored(text, granted):
    for url in (DEAUTHORIZE, DELETION):
        assert post(url, text).status_code == 400
    assert WhatsappConnection.objects.get().status == "CONNECTED"
    assert not DataDeletionRequest.objects.exists()


def test_an_empty_secret_verifies_nothing():
    assert read_signed_request(signed({"algorithm": "HMAC-SHA256"}, secret=""), "", "") is None


def test_the_former_secret_is_accepted_while_it_is_a_fallback(granted, settings):
    request = signed({"algorithm": "HMAC-SHA256", "user_id": PERSON}, secret="former")
    settings.META_APP_SECRET_FALLBACKS = ["former"]
    assert post(DEAUTHORIZE, request).status_code == 200


def test_whoever_takes_the_permission_back_has_to_connect_again(granted, stranger, meta):
    theirs = connect(stranger, meta, 1)
    assert post(DEAUTHORIZE, VECTOR).status_code == 200
    granted.refresh_from_db()
    assert (granted.status, granted.problem) == ("RECONNECT", "app_removed")
    theirs.refresh_from_db()
    assert theirs.status == "CONNECTED"


@pytest.mark.parametrize("url", [DEAUTHORIZE, DELETION])
@pytest.mark.parametrize("user_id", ["", "nobody's"])
def test_nobody_known_is_nobodys_connection(url, user_id, connection):
    assert post(url, about(user_id)).status_code == 200
    assert WhatsappConnection.objects.get().status == "CONNECTED"


def page_of(url: str) -> str:
    response = Client().get(urlsplit(url).path)
    assert response.status_code == 200
    [heading] = re.findall(r"<h1>(.*?)</h1>", response.content.decode())
    return unescape(str(heading))


@pytest.mark.django_db(transaction=True)
def test_a_deletion_is_confirmed_done_and_shown(granted, meta, run_jobs):
    answer = post(DELETION, VECTOR).json()
    assert answer["url"] == f"https://agents.example{DELETION}/{answer['confirmation_code']}"
    assert page_of(answer["url"]) == "Your data is being deleted"
    run_jobs()
    assert page_of(answer["url"]) == "Your data is deleted"
    granted.refresh_from_db()
    assert (granted.status, granted.access_token, granted.pin, granted.meta_user_id) == ("DISCONNECTED", "", "", "")
    assert meta.memory.revoked


@pytest.mark.django_db(transaction=True)
def test_who_is_unknown_gets_a_confirmation_all_the_same(connection, run_jobs):
    answer = post(DELETION, about("1")).json()
    run_jobs()
    assert page_of(answer["url"]) == "Your data is deleted"
    assert WhatsappConnection.objects.get().status == "CONNECTED"


@pytest.mark.django_db(transaction=True)
def test_a_deletion_is_done_also_when_meta_does_not_answer(granted, meta, run_jobs):
    meta.fail_next("timeout_after_accept", times=2)
    answer = post(DELETION, VECTOR).json()
    run_jobs()
    assert page_of(answer["url"]) == "Your data is deleted"
    granted.refresh_from_db()
    assert granted.access_token == ""


def test_a_code_that_we_did_not_give_shows_nothing():
    assert Client().get(f"{DELETION}/made-up").status_code == 404


@pytest.mark.parametrize("url", [DEAUTHORIZE, DELETION])
def test_only_what_is_posted_is_heard(url):
    assert Client().get(url).status_code == 405
