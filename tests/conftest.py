"""People and things, and what one can do with them. No mocks of our own modules: Meta and the model are make-believe,
PostgreSQL, the queue and the HTTP clients are real."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import responses
from django.db import connection as database
from django.test import Client
from hypothesis import settings as hypothesis_settings
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob

from agent.models import SystemPrompt
from agent.providers import close_provider
from agent.sandbox.model import Model
from conversations.models import Conversation, Message
from tenants.models import ApiKey, Tenant
from tests.fakes import install, serve_model
from tests.processes import CUSTOMER, Platform
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import Item, parse
from whatsapp.sandbox.meta import CATALOGUE, DEMO, DEMO_PIN, Meta
from whatsapp.signature import sign

# Every run looks at the same examples, so that a change alone decides whether it passes; "thorough" at ever new ones.
# Nobody asserts time.
hypothesis_settings.register_profile("default", deadline=None, derandomize=True)
hypothesis_settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=2000)
hypothesis_settings.load_profile("default")

WEBHOOK = "/v1/webhooks/whatsapp"
PAYLOADS = Path(__file__).parent / "payloads"

Deliver = Callable[..., int]
RunJobs = Callable[..., None]
Api = Callable[[Tenant], Client]


@pytest.fixture(autouse=True)
def static_files_as_they_lie(settings) -> None:
    """Pages find their styles in the source tree: nothing is collected for the tests."""
    storage = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": storage}
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def media_stay_with_the_test(settings, tmp_path: Path) -> Path:
    """Where customers' media lie: in a directory that goes with the test."""
    place = tmp_path / "media"
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(place)}}
    settings.STORAGES = {**settings.STORAGES, "media": storage}
    return place


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A company with an agent that knows what to say; nothing of earlier tests waits in the queue."""
    ProcrastinateJob.objects.all().delete()
    tenant = Tenant.objects.create(name="Café Alameda", slug="cafe-alameda", language="es")
    SystemPrompt.objects.create(tenant=tenant, text="You answer for Café Alameda.").activate()
    return tenant


@pytest.fixture
def stranger(db: None) -> Tenant:
    """Another company, which must never see anything of the first."""
    stranger = Tenant.objects.create(name="Northwind Bikes", slug="northwind-bikes")
    SystemPrompt.objects.create(tenant=stranger, text="You answer for Northwind Bikes.").activate()
    return stranger


@pytest.fixture
def meta(settings) -> Iterator[Meta]:
    """The make-believe Meta, behind `requests`."""
    meta = Meta(
        app_id=settings.META_APP_ID,
        app_secret=settings.META_APP_SECRET,
        verify_token=settings.META_WEBHOOK_VERIFY_TOKEN,
        redirect_uris=[settings.META_REDIRECT_URI],
    )
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        install(meta, mock)
        yield meta
    meta.close()


@pytest.fixture
def model(settings) -> Iterator[Model]:
    """The make-believe Messages API, over HTTP."""
    model = Model()
    with serve_model(model) as base_url:
        settings.ANTHROPIC_BASE_URL = base_url
        yield model


def parsed(name: str) -> list[Item]:
    """What Meta says in this payload."""
    return parse((PAYLOADS / f"{name}.json").read_text())


def connect(tenant: Tenant, meta: Meta, number: int = 0) -> WhatsappConnection:
    """A connected number of this tenant: one of the make-believe Meta's businesses."""
    business = CATALOGUE[number]
    connection = WhatsappConnection.objects.create(
        tenant=tenant,
        phone_number_id=business.phone_number_id,
        business_account_id=business.waba_id,
        display_phone_number=business.display_phone_number,
        verified_name=business.verified_name,
        access_token=meta.token_for(business),
        pin=DEMO_PIN,
    )
    connection.connected()
    return connection


@pytest.fixture
def connection(tenant: Tenant, meta: Meta) -> WhatsappConnection:
    return connect(tenant, meta)


@pytest.fixture
def deliver(client: Client, settings) -> Deliver:
    """Meta posts this body, signed; returns the status of our answer."""

    def deliver(body: bytes, secret: str = settings.META_APP_SECRET) -> int:
        headers = {"X-Hub-Signature-256": sign(body, secret)}
        return client.post(WEBHOOK, body, content_type="application/json", headers=headers).status_code

    return deliver


@pytest.fixture
def says(meta: Meta, deliver: Deliver) -> Callable[..., bytes]:
    """A customer writes to the demo number; returns the webhook's body."""

    def says(text: str, wa_id: str = CUSTOMER, name: str = "Lucía", wamid: str | None = None) -> bytes:
        body = meta.customer_writes(DEMO.phone_number_id, wa_id, name, text, wamid)
        assert deliver(body) == 200
        return body

    return says


@pytest.fixture
def sends(meta: Meta, deliver: Deliver) -> Callable[..., bytes]:
    """A customer sends something of any kind to the demo number; returns the webhook's body."""

    def sends(kind: str, wa_id: str = CUSTOMER, name: str = "Lucía", **options: Any) -> bytes:
        body = meta.customer_sends(DEMO.phone_number_id, wa_id, name, kind, **options)
        assert deliver(body) == 200
        return body

    return sends


@pytest.fixture
def run_jobs(transactional_db: None) -> RunJobs:
    """The worker runs what is in the queue, and stops; with `now`, also what would wait for its next try."""

    def run_jobs(*, now: bool = False) -> None:
        if now:
            with database.cursor() as cursor:
                cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
        asyncio.run(_work_once())

    return run_jobs


async def _work_once() -> None:
    with app.replace_connector(DjangoConnector().get_worker_connector()) as worker_app:
        async with worker_app.open_async(), AsyncExitStack() as stack:
            stack.push_async_callback(close_provider)
            await worker_app.run_worker_async(
                wait=False, concurrency=4, listen_notify=False, install_signal_handlers=False, delete_jobs="successful"
            )


def jobs(task_name: str = "answer") -> int:
    """How many answers, or others, wait in the queue or are being made."""
    return ProcrastinateJob.objects.filter(task_name=task_name, status__in=["todo", "doing"]).count()


@pytest.fixture
def api(db: None) -> Api:
    """A client that speaks for this tenant, with an API key of its own."""

    def api(tenant: Tenant) -> Client:
        key = ApiKey(tenant=tenant, name="test")
        secret = key.make_secret()
        key.save()
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return api


@pytest.fixture
def conversation(connection: WhatsappConnection, says: Callable[..., bytes]) -> Conversation:
    """Somebody has written once."""
    says("Hola")
    return Conversation.objects.get()


def transcript(conversation: Conversation | None = None) -> list[tuple[str, str, str]]:
    """(direction, status, text) of every message, in order."""
    messages = Message.objects.order_by("conversation", "sequence")
    if conversation:
        messages = messages.filter(conversation=conversation)
    return list(messages.values_list("direction", "status", "text"))


@pytest.fixture
def platform(tenant: Tenant, meta: Meta, tmp_path: Path) -> Iterator[Platform]:
    """Web, worker and simulator as real processes; the tenant's number is connected."""
    connect(tenant, meta)
    platform = Platform(tmp_path)
    try:
        platform.start("sandbox", "web", "worker")
        yield platform
    finally:
        for name in list(platform.processes):
            platform.kill(name)
