"""The media that customers have on their make-believe phones: small, and real of their kind.

Knows nothing of ids, of addresses or of who may see them.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """One file, and the type of message it comes in."""

    file_name: str
    type: str
    mime_type: str

    @cached_property
    def content(self) -> bytes:
        """Its bytes."""
        return (FOLDER / self.file_name).read_bytes()


# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
SAMPLES = {
    "image": Sample("photo.jpg", "image", "image/jpeg"),
    "video": Sample("clip.mp4", "video", "video/mp4"),
    "audio": Sample("song.mp3", "audio", "audio/mpeg"),
    "voice": Sample("voice.ogg", "audio", "audio/ogg; codecs=opus"),
    "document": Sample("order.pdf", "document", "application/pdf"),
    "sticker": Sample("sticker.webp", "sticker", "image/webp"),
}


def sha256(content: bytes) -> str:
    """As webhooks spell it: base64."""
    return b64encode(hashlib.sha256(content).digest()).decode()
