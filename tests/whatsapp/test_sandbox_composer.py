"""The phone page's composer: what it is told when it asks for nonsense, and how what it composes is delivered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import RequestFactory

from tests.processes import wait_for
from tests.whatsapp.test_sandbox import Product, new_meta, postman, product
from tests.whatsapp.test_sandbox_types import LUCIA, NUMBER
from whatsapp.sandbox.businesses import CUSTOMERS
from whatsapp.sandbox.chats import APP_KINDS
from whatsapp.sandbox.composer_words import APP_GROUPS, CUSTOMER_GROUPS, MEDIA_FAILURES, WAYS
from whatsapp.sandbox.composer_words import IDENTITIES as IDENTITIES_IN_WORDS
from whatsapp.sandbox.composer_words import STATUSES as STATUSES_IN_WORDS
from whatsapp.sandbox.composing import KINDS
from whatsapp.sandbox.desk import STATUSES
from whatsapp.sandbox.failures import MEDIA
from whatsapp.sandbox.meta import Meta
from whatsapp.sandbox.people import IDENTITIES
from whatsapp.sandbox.server import SandboxHandler
from whatsapp.sandbox.stage import Stage
from whatsapp.sandbox.webhooks import MODES, Postman

__all__ = ["postman", "product"]  # fixtures
Post = Callable[..., tuple[int, dict[str, Any]]]
CHAT = {"phone_number_id": NUMBER, "wa_id": LUCIA}


@pytest.fixture
def meta() -> Meta:
    return new_meta()


@pytest.fixture
def post(meta: Meta, postman: Postman, settings) -> Post:
    """The phone page acts, in the chat of Lucía and the demo business; returns status and answer."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    handler = SandboxHandler(Stage(meta, postman))

    def post(address: str, **posted: Any) -> tuple[int, dict[str, Any]]:
        headers = {"host": "127.0.0.1:8001", "x-sandbox": "1"}
        body = json.dumps(CHAT | posted)
        request = RequestFactory().post(f"/api/{address}", body, content_type="application/json", headers=headers)
        answer: Any = handler.get_response(request)
        return answer.status_code, json.loads(answer.content)

    return post


def items(product: Product, wanted: int) -> list[dict[str, Any]]:
    """The messages, echoes and statuses that the product was told of, in order."""
    wait_for(lambda: len(product.taken) >= wanted)
    values = [change["value"] for body in product.taken for change in json.loads(body)["entry"][0]["changes"]]
    return [value[name][0] for value in values for name in ("messages", "message_echoes", "statuses") if name in value]


@pytest.mark.parametrize(
    ("address", "wrong", "sentence"),
    [
        ("messages", {"text": " "}, "A text has 1 to 4096 characters"),
        ("messages", {"text": "a" * 4097}, "A text has 1 to 4096 characters"),
        ("messages", {"text": "Hola", "wa_id": "1"}, "Choose a customer"),
        ("messages", {"text": "Hola", "phone_number_id": "1"}, "Choose a business"),
        ("messages", {"kind": "telegram"}, "A customer sends one of text, image"),
        ("messages", {"kind": "app_sticker"}, "The WhatsApp Business app sends one of text, image, edit, revoke"),
        ("messages", {"kind": "image", "identity": "passport"}, "An identity is one of both, phone, user_id"),
        ("messages", {"kind": "image", "mode": "pigeon"}, "A webhook is delivered in one of these ways: normal"),
        ("messages", {"kind": "image", "copies": 1001}, "The number of copies is a whole number from 1 to 1000"),
        ("messages", {"kind": "image", "copies": "two"}, "The number of copies is a whole number from 1 to 1000"),
        ("messages", {"kind": "image", "copies": True}, "The number of copies is a whole number from 1 to 1000"),
        ("sync", {"kind": "calendar"}, "The app hands over one of history"),
        ("statuses", {"status": "eaten"}, "A status is one of sent, delivered, read, played, failed"),
        ("statuses", {"status": "sent", "recipient": "somebody"}, "An identity is one of both, phone, user_id"),
        ("statuses", {"status": "failed", "code": 0}, "An error code is a whole number from 1 to"),
        ("statuses", {"status": "read"}, "The business has not written in this chat yet"),
        ("window", {"wa_id": "1"}, "Choose a customer"),
        ("deeds", {"deed": "dance"}, "A deed is one of remove_app"),
        ("failures", {"kind": "media_eaten"}, "'media_eaten' is none of"),
    ],
)
def test_nonsense_is_answered_with_a_sentence(post: Post, address: str, wrong: dict[str, Any], sentence: str) -> None:
    status, answer = post(address, **wrong)
    assert status == 400
    assert answer["error"].startswith(sentence)


def test_what_is_composed_is_delivered_once(post: Post, meta: Meta, postman: Postman, product: Product) -> None:
    postman.start()  # what waits when it starts would come again
    [wamid] = post("messages", kind="image", text="Our table")[1]["wamids"]
    [message] = items(product, 1)
    assert (message["id"], message["image"]["caption"]) == (wamid, "Our table")


def test_twice_is_twice_the_same_bytes(post: Post, postman: Postman, product: Product) -> None:
    product.wanted = 2
    postman.start()
    post("messages", kind="location", mode="twice")
    assert product.enough.wait(5)
    assert product.taken[0] == product.taken[1]


