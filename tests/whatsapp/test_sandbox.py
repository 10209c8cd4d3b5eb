"""The make-believe Meta, asked as the product asks it. Its own facts come from Meta's documentation."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import responses
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from tests.fakes import install
from whatsapp import signature
from whatsapp.sandbox import envelopes
from whatsapp.sandbox.meta import CATALOGUE, DEMO, Meta
from whatsapp.sandbox.server import SandboxHandler
from whatsapp.sandbox.stage import Stage
from whatsapp.sandbox.webhooks import Postman

CALLBACK = "http://127.0.0.1:8000/oauth/meta/callback"
GRAPH = "https://graph.facebook.com/v25.0"
OTHER = CATALOGUE[1]
AT_ONCE = {"sent": 0.0, "delivered": 0.0, "read": 0.0}
Reply = tuple[int, dict[str, Any]]
Ask = Callable[..., Reply]
Browse = Callable[[WSGIRequest], Any]


def new_meta(journal: Path | None = None) -> Meta:
    return Meta("111222333", "test_app_secret", "verify", [CALLBACK], journal)


@pytest.fixture
def meta() -> Meta:
    return new_meta()


@pytest.fixture
def ask(meta: Meta) -> Iterator[Ask]:
    """A call to the Graph API as the demo business, over `requests`."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        install(meta, mock)

        def call(method: str, path: str, business: Any = DEMO, **parameters: Any) -> Reply:
            token = meta.token_for(business)
            proof = {"appsecret_proof": signature.appsecret_proof(token, meta.app_secret)}
            headers = {"Authorization": f"Bearer {token}"}
            answer = requests.request(
                method, f"{GRAPH}/{path}", params=proof, json=parameters, headers=headers, timeout=5
            )
            return answer.status_code, answer.json()

        yield call


def exchange(meta: Meta, code: str, redirect_uri: str = CALLBACK) -> Reply:
    form = {"client_id": meta.app_id, "client_secret": meta.app_secret, "code": code, "redirect_uri": redirect_uri}
    answer = meta.answer("POST", "/v25.0/oauth/access_token", {}, form, {})
    return answer.status, answer.body


def text(to: str = "+34600000101", body: str = "Hola") -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


@pytest.fixture
def browse(meta: Meta, settings: Any, tmp_path: Path) -> Browse:
    """A request to the sandbox's own pages, with the project's middleware around it."""
    settings.STATIC_ROOT = tmp_path
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    handler = SandboxHandler(Stage(meta, Postman(meta, "http://127.0.0.1:1/")))

    def get_response(request: WSGIRequest) -> Any:
        request.META["HTTP_HOST"] = "127.0.0.1:8001"
        return handler.get_response(request)

    return get_response


def dialog(**changes: str) -> str:
    query = {"client_id": "111222333", "redirect_uri": CALLBACK, "state": "st/ate", **changes}
    return f"/v25.0/dialog/oauth?{urlencode(query)}"


class Product(HTTPServer):
    """A webhook that keeps what it is told, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Webhook)
        self.answers: list[int] = []
        self.taken: list[bytes] = []
        self.enough = threading.Event()
        self.wanted = 1


class Webhook(BaseHTTPRequestHandler):
    server: Product

    def do_GET(self) -> None:
        self._answer(200, self.path.partition("hub.challenge=")[2].partition("&")[0].encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = signature.is_signed(body, self.headers["X-Hub-Signature-256"], "test_app_secret")
        status = self.server.answers.pop(0) if self.server.answers else 200 if signed else 401
        if status == 200:
            self.server.taken.append(body)
        self._answer(status, b"")
        if len(self.server.taken) >= self.server.wanted:
            self.server.enough.set()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Nothing."""


@pytest.fixture
def product() -> Iterator[Product]:
    with Product() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def postman(meta: Meta, product: Product) -> Iterator[Postman]:
    postman = Postman(meta, f"http://127.0.0.1:{product.server_port}/webhook", AT_ONCE)
    yield postman
    postman.stop()


def test_a_webhook_is_signed_over_its_escaped_bytes() -> None:
    change = {"field": "messages", "value": {"messages": [{"text": {"body": "Grüße 😀 a/b"}}]}}
    body = envelopes.dump({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})
    assert len(body) == 169
    digest = "41351af410c853a50785891ae1adcd150386a508bac22b4a2ecc926739c83b3b"
    assert signature.sign(body, "test_app_secret") == f"sha256={digest}"


def test_a_code_is_exchanged_once(meta: Meta) -> None:
    code = meta.issue_code(OTHER, CALLBACK)
    assert exchange(meta, code)[1]["access_token"] == meta.token_for(OTHER)
    status, refused = exchange(meta, code)
    assert (status, refused["error"]["code"], refused["error"]["error_subcode"]) == (400, 100, 36009)


def test_a_code_dies_after_thirty_seconds(meta: Meta) -> None:
    code = meta.issue_code(OTHER, CALLBACK)
    now = meta.clock()
    meta.memory.clock = lambda: now + 31
    assert exchange(meta, code)[1]["error"]["error_subcode"] == 36007


def test_a_code_is_bound_to_its_redirect_uri(meta: Meta) -> None:
    refused = exchange(meta, meta.issue_code(OTHER, CALLBACK), "http://127.0.0.1:8000/elsewhere")[1]
    assert refused["error"]["error_subcode"] == 36008


def test_another_businesses_account_is_not_visible(ask: Ask) -> None:
    status, refused = ask("GET", f"{OTHER.waba_id}/phone_numbers")
    assert (status, refused["error"]["code"], refused["error"]["error_subcode"]) == (400, 100, 33)


