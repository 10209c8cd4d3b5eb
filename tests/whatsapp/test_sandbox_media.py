"""Files at the make-believe Meta: where they are, their bytes, and all that can go wrong; through both doors."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from django.core.servers.basehttp import ThreadedWSGIServer

from conversations.management.commands.sandbox import QuietHandler, application
from tests.fakes import install
from tests.whatsapp.test_sandbox import CALLBACK, OTHER
from whatsapp import signature
from whatsapp.sandbox.meta import DEMO, Meta
from whatsapp.sandbox.samples import SAMPLES, sha256
from whatsapp.sandbox.webhooks import Postman

NUMBER, LUCIA = DEMO.phone_number_id, "34600000101"


def new_meta(journal: Path | None = None) -> Meta:
    return Meta("111222333", "test_app_secret", "verify", [CALLBACK], journal)


class Client:
    """Asks for files as the product does, at one of the two doors."""

    def __init__(self, meta: Meta, graph: str) -> None:
        self.meta, self.graph = meta, graph

    def headers(self, business: Any = DEMO) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.meta.token_for(business)}"}

    def ask(self, media_id: str, method: str = "GET", business: Any = DEMO, **query: str) -> requests.Response:
        proof = signature.appsecret_proof(self.meta.token_for(business), self.meta.app_secret)
        address = f"{self.graph}/v25.0/{media_id}"
        query["appsecret_proof"] = proof
        return requests.request(method, address, params=query, headers=self.headers(business), timeout=5)

    def download(self, url: str, business: Any = DEMO) -> requests.Response:
        return requests.get(url, headers=self.headers(business), timeout=5)


@pytest.fixture
def by_responses() -> Iterator[Client]:
    meta = new_meta()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        install(meta, mock)
        yield Client(meta, "https://graph.facebook.com")


@pytest.fixture
def by_http(settings) -> Iterator[Client]:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler) as server:
        base = f"http://127.0.0.1:{server.server_port}"
        meta = new_meta()
        meta.media_url = f"{base}/graph-media"
        server.set_app(application(meta, Postman(meta, "http://127.0.0.1:1/"), server.server_port))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Client(meta, f"{base}/graph")
        server.shutdown()
        thread.join()


@pytest.fixture(params=["by_responses", "by_http"])
def client(request: pytest.FixtureRequest) -> Client:
    client: Client = request.getfixturevalue(request.param)
    return client


def sent(client: Client, kind: str = "image") -> str:
    """The id of a file that a customer has just sent."""
    client.meta.customer_sends(NUMBER, LUCIA, "Lucía", kind)
    return next(reversed(client.meta.memory.media))


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_is_found_and_downloaded(client: Client, kind: str) -> None:
    media_id, content = sent(client, kind), SAMPLES[kind].content
    found = client.ask(media_id, phone_number_id=NUMBER).json()
    url = found.pop("url")
    assert url.startswith(client.meta.media_url + "/")
    assert found == {
        "messaging_product": "whatsapp",
        "mime_type": SAMPLES[kind].mime_type,
        "sha256": sha256(content),
        "file_size": str(len(content)),
        "id": media_id,
    }
    file = client.download(url)
    assert (file.status_code, file.headers["Content-Type"], file.content) == (200, found["mime_type"], content)


def is_unknown(answer: requests.Response) -> bool:
    error = answer.json()["error"]
    return (answer.status_code, error["code"], error["error_subcode"]) == (400, 100, 33)


def test_only_the_number_that_got_a_file_sees_it(client: Client) -> None:
    media_id = sent(client)
    assert is_unknown(client.ask(media_id, phone_number_id=OTHER.phone_number_id))
    assert is_unknown(client.ask(media_id, business=OTHER))
    assert is_unknown(client.ask("9000000000000000"))


def test_an_address_opens_nothing_without_a_token_of_the_number(client: Client) -> None:
    url = client.ask(sent(client)).json()["url"]
    assert requests.get(url, timeout=5).status_code == 401
    assert client.download(url, OTHER).status_code == 401
    assert client.download(re.sub("hash=.{9}", "hash=ATforged0", url)).status_code == 404


def test_an_address_lives_five_minutes_and_an_id_seven_days(client: Client) -> None:
    media_id, now = sent(client), client.meta.clock()
    url = client.ask(media_id).json()["url"]
    client.meta.memory.clock = lambda: now + 301
    assert client.download(url).status_code == 404
    assert client.download(client.ask(media_id).json()["url"]).status_code == 200
    client.meta.memory.clock = lambda: now + 7 * 24 * 3600 + 1
    assert is_unknown(client.ask(media_id))


def test_a_deleted_file_is_gone(client: Client) -> None:
    media_id = sent(client)
    url = client.ask(media_id).json()["url"]
    assert client.ask(media_id, "DELETE").json() == {"success": True}
    assert is_unknown(client.ask(media_id, "DELETE"))
    assert client.download(url).status_code == 404


def test_a_file_may_be_gone_already(client: Client) -> None:
    media_id = sent(client)
    client.meta.fail_next("media_gone")
    assert is_unknown(client.ask(media_id))
    assert client.ask(media_id).status_code == 200


def test_an_address_may_have_expired_once(client: Client) -> None:
    media_id = sent(client)
    client.meta.fail_next("media_expired")
    assert client.download(client.ask(media_id).json()["url"]).status_code == 404
    assert client.download(client.ask(media_id).json()["url"]).status_code == 200


def test_bytes_may_be_broken(client: Client) -> None:
    media_id = sent(client)
    client.meta.fail_next("media_broken")
    found = client.ask(media_id).json()
    content = client.download(found["url"]).content
    assert len(content) == int(found["file_size"])
    assert sha256(content) != found["sha256"]


def test_a_file_may_be_too_large(client: Client) -> None:
    media_id = sent(client)
    client.meta.fail_next("media_huge")
    found = client.ask(media_id).json()
    content = client.download(found["url"]).content
    assert len(content) == int(found["file_size"]) == 6 * 1024 * 1024
    assert sha256(content) == found["sha256"]


def test_an_address_may_lead_elsewhere(client: Client) -> None:
    media_id = sent(client)
    client.meta.fail_next("media_foreign_host")
    assert urlsplit(client.ask(media_id).json()["url"]).hostname == "evil.example"


@pytest.mark.parametrize("call", ["get_media", "download"])
def test_a_call_for_a_file_fails_like_any_other(client: Client, call: str) -> None:
    media_id = sent(client)
    url = client.ask(media_id).json()["url"]
    again: dict[str, Callable[[], requests.Response]] = {
        "get_media": lambda: client.ask(media_id),
        "download": lambda: client.download(url),
    }
    client.meta.fail_next("html_500", method_path_regex=call)
    assert again[call]().status_code == 500
    client.meta.fail_next(131016, method_path_regex=call)
    assert again[call]().json()["error"]["code"] == 131016
    client.meta.fail_next("refused", method_path_regex=call)
    with pytest.raises(requests.ConnectionError):
        again[call]()
    assert again[call]().status_code == 200
    assert client.meta.timeline[-1].title == f"graph.{call}"


def test_a_media_failure_does_not_touch_what_is_sent(by_responses: Client) -> None:
    by_responses.meta.fail_next("media_gone")
    assert by_responses.ask(NUMBER).status_code == 200
    assert by_responses.meta.armed


def test_a_restart_keeps_and_forgets_the_same_files(tmp_path) -> None:
    journal = tmp_path / "sandbox.jsonl"
    meta = new_meta(journal)
    for kind in ("image", "voice"):
        meta.customer_sends(NUMBER, LUCIA, "Lucía", kind)
    gone, kept = meta.memory.media
    meta.memory.record("media_deleted", media_id=gone)
    meta.close()
    again = new_meta(journal)
    assert list(again.memory.media) == [kept]
    again.close()