def test_what_is_held_back_comes_in_reverse(post: Post, meta: Meta, postman: Postman, product: Product) -> None:
    postman.start()
    for text in ("one", "two"):
        post("messages", text=text, mode="hold")
    post("messages", kind="app_text", text="three", mode="hold")
    post("statuses", status="read", mode="hold")
    assert {message.status for message in meta.memory.messages.values()} == {"accepted"}
    assert post("release", newest_first=True) == (200, {"released": 4})
    status, *messages = items(product, 4)
    assert status["id"] == messages[0]["id"]  # of an echo that the product does not know yet
    assert [message["text"]["body"] for message in messages] == ["three", "two", "one"]
    assert post("release") == (200, {"released": 0})


def test_a_batch_is_one_post_of_distinct_messages(post: Post, meta: Meta, postman: Postman, product: Product) -> None:
    postman.start()
    wamids = post("messages", kind="sticker", copies=1000)[1]["wamids"]
    assert [message["id"] for message in items(product, 1)] == wamids
    assert len(set(wamids)) == 1000
    postman.stop()
    assert {message.status for message in meta.memory.messages.values()} == {"delivered"}
    assert isinstance(meta.timeline[-1].request["body"], str)  # and not a thousand messages


def test_a_forged_message_is_not_on_the_phone(post: Post, meta: Meta, product: Product) -> None:
    assert post("messages", kind="image", mode="forged", copies=3) == (200, {"wamids": [], "status": 401})
    assert not meta.memory.messages
    assert not product.taken
    assert (meta.timeline[-1].title, meta.timeline[-1].detail) == ("webhook.forged", "image")


def test_a_forged_status_is_answered_too(post: Post) -> None:
    assert post("statuses", status="sent", unknown=True, mode="forged") == (200, {"status": 401})


def test_what_is_held_back_over_a_restart_is_delivered(post: Post, postman: Postman, product: Product) -> None:
    for kind in ("voice", "app_text"):
        post("messages", kind=kind, mode="hold")
    postman.start()
    assert [message["type"] for message in items(product, 2)] == ["audio", "text"]


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "played", "failed"])
def test_any_status_of_any_message(post: Post, meta: Meta, postman: Postman, product: Product, status: str) -> None:
    meta.business_app_writes(NUMBER, LUCIA, "Buenas", wamid="wamid.ECHO")
    post("statuses", status=status, code=131047)
    post("statuses", status=status, unknown=True, recipient="nobody")
    postman.meta.memory.advance("wamid.ECHO", "delivered")  # the postman need not bring it
    postman.start()
    known, unknown = items(product, 2)
    assert (known["id"], known["status"], known["recipient_id"]) == ("wamid.ECHO", status, LUCIA)
    assert ("recipient_user_id" in known) is (status != "failed")
    assert (known["errors"][0]["code"] if status == "failed" else None) == (131047 if status == "failed" else None)
    assert (unknown["id"] in meta.memory.messages, "recipient_id" in unknown) == (False, False)


@pytest.mark.parametrize(
    ("kind", "field", "list_name"),
    [
        ("history", "history", "history"),
        ("history_declined", "history", "history"),
        ("contacts_added", "smb_app_state_sync", "state_sync"),
        ("contacts_removed", "smb_app_state_sync", "state_sync"),
    ],
)
def test_the_app_hands_over(
    post: Post, postman: Postman, product: Product, kind: str, field: str, list_name: str
) -> None:
    post("sync", kind=kind)
    postman.start()
    items(product, 1)
    [change] = json.loads(product.taken[0])["entry"][0]["changes"]
    assert (change["field"], bool(change["value"][list_name])) == (field, True)


def test_a_file_can_be_looked_at_on_the_phone(meta: Meta, postman: Postman, settings) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    handler: Any = SandboxHandler(Stage(meta, postman))
    found = [
        handler.get_response(RequestFactory().get(f"/api/samples/{kind}", headers={"host": "127.0.0.1:8001"}))
        for kind in ("image", "nothing")
    ]
    assert [(answer.status_code, answer.headers["Content-Type"]) for answer in found] == [
        (200, "image/jpeg"),
        (404, "application/json"),
    ]


def test_a_failure_waits_for_the_calls_that_it_can_happen_to(post: Post, meta: Meta) -> None:
    for kind in ("media_gone", "130429", "131047"):
        post("failures", kind=kind)
    assert [armed.pattern for armed in meta.armed] == ["get_media", "send_", "send_text"]


def test_the_address_book_has_every_customer(post: Post, postman: Postman, product: Product) -> None:
    post("sync", kind="contacts_added")
    postman.start()
    items(product, 1)
    [change] = json.loads(product.taken[0])["entry"][0]["changes"]
    numbers = [item["contact"]["phone_number"] for item in change["value"]["state_sync"]]
    assert numbers == list(CUSTOMERS)


def test_everything_that_can_be_chosen_has_its_words() -> None:
    def names(groups: dict[Any, dict[str, Any]]) -> list[str]:
        return [name for group in groups.values() for name in group]

    assert sorted(["text", *names(CUSTOMER_GROUPS)]) == sorted(KINDS)
    assert names(APP_GROUPS)[:4] == [f"app_{kind}" for kind in APP_KINDS]
    assert (tuple(IDENTITIES_IN_WORDS), tuple(STATUSES_IN_WORDS)) == (IDENTITIES, STATUSES)
    assert (set(WAYS), set(MEDIA_FAILURES)) == ({*MODES, "batch"}, MEDIA)
