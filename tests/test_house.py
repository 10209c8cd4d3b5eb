"""The promises of the house that no single app can keep."""

import re
import socket
from pathlib import Path

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_socket import SocketConnectBlockedError

from tenants.models import TenantOwned
from tests.conftest import WEBHOOK

ROOT = Path(__file__).parent.parent
OURS = ("tenants", "whatsapp", "agent", "conversations")

NOT_TENANT_OWNED = {
    "tenants.Tenant": "is the tenant",
    "whatsapp.DataDeletionRequest": "Meta names a person of its own, who may be nobody's",
    "conversations.WebhookEvent": "one body of Meta's may speak of several tenants; staff alone see it",
}
# Every path outside the staff site, and who may ask: a tenant (an API key or a member), or the world.
PATHS = {
    "": "a person: asks who it is",
    "login": "world",
    "logout": "world",
    "healthz": "world: says only whether we serve",
    "v1/webhooks/whatsapp": "world: Meta, known by its signature",
    "oauth/meta/callback": "world: known by the state in it",
    "oauth/meta/deauthorize": "world: Meta, known by its signature",
    "oauth/meta/data-deletion": "world: Meta, known by its signature",
    "oauth/meta/data-deletion/<str:confirmation_code>": "world: known by the code in it",
    "oauth/meta/signup": "world: known by the signed token in it",
    "v1/media/<str:token>": "world: known by the signed token in it, which is good for minutes",
    "v1/whatsapp/embedded-signup/session": "tenant",
    "v1/whatsapp/embedded-signup/session/<uuid:session_id>": "tenant",
    "v1/whatsapp/embedded-signup/session/<uuid:session_id>/code": "tenant",
    "v1/whatsapp/connection": "tenant",
    "v1/whatsapp/connections": "tenant",
    "v1/whatsapp/connections/<uuid:connection_id>": "tenant",
    "v1/whatsapp/connections/<uuid:connection_id>/check": "tenant",
    "v1/whatsapp/connections/<uuid:connection_id>/repair": "tenant",
    "v1/whatsapp/connections/<uuid:connection_id>/test-message": "tenant",
    "v1/whatsapp/connections/<uuid:connection_id>/templates/sync": "tenant",
    "v1/whatsapp/templates": "tenant",
    "v1/agent/system-prompt": "tenant",
    "v1/conversations": "tenant",
    "v1/conversations/<uuid:conversation_id>/messages": "tenant",
    "v1/conversations/<uuid:conversation_id>/messages/<uuid:message_id>/trace": "tenant",
    "v1/conversations/<uuid:conversation_id>/pause": "tenant",
    "v1/conversations/<uuid:conversation_id>/resume": "tenant",
}
TENANT_PATHS = [path for path, who in PATHS.items() if who == "tenant"]


def paths(resolver: URLResolver, prefix: str = "") -> list[str]:
    found = []
    for pattern in resolver.url_patterns:
        here = prefix + str(pattern.pattern)
        found += [here] if isinstance(pattern, URLPattern) else paths(pattern, here)
    return found


def test_every_model_is_tenant_owned_or_says_why_not():
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    foreign = {model._meta.label for model in models if not issubclass(model, TenantOwned)}
    assert foreign == set(NOT_TENANT_OWNED)


def test_every_path_stands_in_the_list():
    assert {path for path in paths(get_resolver()) if not path.startswith("admin/")} == set(PATHS)


@pytest.mark.django_db
@pytest.mark.parametrize("path", TENANT_PATHS)
@pytest.mark.parametrize("authorization", ["", "Bearer wak_made-up", "Basic YTpi"])
def test_every_path_of_the_tenants_api_refuses_who_is_nobody(path, authorization):
    url = "/" + re.sub("<uuid:[a-z_]+>", "01a20663-23b9-7f37-bdc6-c5a50c482312", path)
    client = Client(headers={"Authorization": authorization} if authorization else {})
    assert {client.get(url).status_code, client.post(url).status_code} == {401}


def test_env_example_explains_every_variable_that_the_settings_read():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "config" / "settings.py").read_text()))
    explained = set(re.findall(r"^#? ?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read == explained


def test_only_the_settings_read_the_environment():
    readers = {
        str(path.relative_to(ROOT))
        for app in (*OURS, "config")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"os\.environ\b(?!\.setdefault\(\"DJANGO)|os\.getenv", path.read_text())
    }
    assert {reader for reader in readers if not reader.startswith("config/local/")} <= {"config/settings.py"}


def test_every_direct_dependency_has_its_reason_beside_it():
    for name in ("requirements.in", "requirements-local.in", "requirements-dev.in"):
        reason = False
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                assert reason, f"{name}: {line} has no reason"
            reason = line.startswith("#") or (reason and bool(line))


def test_no_test_reaches_another_machine():
    with pytest.warns(UserWarning, match="192.0.2.1"), pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.mark.django_db
def test_every_page_carries_the_strict_policy(client):
    for url in (WEBHOOK, "/nothing", "/admin/login/"):
        policy = client.get(url).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.django_db
def test_health_is_told_without_a_key(client):
    assert client.get("/healthz").json() == {"status": "ok"}
