"""What the model is shown of the media, whether it is worth waiting for, and what we say to what nobody hears.

Knows what a model can look at; nothing of how the media came here.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext

from agent.ports import Media
from agent.providers import get_transcriber
from conversations.media import transcription
from conversations.models import Attachment, MediaFile, Message
from whatsapp.media import MEGABYTE, plain_type

logger = logging.getLogger(__name__)

# How long an answer waits at most for what it is about.
PATIENCE = timedelta(seconds=15)
# https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support: at most so much of each.
LARGEST = {
    "image/jpeg": 5 * MEGABYTE,
    "image/png": 5 * MEGABYTE,
    "image/gif": 5 * MEGABYTE,
    "image/webp": 5 * MEGABYTE,
    "application/pdf": 10 * MEGABYTE,
}
MOST = 5
TOGETHER = 15 * MEGABYTE  # a request may have 32 MB, and base64 adds a third


def is_awaited(messages: Sequence[Message]) -> bool:
    """Whether something that the model could be shown is on its way for the first time, and not for too long yet."""
    if _are_words(messages):
        return False
    young = Attachment.objects.filter(
        message__in=[message.pk for message in messages], created_at__gt=timezone.now() - PATIENCE, error=""
    )
    return any(_is_on_its_way(attachment) for attachment in young.select_related("message"))


def _are_words(messages: Sequence[Message]) -> bool:
    """Nothing but texts, as most of the time: there is nothing to look for then."""
    return all(message.type == "text" for message in messages)


def _is_on_its_way(attachment: Attachment) -> bool:
    if attachment.message.type == "audio":
        return transcription.is_due(attachment)
    is_useful = not attachment.mime_type or plain_type(attachment.mime_type) in LARGEST
    return attachment.status == Attachment.Status.PENDING and is_useful


def shown(messages: Sequence[Message]) -> dict[UUID, Media]:
    """The images and PDFs that the customer sent with these messages, by message: the newest, as far as there is room.

    What cannot be read from the storage is not shown.
    """
    attachments = {} if _are_words(messages) else _showable(messages)
    media: dict[UUID, Media] = {}
    room = TOGETHER
    for message in sorted(messages, key=lambda m: (m.said_at, m.sequence), reverse=True):
        attachment = attachments.get(message.pk)
        if attachment is None or attachment.file is None or attachment.file.size > room or len(media) == MOST:
            continue
        data = _read(attachment.file)
        if data:
            media[message.pk] = Media(attachment.file.mime_type, data, attachment.filename)
            room -= len(data)
    return media


def _showable(messages: Sequence[Message]) -> dict[UUID, Attachment]:
    theirs = [m.pk for m in messages if m.author == Message.Author.CUSTOMER and m.revoked_at is None]
    found = Attachment.objects.select_related("file").filter(message__in=theirs, status=Attachment.Status.STORED)
    return {a.message_id: a for a in found if a.file and a.file.size <= LARGEST.get(a.file.mime_type, 0)}


def _read(file: MediaFile) -> bytes:
    """Nothing when the storage does not give it: each storage has errors of its own."""
    try:
        with file.open() as content:
            data: bytes = content.read()
    except Exception:
        logger.exception("media file %s cannot be read, and is not shown to the model", file.pk)
        return b""
    return data


def cannot_hear(messages: Sequence[Message]) -> bool:
    """Whether they are voice notes, all of them, and nobody here can make words of any."""
    if not messages or get_transcriber() is not None or not all(_is_voice_note(message) for message in messages):
        return False
    heard = Attachment.objects.filter(message__in=[message.pk for message in messages]).exclude(transcript="")
    return not heard.exists()


def _is_voice_note(message: Message) -> bool:
    return message.type == "audio" and bool(message.content.get("voice", True))


def please_write(language: str) -> str:
    """What is said to a voice note that nobody hears."""
    with translation.override(language):
        return gettext("I cannot listen to voice messages here. Could you write it to me, please?")
