"""Media for tenants and staff: by a signed link, for a few minutes, and nothing in it runs."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.signing import TimestampSigner
from django.utils import timezone

from conversations.media import forget
from conversations.models import Attachment, Conversation, MediaFile
from tests.conversations.conftest import fetch
from whatsapp.sandbox.samples import SAMPLES

pytestmark = pytest.mark.django_db(transaction=True)
PHOTO = SAMPLES["image"]


@pytest.fixture
def media_of(api):
    """The newest message's media, as its tenant reads it."""

    def media_of(attachment: Attachment) -> dict[str, str]:
        url = f"/v1/conversations/{attachment.message.conversation_id}/messages"
        found: dict[str, str] = api(attachment.tenant).get(url).json()["data"][0]["media"]
        return found

    return media_of


@pytest.fixture
def link(attached, media_of):
    """A link to a stored file that says of itself what is given."""

    def link(kind: str = "image", filename: str = "", mime_type: str = "") -> str:
        attachment = fetch(attached(kind, filename=filename))
        if mime_type:
            MediaFile.objects.update(mime_type=mime_type)
        url: str = media_of(attachment)["url"]
        return url

    return link


@pytest.fixture
def opened(link, client):
    """The answer to such a link, read to its end."""

    def opened(*args: str, headers: dict[str, str] | None = None, **kwargs: str):
        response = client.get(link(*args, **kwargs), headers=headers)
        response.body = response.getvalue()
        response.close()
        return response

    return opened


def test_a_message_says_what_came_with_it(attached, media_of):
    attachment = fetch(attached("document", filename="pedido.pdf"))
    media = media_of(attachment)
    assert media.pop("url").startswith("http://testserver/v1/media/")
    assert media.pop("url_expires_at").endswith("Z")
    assert attachment.file
    assert media == {
        "id": str(attachment.pk),
        "status": "stored",
        "mime_type": "application/pdf",
        "filename": "pedido.pdf",
        "size": len(SAMPLES["document"].content),
        "sha256": attachment.file.sha256,
        "transcript": "",
        "error": "",
    }


def test_what_has_not_come_has_no_link(attached, media_of, meta):
    media = media_of(attached())
    assert (media["status"], media["url"], media["url_expires_at"], media["size"]) == ("pending", None, None, None)
    meta.fail_next("media_gone")
    media = media_of(fetch(attached()))
    assert (media["status"], media["url"]) == ("gone", None)
    assert "(100/33)" in media["error"]


def test_a_message_without_media_has_none(conversation, api):
    [message] = api(conversation.tenant).get(f"/v1/conversations/{conversation.pk}/messages").json()["data"]
    assert message["media"] is None


def test_the_stranger_reads_nothing_of_it(attached, stranger, api):
    attachment = fetch(attached())
    url = f"/v1/conversations/{attachment.message.conversation_id}/messages"
    assert api(stranger).get(url).status_code == 404


def test_media_cost_no_query_each(attached, api, tenant, django_assert_max_num_queries):
    for _ in range(5):
        fetch(attached())
    client, url = api(tenant), f"/v1/conversations/{Conversation.objects.get().pk}/messages"
    client.get(url)
    with django_assert_max_num_queries(3):
        assert len(client.get(url).json()["data"]) == 5


def test_the_link_gives_the_file_to_whoever_has_it(opened):
    response = opened()
    assert response.status_code == 200
    assert response.body == PHOTO.content
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["Content-Length"] == str(len(PHOTO.content))
    assert response.headers["Content-Disposition"].startswith("inline; filename=")


def test_nothing_in_it_runs_and_nobody_else_keeps_it(opened):
    response = opened()
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, max-age=300"
    assert response.headers["X-Frame-Options"] == "DENY"


