"""What the model is shown of customers' media, what is waited for, and what nobody hears."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from agent.ports import CannotTranscribe, Media, TranscriptionUnavailable
from agent.providers import get_transcriber
from conversations.media import cannot_hear, is_awaited, please_write, shown
from conversations.models import Attachment, MediaFile, Message, media_storage
from tests.conversations.conftest import fetch
from whatsapp.sandbox.samples import SAMPLES

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1024 * 1024


class Transcriber:
    """Makes the same words of everything, or fails as it is told."""

    trouble: Exception | None = None
    words = "¿Abrís hoy?"

    def transcribe(self, audio: bytes, mime_type: str, language: str) -> str:
        assert (audio, mime_type, language) == (SAMPLES["voice"].content, "audio/ogg", "es")
        if self.trouble:
            raise self.trouble
        return self.words


@pytest.fixture
def transcriber(settings, monkeypatch):
    settings.TRANSCRIPTION_PROVIDER = "tests.conversations.test_showing.Transcriber"
    get_transcriber.cache_clear()
    yield get_transcriber()
    get_transcriber.cache_clear()


@pytest.fixture
def stored(attached):
    """A message whose file of this type and size is stored."""

    def stored(mime_type: str = "image/jpeg", size: int = 10, **fields: object) -> Message:
        attachment = attached()
        number = MediaFile.objects.count()
        name = media_storage().save(f"{number}", ContentFile(bytes([number]) * size))
        file = MediaFile.objects.create(
            tenant=attachment.tenant, sha256=f"{number:064}", mime_type=mime_type, size=size, file=name
        )
        Attachment.objects.filter(pk=attachment.pk).update(file=file, status="stored")
        Message.objects.filter(pk=attachment.message_id).update(**fields)
        return Message.objects.get(pk=attachment.message_id)

    return stored


# ── Shown ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["image", "document", "sticker"])
def test_the_model_is_shown_what_it_can_look_at(attached, kind):
    attachment = fetch(attached(kind, filename="from Lucía"))
    sample = SAMPLES[kind]
    assert shown([attachment.message]) == {
        attachment.message_id: Media(sample.mime_type, sample.content, "from Lucía"),
    }


@pytest.mark.parametrize("kind", ["video", "audio", "voice"])
def test_everything_else_is_not_shown(attached, kind):
    assert shown([fetch(attached(kind)).message]) == {}


def test_what_is_not_there_yet_is_not_shown(attached):
    assert shown([attached().message]) == {}
    assert shown([]) == {}


@pytest.mark.parametrize("changes", [{"author": "business"}, {"author": "agent"}, {"revoked_at": timezone.now()}])
def test_only_what_the_customer_sent_and_did_not_take_back_is_shown(stored, changes):
    assert shown([stored(**changes)]) == {}


@pytest.mark.parametrize(
    ("mime_type", "size", "is_shown"),
    [
        ("image/png", 5 * MEGABYTE, True),
        ("image/png", 5 * MEGABYTE + 1, False),
        ("application/pdf", 10 * MEGABYTE, True),
        ("application/pdf", 10 * MEGABYTE + 1, False),
        ("image/heic", 10, False),
        ("text/plain", 10, False),
    ],
)
def test_how_much_of_what_is_shown(stored, mime_type, size, is_shown):
    assert bool(shown([stored(mime_type, size)])) is is_shown


def test_the_newest_five_are_shown(stored):
    messages = [stored() for _ in range(7)]
    assert list(shown(messages)) == [message.pk for message in reversed(messages[2:])]


def test_older_ones_are_shown_as_far_as_there_is_room(stored):
    small, large, larger, new = (stored("application/pdf", size * MEGABYTE) for size in (4, 7, 9, 2))
    assert list(shown([small, large, larger, new])) == [new.pk, larger.pk, small.pk]


def test_what_the_storage_does_not_give_is_not_shown(stored, media_stay_with_the_test: Path):
    gone, there = stored(), stored()
    (media_stay_with_the_test / "0").unlink()
    assert list(shown([gone, there])) == [there.pk]


# ── Awaited ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_waits_for_a_photo_but_not_for_ever(attached):
    attachment = attached()
    assert is_awaited([attachment.message])
    Attachment.objects.update(created_at=timezone.now() - timedelta(seconds=16))
    assert not is_awaited([attachment.message])


def test_an_answer_waits_for_the_first_try_only(attached, meta):
    attachment = attached()
    meta.fail_next("html_500")
    with pytest.raises(Exception, match="JSON"):
        fetch(attachment)
    assert not is_awaited([attachment.message])


def test_nobody_waits_for_what_has_come_or_cannot_be_shown(attached):
    assert not is_awaited([fetch(attached()).message])
    assert not is_awaited([attached("video").message, attached("voice").message])
    assert not is_awaited([])


def test_an_answer_waits_for_the_words_of_a_voice_note(attached, transcriber):
    attachment = attached("voice")
    assert is_awaited([attachment.message])
    fetch(attachment)
    assert not is_awaited([attachment.message])


# ── Heard ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_voice_note_is_transcribed(attached, transcriber):
    attachment = fetch(attached("voice"))
    assert (attachment.status, attachment.transcript) == ("stored", "¿Abrís hoy?")


def test_a_photo_is_not_transcribed(attached, transcriber):
    assert fetch(attached()).transcript == ""


@pytest.mark.parametrize(
    ("trouble", "words", "error"),
    [
        (CannotTranscribe("Only noise."), "", "No transcript: Only noise."),
        (None, " \0 ", "Nothing is said in it."),
    ],
)
def test_what_nobody_understands_is_stored_all_the_same(attached, transcriber, trouble, words, error):
    transcriber.trouble, transcriber.words = trouble, words
    attachment = fetch(attached("voice"))
    assert (attachment.status, attachment.transcript, attachment.error) == ("stored", "", error)
    assert not is_awaited([attachment.message])


def test_a_transcriber_that_is_away_is_asked_again_and_the_file_is_kept(attached, transcriber, meta):
    attachment = attached("voice")
    transcriber.trouble = TranscriptionUnavailable("Busy.")
    with pytest.raises(TranscriptionUnavailable):
        fetch(attachment)
    attachment.refresh_from_db()
    assert (attachment.status, attachment.error) == ("stored", "Busy.")
    before = len(meta.timeline)
    transcriber.trouble = None
    attachment = fetch(attachment)
    assert (attachment.transcript, attachment.error) == ("¿Abrís hoy?", "")
    assert len(meta.timeline) == before


def test_a_transcriber_that_stays_away_is_given_up_and_the_file_is_kept(attached, transcriber):
    attachment = attached("voice")
    Attachment.objects.update(created_at=timezone.now() - timedelta(days=8))
    transcriber.trouble = TranscriptionUnavailable("Busy.")
    assert fetch(attachment).status == "stored"


def test_voice_notes_alone_are_not_heard(attached):
    note, photo = attached("voice").message, attached().message
    assert cannot_hear([note])
    assert cannot_hear([note, attached("voice").message])
    assert not cannot_hear([note, photo])
    assert not cannot_hear([])


def test_a_voice_note_with_words_is_heard_whoever_made_them(attached):
    attachment = attached("voice", transcript="¿Abrís hoy?")
    assert not cannot_hear([attachment.message])


def test_with_a_transcriber_nothing_is_unheard(attached, transcriber):
    assert not cannot_hear([attached("voice").message])


def test_the_polite_reply_is_one_sentence_in_the_tenants_language():
    assert please_write("en") == "I cannot listen to voice messages here. Could you write it to me, please?"
