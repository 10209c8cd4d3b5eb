"""Meta's door: the handshake, the signature, and an answer for every body."""

import pytest
from django.db import connection as database
from django.test import Client

from conversations import inbound
from conversations.models import Message, WebhookEvent, WhatsappUser
from tests.conftest import PAYLOADS, WEBHOOK
from whatsapp.signature import sign

pytestmark = pytest.mark.django_db
BODIES = {path.stem: path.read_bytes() for path in sorted(PAYLOADS.glob("*.json"))}


def handshake(**query: str):
    return Client().get(WEBHOOK, {f"hub.{name}": value for name, value in query.items()})


def test_the_handshake_gives_back_the_challenge_as_plain_text(settings):
    response = handshake(mode="subscribe", verify_token=settings.META_WEBHOOK_VERIFY_TOKEN, challenge="<1158201444>")
    assert (response.status_code, response.content) == (200, b"<1158201444>")
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("query", [{}, {"mode": "subscribe", "verify_token": "wrong", "challenge": "1"}])
def test_a_handshake_without_our_token_is_refused(query):
    assert handshake(**query).status_code == 403


def test_an_empty_verify_token_lets_nobody_in(settings):
    settings.META_WEBHOOK_VERIFY_TOKEN = ""
    assert handshake(mode="subscribe", verify_token="", challenge="1").status_code == 403


def test_what_meta_posts_passes_by_the_middleware_for_browsers(settings):
    body = BODIES["text"]
    headers = {"X-Hub-Signature-256": sign(body, settings.META_APP_SECRET)}
    response = Client().post(WEBHOOK, body, content_type="application/json", headers=headers)
    assert response.content == b"EVENT_RECEIVED"
    assert "Content-Security-Policy" not in response.headers
    assert response.headers["X-Request-ID"]
    assert response.headers["Content-Length"] == str(len(b"EVENT_RECEIVED"))  # so that the connection can be used again
    assert "Content-Security-Policy" in handshake().headers


@pytest.mark.parametrize("header", [None, "", "sha256=0", "sha256=" + "é" * 64, "sha1=x"])
def test_an_unsigned_body_is_refused_and_not_stored(header):
    headers = {"X-Hub-Signature-256": header} if header is not None else {}
    response = Client().post(WEBHOOK, BODIES["text"], content_type="application/json", headers=headers)
    assert response.status_code == 401
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("name", BODIES)
def test_every_signed_body_is_kept_and_acknowledged(name, connection, deliver):
    assert deliver(BODIES[name]) == 200
    event = WebhookEvent.objects.get()
    assert event.body.encode() == BODIES[name]
    assert event.processed_at
    assert event.outcome
    assert not event.error


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_odd_bytes_are_kept_and_acknowledged(body, connection, deliver):
    assert deliver(body) == 200
    assert WebhookEvent.objects.get().processed_at


def test_three_megabytes_are_taken(connection, deliver):
    assert deliver(b'{"object":"whatsapp_business_account","pad":"' + b"x" * 3_200_000 + b'"}') == 200


def test_an_odd_item_costs_no_sibling(connection, deliver):
    deliver(BODIES["good_beside_odd"])
    assert Message.objects.get(wamid="wamid.GOOD").text == "good�"


def test_a_customer_without_a_phone_number_is_kept_by_user_id(connection, deliver):
    deliver(BODIES["text_without_phone"])
    user = WhatsappUser.objects.get()
    assert (user.wa_id, user.user_id, user.name) == (None, "DE.22222222222222222222", "Mia")
    assert user.recipient == {"recipient": "DE.22222222222222222222"}


def test_an_item_that_fails_stays_on_its_event_and_the_others_go_on(connection, deliver, meta):
    """Two messages in one body; the database refuses the first one's text."""
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE conversations_message ADD CONSTRAINT poison CHECK (text <> 'poison')")
    bodies = [meta.customer_writes(connection.phone_number_id, "34600000101", "L", text) for text in ("poison", "good")]
    assert deliver(meta.combine(*bodies)) == 200
    event = WebhookEvent.objects.get()
    assert event.outcome == {"failed": 1, "message": 1}
    assert "IntegrityError" in event.error
    assert Message.objects.get().text == "good"


def test_an_event_that_cannot_be_stored_is_not_acknowledged(connection, settings):
    client = Client(raise_request_exception=False)
    body = BODIES["text"]
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE conversations_webhookevent ADD CONSTRAINT full_disk CHECK (false)")
    response = client.post(
        WEBHOOK,
        body,
        content_type="application/json",
        headers={"X-Hub-Signature-256": sign(body, settings.META_APP_SECRET)},
    )
    assert response.status_code == 500


def test_processing_an_event_again_changes_nothing(connection, deliver):
    deliver(BODIES["text"])
    WebhookEvent.objects.update(processed_at=None)
    inbound.process(WebhookEvent.objects.all())
    assert Message.objects.count() == 1
    assert WebhookEvent.objects.get().outcome == {"duplicate message": 1}


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(method):
    assert getattr(Client(), method)(WEBHOOK).status_code == 405
