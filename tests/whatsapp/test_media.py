"""Media from Meta: whom the token is shown to, how much is taken, and what each failure means to us."""

import base64
import hashlib
import io
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses

from tests.fakes import serve
from whatsapp.client import Exchange, GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError, GraphUnavailable, LinkExpired, MediaGone, MediaRefused
from whatsapp.media import LIMITS, Fetched, fetch

FACTS = "https://graph.facebook.com/v25.0/4004"
LINK = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=4004&hash=SIGNED"
JPEG = b"\xff\xd8\xff\xe0" + b"a photograph" * 100
TOKEN = "EAAtoken"


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def kept() -> list[Exchange]:
    return []


@pytest.fixture
def take(kept) -> Callable[..., Fetched]:
    """Fetches the media 4004 of a message of this type."""

    def take(kind: str = "image") -> Fetched:
        return fetch(GraphClient(TOKEN, kept.append), "4004", "101", kind, io.BytesIO())

    return take


def facts(content: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    described = {"url": LINK, "mime_type": "image/jpeg", "sha256": digest, "file_size": str(len(content)), "id": "4004"}
    return described | {"messaging_product": "whatsapp"} | changes


def test_media_is_fetched_with_the_token_and_measured(graph, take):
    graph.get(FACTS, json=facts())
    graph.get(LINK, body=JPEG)
    assert take() == Fetched("image/jpeg", len(JPEG), hashlib.sha256(JPEG).hexdigest())
    asked, downloaded = (call.request for call in graph.calls)
    assert asked.params["phone_number_id"] == "101"
    assert downloaded.headers["Authorization"] == f"Bearer {TOKEN}"
    assert downloaded.headers["User-Agent"] == "whatsapp-agents/1.0"


def test_a_record_of_it_has_neither_the_signature_nor_the_content(graph, take, kept):
    graph.get(FACTS, json=facts())
    graph.get(LINK, body=JPEG)
    take()
    assert [exchange.path for exchange in kept] == ["4004", "lookaside.fbsbx.com/whatsapp_business/attachments/"]
    assert kept[1].response == f"[{len(JPEG)} bytes]"
    assert "SIGNED" not in str(kept)
    assert "photograph" not in str(kept)


@pytest.mark.parametrize(
    "described",
    [
        {"file_size": len(JPEG)},
        {"file_size": None},
        {"file_size": "about a kilobyte"},
        {"sha256": hashlib.sha256(JPEG).hexdigest()},
        {"sha256": "not a hash"},
        {"sha256": None},
        {"mime_type": "image/jpeg; charset=binary"},
        {"mime_type": "IMAGE/JPEG"},
    ],
)
def test_what_meta_says_is_read_leniently(graph, take, described):
    graph.get(FACTS, json=facts(**described))
    graph.get(LINK, body=JPEG)
    assert take().mime_type == "image/jpeg"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x",
        "https://fbsbx.com.evil.example/x",
        "https://evilfbsbx.com/x",
        "http://lookaside.fbsbx.com/x",
        "https://user@lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://evil.example\\.fbsbx.com/x",
        "https://evil.example\\@lookaside.fbsbx.com/x",
        "https://evil.example\n.fbsbx.com/x",
        "https://evil.example#.fbsbx.com/x",
        "https://127.0.0.1/x",
        "ftp://lookaside.fbsbx.com/x",
        "//lookaside.fbsbx.com/x",
        "file:///etc/passwd",
    ],
)
def test_a_foreign_host_is_never_asked(graph, take, link):
    graph.get(FACTS, json=facts(url=link))
    with pytest.raises(MediaRefused, match="hosts"):
        take()
    assert len(graph.calls) == 1


@pytest.mark.parametrize(
    "link", ["https://scontent.whatsapp.net/x", "https://mmg.WhatsApp.net:443/x", "https://x.fbcdn.net/x"]
)
def test_every_media_host_of_metas_is_asked(graph, take, link):
    graph.get(FACTS, json=facts(url=link))
    graph.get(link, body=JPEG)
    assert take()


def test_a_redirect_is_not_followed(graph, take):
    graph.get(FACTS, json=facts())
    graph.get(LINK, status=302, headers={"Location": "https://evil.example/x"})
    with pytest.raises(GraphUnavailable, match="302"):
        take()
    assert len(graph.calls) == 2


def test_an_expired_link_is_asked_for_anew_once(graph, take):
    graph.get(FACTS, json=facts())
    graph.get(FACTS, json=facts(url=f"{LINK}2"))
    graph.get(LINK, status=404)
    graph.get(f"{LINK}2", body=JPEG)
    assert take().size == len(JPEG)


def test_a_link_that_is_never_good_may_be_tried_again(graph, take):
    graph.get(FACTS, json=facts())
    graph.get(LINK, status=404, json={"error": {"code": 100, "message": "Gone"}})
    with pytest.raises(LinkExpired):
        take()
    assert len(graph.calls) == 4


