"""Who may ask, and for whom: API keys, and people who are members."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tenants.models import ApiKey, Membership

pytestmark = pytest.mark.django_db
URL = "/v1/conversations"


@pytest.fixture
def key(tenant) -> ApiKey:
    return ApiKey(tenant=tenant, name="shop")


@pytest.fixture
def secret(key) -> str:
    secret: str = key.make_secret()
    key.save()
    return secret


@pytest.fixture
def ask(secret):
    def ask(secret: str = secret):
        return Client(headers={"Authorization": f"Bearer {secret}"}).get(URL)

    return ask


@pytest.fixture
def member(tenant):
    user = get_user_model().objects.create_user("ana", password="a long passphrase")
    Membership.objects.create(tenant=tenant, user=user)
    client = Client()
    client.force_login(user)
    return client


def test_a_key_opens_its_tenants_api_and_only_its_digest_is_kept(key, secret, ask):
    assert ask().status_code == 200
    assert secret.startswith("wak_")
    assert len(secret) == 47
    assert secret not in str(ApiKey.objects.values().get())
    assert secret.startswith(key.prefix)


@pytest.mark.parametrize("secret", ["", "wak_made-up", "é", "wak_" + "x" * 10_000])
def test_an_unknown_key_is_refused_and_told_how_to_ask(ask, secret):
    response = ask(secret)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "authentication_failed"


def test_without_any_key_the_api_is_closed():
    response = Client().get(URL)
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


def test_a_revoked_key_is_refused_at_once(key, ask):
    key.revoke()
    assert ask().status_code == 401
    assert key.state == "revoked"


def test_a_key_ends_when_it_expires(key, ask):
    key.expires_at = timezone.now() + timedelta(hours=1)
    key.save()
    assert (ask().status_code, key.state) == (200, "active")
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert (ask().status_code, key.state) == (401, "expired")


def test_the_last_use_is_noted_at_most_once_a_minute(key, ask):
    ask()
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    ask()
    key.refresh_from_db()
    assert key.last_used_at == first


def test_a_key_in_the_query_is_not_read(secret):
    assert Client().get(URL, {"api_key": secret}).status_code == 401


def test_a_member_asks_with_the_session(member):
    assert member.get(URL).status_code == 200


def test_a_person_without_a_tenant_is_refused(client):
    client.force_login(get_user_model().objects.create_user("nobody"))
    assert client.get(URL).status_code == 403


def test_a_member_of_several_tenants_says_for_which(member, tenant, stranger):
    Membership.objects.create(tenant=stranger, user=get_user_model().objects.get(username="ana"))
    assert member.get(URL).status_code == 400
    assert member.get(URL, headers={"X-Tenant": stranger.slug}).status_code == 200


def test_a_member_cannot_speak_for_a_strangers_tenant(member, stranger):
    assert member.get(URL, headers={"X-Tenant": stranger.slug}).status_code == 403


def test_a_session_needs_its_csrf_token_to_change_anything(member):
    member.handler.enforce_csrf_checks = True
    assert member.post("/v1/whatsapp/embedded-signup/session").status_code == 403
