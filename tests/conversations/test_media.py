"""Customers' media: fetched while Meta keeps them, kept once per tenant, forgotten with their message."""

import hashlib
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone

from conversations.media import fetch_media, forget, purge_orphans, queue_fetch
from conversations.models import Attachment, MediaFile, Message
from tests.conftest import connect
from tests.conversations.conftest import fetch
from whatsapp.models import GraphExchange
from whatsapp.sandbox.samples import SAMPLES

pytestmark = pytest.mark.django_db(transaction=True)
PHOTO = SAMPLES["image"]
SHA256 = hashlib.sha256(PHOTO.content).hexdigest()


def try_to_fetch(attachment: Attachment) -> Attachment:
    """What passes is left to the queue."""
    with pytest.raises(Exception):  # noqa: B017, PT011  (whatever it is, the queue is told)
        fetch_media(str(attachment.pk))
    attachment.refresh_from_db()
    return attachment


def files(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def jobs() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'fetch_media' AND status = 'todo'")
        count: int = cursor.fetchone()[0]
    return count


# ── Fetching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", SAMPLES)
def test_whatever_a_customer_sends_is_stored(attached, kind):
    attachment = fetch(attached(kind))
    assert (attachment.status, attachment.tries, attachment.error) == ("stored", 1, "")
    assert attachment.file
    with attachment.file.open() as content:
        assert content.read() == SAMPLES[kind].content
    assert attachment.file.mime_type == SAMPLES[kind].mime_type.partition(";")[0]


def test_it_lies_under_its_tenant_and_its_hash(attached, media_stay_with_the_test, tenant):
    fetch(attached())
    assert files(media_stay_with_the_test) == [f"{tenant.pk}/{SHA256[:2]}/{SHA256}"]


def test_both_calls_are_kept_with_the_message_and_without_the_signature(attached):
    attachment = fetch(attached())
    kept = GraphExchange.objects.filter(message_id=attachment.message_id)
    assert sorted(kept.values_list("path", flat=True)) == [
        attachment.media_id,
        "lookaside.fbsbx.com/whatsapp_business/attachments/",
    ]
    assert "hash=" not in str(list(kept.values()))


def test_a_job_that_runs_again_fetches_nothing_again(attached, meta):
    attachment = fetch(attached())
    before = len(meta.timeline)
    assert fetch(attachment).tries == 1
    assert len(meta.timeline) == before


@pytest.mark.parametrize(
    ("failure", "status", "why"),
    [
        ("media_gone", "gone", "(100/33)"),
        ("media_foreign_host", "refused", "evil.example"),
        ("media_huge", "refused", "bytes"),
    ],
)
def test_what_will_never_come_is_ended_with_the_reason(attached, meta, failure, status, why):
    meta.fail_next(failure)
    attachment = fetch(attached())
    assert attachment.status == status
    assert why in attachment.error


def test_a_link_that_expires_on_the_way_is_asked_for_anew(attached, meta):
    meta.fail_next("media_expired")
    attachment = fetch(attached())
    assert (attachment.status, attachment.tries) == ("stored", 1)


@pytest.mark.parametrize("failure", ["media_broken", "html_500", "refused", "timeout_after_accept", 130429])
def test_what_may_pass_is_kept_and_tried_again(attached, meta, failure):
    meta.fail_next(failure)
    attachment = try_to_fetch(attached())
    assert (attachment.status, attachment.tries) == ("pending", 1)
    assert attachment.error
    assert fetch(attachment).status == "stored"
    assert (attachment.tries, attachment.error) == (2, "")


def test_the_queue_tries_until_it_is_stored(attached, meta, run_jobs):
    meta.fail_next("html_500", times=3)
    attachment = attached()
    queue_fetch([attachment])
    for _try in range(3):
        run_jobs(now=True)
        attachment.refresh_from_db()
        assert attachment.status == "pending"
        assert jobs() == 1
    run_jobs(now=True)
    attachment.refresh_from_db()
    assert (attachment.status, attachment.tries) == ("stored", 4)
    assert jobs() == 0


def test_after_seven_days_the_last_try_has_been_made(attached, meta):
    meta.fail_next("html_500")
    attachment = attached()
    Attachment.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    assert fetch(attachment).status == "gone"
    assert "not JSON" in attachment.error


def test_lost_access_is_noted_and_the_media_wait_for_it(attached, meta, connection):
    attachment = attached()
    meta.fail_next(190)
    assert try_to_fetch(attachment).status == "pending"
    connection.refresh_from_db()
    assert connection.status == "RECONNECT"
    before = len(meta.timeline)
    assert try_to_fetch(attachment).error == "The number is not connected."
    assert len(meta.timeline) == before
    connection.connected()
    assert fetch(attachment).status == "stored"


def test_a_full_disk_is_waited_for(attached, monkeypatch, media_stay_with_the_test):
    def full(self: FileSystemStorage, name: str, content: Any) -> str:
        """The disk is full in the middle of the file."""
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.read(10))
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "_save", full)
        attachment = try_to_fetch(attached())
    assert (attachment.status, attachment.error) == ("pending", "No space left on device")
    assert fetch(attachment).status == "stored"
    [name] = files(media_stay_with_the_test)
    assert (media_stay_with_the_test / name).read_bytes() == PHOTO.content


