"""Where customers' media are kept: on a disk, or with anybody who speaks S3, and what the settings say of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.checks import run_checks

from conversations.media import forget, shown
from conversations.models import media_storage
from tests.conversations.conftest import fetch
from tests.fakes import serve
from whatsapp.sandbox.samples import SAMPLES

ROOT = Path(__file__).parent.parent.parent
BUCKET = "customers-media"
PHOTO = SAMPLES["image"]


class Bucket:
    """One bucket, as S3 answers for it: objects are put, read, asked about and deleted; `broken` says no to all."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.broken = False

    def __call__(self, environ, start_response) -> Iterator[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append((method, environ))
        status, content = ("403 Forbidden", b"") if self.broken else self._answer(method, path, body)
        start_response(status, [("Content-Length", str(len(content))), ("ETag", '"e"')])
        yield b"" if method == "HEAD" else content

    def _answer(self, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        key = path.removeprefix(f"/{BUCKET}/")
        match method:
            case "PUT":
                self.objects[key] = body
                return "200 OK", b""
            case "DELETE":
                self.objects.pop(key, None)
                return "204 No Content", b""
        return ("200 OK", self.objects[key]) if key in self.objects else ("404 Not Found", b"")


@pytest.fixture
def bucket(settings) -> Iterator[Bucket]:
    """Media are kept there, by the real client."""
    bucket = Bucket()
    with serve(bucket) as url:
        options: dict[str, Any] = settings.MEDIA_IN_S3["OPTIONS"]
        own = {
            "bucket_name": BUCKET,
            "endpoint_url": url,
            "addressing_style": "path",
            "region_name": "eu-central-1",
            "access_key": "AKIA",
            "secret_key": "secret",
        }
        storage = {**settings.MEDIA_IN_S3, "OPTIONS": options | own}
        settings.STORAGES = {**settings.STORAGES, "media": storage}
        yield bucket


@pytest.mark.django_db(transaction=True)
def test_media_are_kept_shown_and_served_from_a_bucket(attached, bucket, api, client):
    attachment = fetch(attached())
    assert attachment.file
    name = f"{attachment.tenant_id}/{attachment.file.sha256[:2]}/{attachment.file.sha256}"
    assert bucket.objects == {name: PHOTO.content}
    assert shown([attachment.message])[attachment.message_id].data == PHOTO.content
    url = f"/v1/conversations/{attachment.message.conversation_id}/messages"
    response = client.get(api(attachment.tenant).get(url).json()["data"][0]["media"]["url"])
    assert response.getvalue() == PHOTO.content
    response.close()


@pytest.mark.django_db(transaction=True)
def test_an_object_is_private_written_once_and_deleted_with_its_last_message(attached, bucket):
    first, second = fetch(attached()), fetch(attached())
    [put] = [headers for method, headers in bucket.asked if method == "PUT"]
    assert put["HTTP_AUTHORIZATION"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert "HTTP_X_AMZ_ACL" not in put
    forget([first.message_id])
    assert len(bucket.objects) == 1
    forget([second.message_id])
    assert bucket.objects == {}


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_says_no_is_tried_again_and_nothing_is_shown_meanwhile(attached, bucket):
    attachment = attached()
    bucket.broken = True
    with pytest.raises(ClientError):
        fetch(attachment)
    attachment.refresh_from_db()
    assert (attachment.status, attachment.error) == ("pending", "ClientError")
    bucket.broken = False
    attachment = fetch(attachment)
    assert attachment.status == "stored"
    bucket.broken = True
    assert shown([attachment.message]) == {}


@pytest.mark.django_db(transaction=True)
def test_an_object_that_somebody_deleted_is_404(attached, bucket, api, client):
    attachment = fetch(attached())
    url = f"/v1/conversations/{attachment.message.conversation_id}/messages"
    link = api(attachment.tenant).get(url).json()["data"][0]["media"]["url"]
    bucket.objects.clear()
    assert client.get(link).status_code == 404


def storage_with(**variables: str) -> str:
    """What the settings make of these variables, and whether boto3 has been imported once Django is ready."""
    program = (
        "import sys, django; django.setup(); from django.conf import settings; media = settings.STORAGES['media'];"
        "print(media['BACKEND'], media['OPTIONS'].get('bucket_name'), media['OPTIONS'].get('addressing_style'),"
        "'boto3' in sys.modules or 'storages' in sys.modules)"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"} | variables
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_settings_choose_between_the_disk_and_the_bucket_which_alone_costs_its_import():
    assert storage_with() == "django.core.files.storage.FileSystemStorage None None False"
    assert storage_with(MEDIA_S3_BUCKET="b") == "storages.backends.s3.S3Storage b None True"
    own = storage_with(MEDIA_S3_BUCKET="b", MEDIA_S3_ENDPOINT_URL="https://s3.example")
    assert own == "storages.backends.s3.S3Storage b path True"


@pytest.mark.parametrize(
    ("given", "id_"),
    [
        ({"MEDIA_S3_REGION": "eu-central-1"}, "conversations.E001"),
        ({"MEDIA_S3_ACCESS_KEY_ID": "a", "MEDIA_S3_SECRET_ACCESS_KEY": "b"}, "conversations.E001"),
        ({"MEDIA_S3_BUCKET": "b", "MEDIA_S3_ACCESS_KEY_ID": "a"}, "conversations.E002"),
        ({"MEDIA_S3_BUCKET": "b", "MEDIA_S3_SECRET_ACCESS_KEY": "b"}, "conversations.E002"),
    ],
)
def test_a_half_set_bucket_is_an_error(settings, given, id_):
    for name, value in given.items():
        setattr(settings, name, value)
    assert id_ in {message.id for message in run_checks()}


@pytest.mark.parametrize("given", [{}, {"MEDIA_S3_BUCKET": "b"}, {"MEDIA_S3_BUCKET": "b", "MEDIA_S3_REGION": "r"}])
def test_a_whole_one_or_none_is_not(settings, given):
    for name, value in given.items():
        setattr(settings, name, value)
    assert not [message for message in run_checks() if str(message.id).startswith("conversations.")]


def test_a_place_that_cannot_be_written_to_is_a_warning_before_a_deployment(settings, tmp_path: Path):
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = str(tmp_path / "file" / "media")
    assert "conversations.W001" not in {message.id for message in run_checks()}
    assert "conversations.W001" in {message.id for message in run_checks(include_deployment_checks=True)}
    settings.MEDIA_ROOT = str(tmp_path / "not" / "yet" / "there")
    assert "conversations.W001" not in {message.id for message in run_checks(include_deployment_checks=True)}


@pytest.mark.django_db(transaction=True)
def test_files_on_the_disk_are_for_us_alone(attached, settings, tmp_path: Path):
    options = settings.MEDIA_ON_DISK["OPTIONS"] | {"location": str(tmp_path)}
    settings.STORAGES = {**settings.STORAGES, "media": {**settings.MEDIA_ON_DISK, "OPTIONS": options}}
    path = Path(media_storage().path(str(fetch(attached()).file.file)))  # type: ignore[union-attr]
    assert path.stat().st_mode & 0o007 == path.parent.stat().st_mode & 0o007 == 0