def test_head_says_the_same_without_the_file(link, client):
    url = link()
    head, get = client.head(url), client.get(url)
    get.close()
    assert head.content == b""
    assert head.status_code == 200
    for name in ("Content-Type", "Content-Length", "Content-Disposition", "Cache-Control", "Content-Security-Policy"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("accept", ["image/png", "text/html", "*/*", "image/avif,image/webp,*/*;q=0.8"])
def test_whatever_a_browser_would_rather_have(opened, accept):
    assert opened(headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    "mime_type",
    ["text/html", "image/svg+xml", "text/plain", "image/heic", "application/msword", "application/xhtml+xml"],
)
def test_what_a_browser_could_run_is_only_saved(opened, mime_type):
    headers = opened(mime_type=mime_type).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("filename", "disposition"),
    [
        ("menú del día.pdf", "inline; filename*=utf-8''men%C3%BA%20del%20d%C3%ADa.pdf"),
        ('a"; x="b.pdf', 'inline; filename="a_; x=_b.pdf"'),
        ("../../etc/passwd", 'inline; filename=".._.._etc_passwd"'),
        ("a\r\nSet-Cookie: x=1.pdf", 'inline; filename="a__Set-Cookie: x=1.pdf"'),
        ("invoice\u202efdp.exe", 'inline; filename="invoice_fdp.exe"'),
    ],
)
def test_a_filename_harms_nobody(opened, filename, disposition):
    assert opened("document", filename=filename).headers["Content-Disposition"] == disposition


def test_a_file_without_a_name_is_given_one(opened):
    assert opened().headers["Content-Disposition"].endswith('.jpg"')


def test_an_expired_link_says_so(link, client):
    with time_machine.travel(timezone.now() - timedelta(seconds=301)):
        url = link()
    response = client.get(url)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "link_expired"
    assert "expired" in response.json()["detail"]


@pytest.mark.parametrize(
    "change", [lambda url: url[:-1], lambda url: url.replace("/media/", "/media/0"), lambda url: url + "A"]
)
def test_an_altered_link_is_no_link(link, client, change):
    response = client.get(change(link()))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("salt", ["media", "something else"])
def test_a_signature_for_nothing_or_for_something_else_is_no_link(client, salt):
    token = TimestampSigner(salt=salt).sign(uuid4().hex)
    assert client.get(f"/v1/media/{token}").json()["code"] == "not_found"


def test_what_is_not_stored_cannot_be_fetched_with_a_good_signature(attached, client):
    token = TimestampSigner(salt="media").sign(attached().pk.hex)
    assert client.get(f"/v1/media/{token}").status_code == 404


def test_a_link_ends_with_the_message(link, client):
    url = link()
    forget([Attachment.objects.get().message_id])
    assert client.get(url).status_code == 404


def test_a_file_that_the_storage_has_lost_is_404(link, client, media_stay_with_the_test):
    url = link()
    for path in media_stay_with_the_test.rglob("*"):
        if path.is_file():
            path.unlink()
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=10-99999999", slice(10, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_a_player_is_given_the_part_it_asks_for(opened, wanted, part):
    response = opened("voice", headers={"Range": wanted})
    content = SAMPLES["voice"].content
    first = part.indices(len(content))[0]
    assert (response.status_code, response.body) == (206, content[part])
    assert response.headers["Content-Length"] == str(len(content[part]))
    assert response.headers["Content-Range"] == f"bytes {first}-{first + len(content[part]) - 1}/{len(content)}"
    assert response.headers["Content-Type"] == "audio/ogg"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=9-3", "bytes=-0"])
def test_a_part_that_there_is_not_is_416(opened, wanted):
    response = opened(headers={"Range": wanted})
    assert (response.status_code, response.body) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{len(PHOTO.content)}"


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=1"])
def test_what_is_asked_for_otherwise_is_the_whole(opened, wanted):
    response = opened(headers={"Range": wanted})
    assert (response.status_code, response.body) == (200, PHOTO.content)


def test_it_cannot_be_written_to(link, client):
    assert client.post(link()).status_code == 405