def test_what_a_dead_worker_left_half_written_is_written_again(attached, media_stay_with_the_test, tenant):
    name = f"{tenant.pk}/{SHA256[:2]}/{SHA256}"
    MediaFile.objects.create(tenant=tenant, sha256=SHA256, mime_type="image/jpeg", size=len(PHOTO.content), file=name)
    (media_stay_with_the_test / name).parent.mkdir(parents=True)
    (media_stay_with_the_test / name).write_bytes(PHOTO.content[:10])
    assert fetch(attached()).status == "stored"
    assert (media_stay_with_the_test / name).read_bytes() == PHOTO.content


def test_an_attachment_that_is_gone_meanwhile_harms_nothing(attached):
    attachment = attached()
    Attachment.objects.all().delete()
    fetch_media(str(attachment.pk))


def test_nothing_to_fetch_is_no_job():
    queue_fetch([])
    assert jobs() == 0


# ── Once per tenant ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_bytes_are_kept_once(attached, media_stay_with_the_test):
    first, second = fetch(attached()), fetch(attached())
    assert first.file == second.file
    assert len(files(media_stay_with_the_test)) == 1


def test_two_tenants_never_share(attached, meta, stranger, media_stay_with_the_test):
    ours, theirs = fetch(attached()), fetch(attached(number=connect(stranger, meta, 1)))
    assert ours.file
    assert theirs.file
    assert ours.file.sha256 == theirs.file.sha256
    assert ours.file.file.name != theirs.file.file.name
    assert len(files(media_stay_with_the_test)) == 2


def test_two_at_once_both_end_well(attached, media_stay_with_the_test):
    both = [attached(), attached()]

    def run(attachment: Attachment) -> None:
        fetch_media(str(attachment.pk))
        connections.close_all()

    threads = [threading.Thread(target=run, args=[attachment]) for attachment in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status for a in Attachment.objects.all()} == {"stored"}
    assert MediaFile.objects.count() == len(files(media_stay_with_the_test)) == 1


# ── Forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_bytes_go_with_the_last_message_that_had_them(attached, media_stay_with_the_test):
    first, second = fetch(attached()), fetch(attached())
    forget([first.message_id])
    assert len(files(media_stay_with_the_test)) == 1
    forget([second.message_id])
    assert files(media_stay_with_the_test) == []
    assert not MediaFile.objects.exists()
    assert not Attachment.objects.exists()


def test_one_tenants_forgetting_is_not_anothers(attached, meta, stranger):
    ours, theirs = fetch(attached()), fetch(attached(number=connect(stranger, meta, 1)))
    forget([ours.message_id])
    theirs.refresh_from_db()
    assert theirs.file
    with theirs.file.open() as content:
        assert content.read() == PHOTO.content


def test_a_rollback_forgets_nothing(attached):
    attachment = fetch(attached())
    with transaction.atomic():
        forget(Message.objects.all())
        transaction.set_rollback(True)
    attachment.refresh_from_db()
    assert attachment.file
    attachment.file.open().close()


def test_what_a_crash_left_behind_is_purged_later(attached, media_stay_with_the_test, settings, monkeypatch):
    kept, lost = fetch(attached()), fetch(attached("document"))
    lost.delete()
    assert purge_orphans() == 0  # its attachment may be about to come
    MediaFile.objects.update(created_at=timezone.now() - timedelta(hours=2))
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", lambda self, name: (_ for _ in ()).throw(OSError(5, "I/O error")))
        assert purge_orphans() == 0  # the storage does not answer
    assert purge_orphans() == 1
    assert [file.pk for file in MediaFile.objects.all()] == [kept.file_id]
    assert len(files(media_stay_with_the_test)) == 1


def test_who_erases_a_number_erases_its_media(attached, api, tenant, connection, run_jobs, media_stay_with_the_test):
    fetch(attached())
    assert len(files(media_stay_with_the_test)) == 1
    url = f"/v1/whatsapp/connections/{connection.pk}"
    assert api(tenant).delete(url, {"data": "erase"}, content_type="application/json").status_code == 200
    run_jobs()
    assert files(media_stay_with_the_test) == []
    assert not MediaFile.objects.exists()