def test_a_registered_number_keeps_its_pin(ask: Ask) -> None:
    path = f"{OTHER.phone_number_id}/register"
    assert ask("POST", path, OTHER, messaging_product="whatsapp", pin="123456") == (200, {"success": True})
    assert ask("POST", path, OTHER, messaging_product="whatsapp", pin="654321")[1]["error"]["code"] == 133005


def test_only_a_registered_number_sends(ask: Ask) -> None:
    assert ask("POST", f"{OTHER.phone_number_id}/messages", OTHER, **text())[1]["error"]["code"] == 133010


def test_an_answer_ends_the_typing(meta: Meta, ask: Ask) -> None:
    body = json.loads(meta.customer_writes(DEMO.phone_number_id, "34600000101", "Lucía", "Hola"))
    wamid = body["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
    reading = {"status": "read", "message_id": wamid, "typing_indicator": {"type": "text"}}
    ask("POST", f"{DEMO.phone_number_id}/messages", messaging_product="whatsapp", **reading)
    assert meta.typing == {(DEMO.phone_number_id, "34600000101")}
    ask("POST", f"{DEMO.phone_number_id}/messages", **text())
    assert not meta.typing
    assert [message.body for message in meta.sent] == ["Hola"]


def test_an_accepted_message_may_lose_its_answer(meta: Meta, ask: Ask) -> None:
    meta.fail_next("timeout_after_accept", method_path_regex="send_text")
    with pytest.raises(requests.ReadTimeout):
        ask("POST", f"{DEMO.phone_number_id}/messages", **text())
    assert len(meta.sent) == 1
    assert not meta.armed


def test_a_restart_forgets_nothing_but_a_torn_line(tmp_path: Path) -> None:
    journal = tmp_path / "sandbox.jsonl"
    first = new_meta(journal)
    first.customer_writes(DEMO.phone_number_id, "34600000101", "Lucía", "Hola")
    first.memory.record("registered", phone_number_id=OTHER.phone_number_id, pin_digest="x")
    first.close()
    with journal.open("a") as file:
        file.write('{"fact": "mess')
    second = new_meta(journal)
    second.note("graph", "graph.get")  # written behind the last whole line
    second.close()
    third = new_meta(journal)
    assert {DEMO.phone_number_id, OTHER.phone_number_id} == set(third.memory.registered)
    assert [message.body for message in third.memory.messages.values()] == ["Hola"]
    third.close()


def test_the_timeline_shows_no_secret(meta: Meta, ask: Ask) -> None:
    exchange(meta, meta.issue_code(OTHER, CALLBACK))
    ask("POST", f"{OTHER.phone_number_id}/register", OTHER, messaging_product="whatsapp", pin="987654")
    shown = str(meta.timeline)
    assert "register" in shown
    assert not any(secret in shown for secret in ("EAA", "AQB", "987654", meta.app_secret))


def test_one_post_may_speak_of_two_businesses(meta: Meta) -> None:
    bodies = [meta.customer_writes(b.phone_number_id, "34600000101", "Lucía", "Hola") for b in (DEMO, OTHER, DEMO)]
    entries = json.loads(meta.combine(*bodies))["entry"]
    assert [(entry["id"], len(entry["changes"])) for entry in entries] == [(DEMO.waba_id, 2), (OTHER.waba_id, 1)]


def test_who_cancels_is_sent_back_without_a_code(browse: Browse) -> None:
    request = RequestFactory().post(dialog(), {"decision": "cancel"})
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    answer = browse(request)
    denied = "error=access_denied&error_code=200&error_description=Permissions+error&error_reason=user_denied"
    assert answer.headers["Location"] == f"{CALLBACK}?{denied}&state=st%2Fate#_=_"


@pytest.mark.parametrize("wrong", [{"redirect_uri": "https://evil.example/"}, {"client_id": "9"}])
def test_an_unknown_app_or_address_is_never_redirected_to(browse: Browse, wrong: dict[str, str]) -> None:
    answer = browse(RequestFactory().get(dialog(**wrong)))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_another_page_cannot_make_the_customer_write(browse: Browse) -> None:
    request = RequestFactory().post("/api/messages", {"text": "Hola"}, content_type="application/json")
    assert browse(request).status_code == 403


def test_what_the_product_does_not_take_comes_again(meta: Meta, product: Product, postman: Postman) -> None:
    product.answers = [500]
    body = meta.customer_writes(DEMO.phone_number_id, "34600000101", "Lucía", "Grüße")
    postman.start()
    assert product.enough.wait(5)
    assert product.taken == [body]


def test_an_accepted_message_climbs_to_read(meta: Meta, product: Product, postman: Postman) -> None:
    product.wanted = 3
    postman.start()
    token = meta.token_for(DEMO)
    proof = signature.appsecret_proof(token, meta.app_secret)
    call = {"access_token": token, "appsecret_proof": proof, **text()}
    wamid = meta.answer("POST", f"/v25.0/{DEMO.phone_number_id}/messages", {}, call, {}).body["messages"][0]["id"]
    assert product.enough.wait(5)
    statuses = [json.loads(body)["entry"][0]["changes"][0]["value"]["statuses"][0] for body in product.taken]
    assert [(status["id"], status["status"]) for status in statuses] == [
        (wamid, "sent"),
        (wamid, "delivered"),
        (wamid, "read"),
    ]


def test_a_forged_webhook_is_shown_with_the_products_answer(meta: Meta, product: Product, postman: Postman) -> None:
    assert postman.forge() == 401
    assert not product.taken
    assert (meta.timeline[-1].title, meta.timeline[-1].status) == ("webhook.forged", 401)