@pytest.mark.parametrize(
    ("code", "subcode", "error"),
    [
        (100, 33, MediaGone),
        (100, 0, MediaGone),
        (33, 0, MediaGone),
        (131052, 0, MediaGone),
        (190, 0, AccessTokenRejected),
        (4, 0, GraphUnavailable),
        (999999, 0, GraphError),
    ],
)
def test_what_metas_refusal_to_describe_it_means(graph, take, code, subcode, error):
    graph.get(FACTS, json={"error": {"code": code, "error_subcode": subcode, "message": "No"}}, status=400)
    with pytest.raises(GraphError) as raised:
        take()
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"body": "<html>Sorry</html>", "status": 500}, GraphUnavailable),
        ({"body": "<html>Please log in</html>", "status": 401}, GraphUnavailable),
        ({"json": {"error": {"code": 190, "message": "Expired"}}, "status": 401}, AccessTokenRejected),
        ({"body": JPEG, "headers": {"Content-Encoding": "gzip"}}, GraphUnavailable),
        ({"body": "<html>A page of 200</html>"}, GraphUnavailable),
        ({"body": JPEG[:-1]}, GraphUnavailable),
        ({"body": JPEG[:-1] + b"!"}, GraphUnavailable),
        ({"body": requests.ConnectionError("reset")}, GraphUnavailable),
    ],
)
def test_what_does_not_come_whole_may_come_later(graph, take, answer, error):
    graph.get(FACTS, json=facts())
    graph.get(LINK, **answer)
    with pytest.raises(error):
        take()


@pytest.mark.parametrize("mime_type", ["image/svg+xml", "text/html", "application/zip", "application/x-msdownload", ""])
def test_a_type_that_could_do_harm_is_refused_before_it_is_fetched(graph, take, mime_type):
    graph.get(FACTS, json=facts(mime_type=mime_type))
    with pytest.raises(MediaRefused):
        take("document")
    assert len(graph.calls) == 1


@pytest.mark.parametrize(("kind", "limit"), LIMITS.items())
def test_what_is_announced_as_too_large_is_refused_before_it_is_fetched(graph, take, kind, limit):
    graph.get(FACTS, json=facts(file_size=limit + 1))
    with pytest.raises(MediaRefused, match=str(limit)):
        take(kind)
    assert len(graph.calls) == 1


@pytest.mark.parametrize("mime_type", ["image/png", "image/gif", "image/webp", "application/pdf"])
def test_what_is_not_what_it_says_is_refused(graph, take, mime_type):
    graph.get(FACTS, json=facts(mime_type=mime_type))
    graph.get(LINK, body=JPEG)
    with pytest.raises(MediaRefused, match=mime_type):
        take("document")


@pytest.mark.parametrize(
    ("mime_type", "content"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n.."),
        ("image/gif", b"GIF89a.."),
        ("image/webp", b"RIFF\x0a\x00\x00\x00WEBPVP8 "),
        ("application/pdf", b"\xef\xbb\xbf%PDF-1.7"),
        ("audio/ogg; codecs=opus", b"OggS"),
    ],
)
def test_what_is_what_it_says_is_taken(graph, take, mime_type, content):
    graph.get(FACTS, json=facts(content, mime_type=mime_type))
    graph.get(LINK, body=content)
    assert take("document").mime_type == mime_type.partition(";")[0]


# ── Over real sockets ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def host(settings) -> Iterator[Callable[..., str]]:
    """A host that answers a download with these pieces, and is where our calls go to: it may see the token."""
    pieces: list[Any] = []
    headers: list[tuple[str, str]] = []

    def application(environ, start_response):
        start_response("200 OK", headers)
        for piece in pieces:
            if isinstance(piece, float):
                time.sleep(piece)
            else:
                yield piece

    with serve(application) as url:
        settings.META_GRAPH_API_URL = f"{url}/graph"

        def answer(*given: bytes | float, length: int | None = None) -> str:
            pieces[:], headers[:] = given, [("Content-Length", str(length))] if length is not None else []
            return f"{url}/media/4004?hash=SIGNED"

        yield answer


def test_more_than_the_limit_is_never_read_on(host, kept):
    into = io.BytesIO()
    link = host(*[b"x" * 1000] * 100_000)
    with pytest.raises(MediaRefused, match="more than 150000 bytes"):
        GraphClient(TOKEN, kept.append).download(link, into, 150_000)
    assert len(into.getvalue()) <= 150_000
    assert "SIGNED" not in str(kept)


def test_an_answer_that_ends_before_its_end_may_come_later(host):
    with pytest.raises(GraphUnavailable, match="whole"):
        GraphClient(TOKEN).download(host(b"half", length=8), io.BytesIO(), 100)


def test_an_answer_that_trickles_for_ever_is_given_up(host, monkeypatch):
    monkeypatch.setattr("whatsapp.client.downloads.DEADLINE_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(GraphUnavailable, match="in time"):
        GraphClient(TOKEN).download(host(*[b"x", 0.05] * 200), io.BytesIO(), 1000)
    assert time.monotonic() - started < 3


def test_an_answer_that_stops_in_the_middle_is_given_up(host, settings):
    settings.META_TIMEOUT_SECONDS = 0.3
    with pytest.raises(GraphUnavailable, match="ReadTimeout"):
        GraphClient(TOKEN).download(host(b"x", 2.0, b"x"), io.BytesIO(), 1000)


def test_a_full_disk_is_not_metas_fault(host):
    class FullDisk(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        GraphClient(TOKEN).download(host(b"x" * 10), FullDisk(), 1000)


def test_another_port_of_our_own_host_is_foreign(host):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(MediaRefused):
            GraphClient(TOKEN).download(f"http://127.0.0.1:{listener.getsockname()[1]}/x", io.BytesIO(), 10)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has knocked
            listener.accept()
