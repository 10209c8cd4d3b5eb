"""The words of a voice note, when there is somebody who can make them out.

Knows the port; nothing of how the recording came here. Without a transcriber every recording stays unheard.
"""

import logging

from django.db import close_old_connections

from agent.ports import CannotTranscribe
from agent.providers import get_transcriber
from conversations.models import Attachment

logger = logging.getLogger(__name__)


def is_due(attachment: Attachment) -> bool:
    """Whether it is a recording whose words may still come."""
    return attachment.message.type == "audio" and not attachment.transcript and get_transcriber() is not None


def transcribe(attachment: Attachment) -> None:
    """Keeps what is said in it, or why nobody can tell. Raises TranscriptionUnavailable, or what the storage raises."""
    transcriber = get_transcriber()
    if transcriber is None or attachment.file is None:
        return
    with attachment.file.open() as recording:
        audio = recording.read()
    close_old_connections()  # it takes seconds; the database connection goes back to the pool meanwhile
    try:
        said = transcriber.transcribe(audio, attachment.file.mime_type, attachment.tenant.language)
        said = said.replace("\0", "").strip()
        error = "" if said else "Nothing is said in it."
    except CannotTranscribe as reason:
        logger.info("attachment %s has no transcript: %s", attachment.pk, reason)
        said, error = "", f"No transcript: {reason}"
    Attachment.objects.filter(pk=attachment.pk).update(transcript=said, error=error[:500])
