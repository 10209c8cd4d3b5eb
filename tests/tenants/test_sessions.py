"""A member's way in: the login page, the session that speaks for the tenant, and out again."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tenants.models import Membership

pytestmark = pytest.mark.django_db
PASSWORD = "a long passphrase"


@pytest.fixture
def ana(tenant):
    ana = get_user_model().objects.create_user("ana", password=PASSWORD)
    Membership.objects.create(tenant=tenant, user=ana)
    return ana


def test_a_member_logs_in_and_the_session_opens_the_api(client, ana, tenant):
    assert client.get("/v1/conversations").status_code == 401
    page = client.post("/login", {"username": "ana", "password": PASSWORD}, follow=True)
    assert page.redirect_chain == [("/", 302)]
    assert tenant.name in page.content.decode()
    assert client.get("/v1/conversations").status_code == 200
    client.post("/logout")
    assert client.get("/v1/conversations").status_code == 401


def test_a_wrong_password_is_said_on_the_page(client, ana):
    page = client.post("/login", {"username": "ana", "password": "wrong"})
    assert 'role="alert"' in page.content.decode()


def test_a_member_begins_a_signup_with_session_and_csrf_token(ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post("/v1/whatsapp/embedded-signup/session").status_code == 403
    client.get("/")  # the page with the logout form sets the cookie
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    begun = client.post("/v1/whatsapp/embedded-signup/session", content_type="application/json", headers=headers)
    assert begun.status_code == 201


def test_staff_go_on_to_their_site(admin_client):
    assert admin_client.get("/").headers["Location"] == "/admin/"


def test_a_stranger_is_asked_who_they_are(client):
    assert client.get("/").headers["Location"] == "/login?next=/"


def test_a_person_of_no_tenant_is_told_so(client):
    client.force_login(get_user_model().objects.create_user("nobody"))
    assert "not a member of any tenant" in client.get("/").content.decode()
