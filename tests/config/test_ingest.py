"""The fast door: it answers as the plain view does, what it acknowledges is durable, and the worker does the rest."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection as database
from django.forms import model_to_dict

from config import ingest
from conversations import accepting
from conversations.models import WebhookEvent
from tests.conftest import WEBHOOK, jobs, transcript
from tests.conversations.test_webhook import BODIES
from whatsapp.sandbox.meta import DEMO
from whatsapp.signature import sign

pytestmark = pytest.mark.django_db(transaction=True)
Answer = tuple[int, bytes]


async def ask(method: str, body: bytes = b"", signature: str | None = None, pieces: int = 1, **query: str) -> Answer:
    headers = [] if signature is None else [(b"x-hub-signature-256", signature.encode())]
    asked = urlencode({f"hub.{name}": value for name, value in query.items()}).encode()
    scope = {"type": "http", "method": method, "path": WEBHOOK, "headers": headers, "query_string": asked}
    size = len(body) // pieces + 1
    parcels = [body[start : start + size] for start in range(0, max(len(body), 1), size)]
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parcels.pop(0), "more_body": bool(parcels)}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await ingest.application(scope, receive, send)
    return told[0]["status"], told[1]["body"]


def post(body: bytes, settings) -> Answer:
    return asyncio.run(ask("POST", body, sign(body, settings.META_APP_SECRET)))


def post_together(bodies: list[bytes], settings) -> list[Answer]:
    async def all_at_once() -> list[Answer]:
        return await asyncio.gather(*(ask("POST", body, sign(body, settings.META_APP_SECRET)) for body in bodies))

    return asyncio.run(all_at_once())


def test_the_handshake_gives_back_the_challenge(settings):
    token = settings.META_WEBHOOK_VERIFY_TOKEN
    assert asyncio.run(ask("GET", mode="subscribe", verify_token=token, challenge="<1>")) == (200, b"<1>")


@pytest.mark.parametrize("query", [{}, {"mode": "subscribe", "verify_token": "wrong", "challenge": "1"}])
def test_a_handshake_without_our_token_is_refused(query):
    assert asyncio.run(ask("GET", **query))[0] == 403


@pytest.mark.parametrize("header", [None, "", "sha256=0", "sha256=" + "é" * 64, "sha1=x"])
def test_an_unsigned_body_is_refused_and_not_stored(header):
    assert asyncio.run(ask("POST", BODIES["text"], header))[0] == 401
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_refused(method):
    assert asyncio.run(ask(method))[0] == 405


@pytest.mark.parametrize("name", BODIES)
def test_every_signed_body_is_kept_and_acknowledged_and_done_by_a_job(name, connection, run_jobs, model, settings):
    assert post(BODIES[name], settings) == (200, b"EVENT_RECEIVED")
    event = WebhookEvent.objects.get()
    assert (event.body.encode(), event.processed_at) == (BODIES[name], None)
    run_jobs()
    event.refresh_from_db()
    assert event.processed_at
    assert event.outcome
    assert not event.error


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_odd_bytes_are_kept_and_acknowledged(body, settings, run_jobs):
    assert post(body, settings)[0] == 200
    run_jobs()
    assert WebhookEvent.objects.get().processed_at


@pytest.mark.parametrize("body", [BODIES["text"], b"\xff\x00%s", "¿Qué? 🎉".encode()])
def test_the_row_is_the_one_that_the_plain_view_would_have_made(body, settings):
    post(body, settings)
    stored, made = WebhookEvent.objects.get(), WebhookEvent.of(body)
    own = {"id": made.pk, "received_at": made.received_at}
    assert model_to_dict(stored) | own == model_to_dict(made) | own
    assert 0 <= (made.received_at - stored.received_at).total_seconds() < 60
    assert stored.pk.version == 7


def test_a_body_that_comes_in_pieces_is_put_together(settings):
    body = BODIES["text"]
    assert asyncio.run(ask("POST", body, sign(body, settings.META_APP_SECRET), pieces=7))[0] == 200


def test_a_body_that_is_too_large_is_refused(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(BODIES["text"], settings)[0] == 400


def test_requests_that_arrive_together_share_a_commit_and_a_job(connection, meta, model, settings, run_jobs):
    texts = [f"Message {number}." for number in range(40)]
    bodies = [meta.customer_writes(DEMO.phone_number_id, "34600999888", "L", text) for text in texts]
    assert {status for status, _text in post_together(bodies, settings)} == {200}
    with database.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM conversations_webhookevent")
        assert cursor.fetchone()[0] < 10
    assert jobs("process_events") == 1
    run_jobs()
    assert sorted(text for _way, _status, text in transcript() if text.startswith("Message")) == sorted(texts)
    assert jobs("process_events") == 0


def test_a_body_that_comes_twice_is_stored_and_done_once(connection, meta, model, settings, run_jobs):
    body = meta.customer_writes(DEMO.phone_number_id, "34600999888", "L", "Hola.")
    assert {status for status, _text in post_together([body] * 5, settings)} == {200}
    assert post(body, settings)[0] == 200
    run_jobs()
    run_jobs()
    assert WebhookEvent.objects.count() == 1
    assert [way for way, _status, _text in transcript()] == ["inbound", "outbound"]


def test_what_cannot_be_stored_is_not_acknowledged(settings):
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE conversations_webhookevent ADD CONSTRAINT full_disk CHECK (false)")
    try:
        assert post(BODIES["text"], settings)[0] == 500
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE conversations_webhookevent DROP CONSTRAINT full_disk")


def test_an_event_that_cannot_be_done_at_all_holds_up_no_other(connection, meta, model, settings, run_jobs):
    bodies = [meta.customer_writes(DEMO.phone_number_id, "34600999888", "L", text) for text in ("Uno.", "Dos.")]
    with database.cursor() as cursor:
        poison = "processed_at IS NULL OR error <> '' OR body NOT LIKE '%Uno.%'"
        cursor.execute(f"ALTER TABLE conversations_webhookevent ADD CONSTRAINT poison CHECK ({poison})")
    try:
        post_together(bodies, settings)
        run_jobs()
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE conversations_webhookevent DROP CONSTRAINT poison")
    assert [text for _way, _status, text in transcript()][:1] == ["Dos."]
    good, bad = sorted(event.error for event in WebhookEvent.objects.all())
    assert not good
    assert "IntegrityError" in bad
    assert not WebhookEvent.objects.filter(processed_at=None).exists()


def test_what_is_large_is_done_a_little_at_a_time(connection, meta, settings, run_jobs, monkeypatch):
    monkeypatch.setattr(accepting, "MOST_BYTES", 1000)
    bodies = [meta.customer_writes(DEMO.phone_number_id, "34600999888", "L", "x" * 700 + str(n)) for n in range(4)]
    post_together(bodies, settings)
    assert len(accepting.waiting()) == 1
    run_jobs()
    assert not WebhookEvent.objects.filter(processed_at=None).exists()
