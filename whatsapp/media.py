"""Fetches a customer's media from Meta, and takes only what it says it is.

Knows Meta's types and limits; nothing of where the bytes are kept, or of who is to see them.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import IO

from whatsapp.client import GraphClient, MediaFacts
from whatsapp.errors import GraphError, GraphUnavailable, LinkExpired, MediaGone, MediaRefused

MEGABYTE = 1024 * 1024
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
# By the type of the message: a photograph that is sent as a document may be as large as a document.
LIMITS = {
    "audio": 16 * MEGABYTE,
    "image": 5 * MEGABYTE,
    "video": 16 * MEGABYTE,
    "sticker": 500 * 1024,
    "document": 100 * MEGABYTE,
}
# Meta's own list, and below it what people send as documents all the same. Nothing that runs or holds other files:
# no programs, no HTML or SVG, no macros, no archives.
TYPES = frozenset(
    {
        "audio/aac",
        "audio/amr",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/3gpp",
        "video/mp4",
        "text/plain",
        "application/pdf",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/rtf",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.text",
        "audio/opus",
        "audio/wav",
        "audio/x-m4a",
        "audio/x-wav",
        "image/gif",
        "image/heic",
        "image/heif",
        "image/tiff",
        "text/csv",
        "text/vcard",
        "text/x-vcard",
        "video/quicktime",
    }
)
# How a file of this type begins; other programs than ours will believe the type.
BEGINNINGS = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "application/pdf": re.compile(rb".{0,1019}%PDF-", re.DOTALL),  # readers look for it in the first 1024 bytes
}
BEGINNING = 1024
# "Does not exist, or you may not see it." Meta says not to rely on the subcode, which would be 33.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
GONE = frozenset((33, 100, 803, 131052))


@dataclass(frozen=True)
class Fetched:
    """What has come, and is what it says it is."""

    mime_type: str
    size: int
    sha256: str


def fetch(client: GraphClient, media_id: str, phone_number_id: str, kind: str, into: IO[bytes]) -> Fetched:
    """Writes the media of a message of this type (`kind`, Meta's word) into the file, which is empty.

    Raises MediaRefused or MediaGone when it will never come, AccessTokenRejected when the tenant must reconnect
    first, any other GraphError when it may come later.
    """
    facts = _facts(client, media_id, phone_number_id)
    mime_type, limit = _checked(facts, kind)
    try:
        client.download(facts.url, into, limit)
    except LinkExpired:
        facts = _facts(client, media_id, phone_number_id)
        into.seek(0)
        into.truncate()
        client.download(facts.url, into, limit)
    fetched = _measured(into, mime_type)
    _compare(fetched, facts)
    _look_at_beginning(into, mime_type)
    return fetched


def plain_type(mime_type: str) -> str:
    """Without its parameters: `audio/ogg; codecs=opus` is an `audio/ogg`."""
    return mime_type.partition(";")[0].strip().lower()


def _facts(client: GraphClient, media_id: str, phone_number_id: str) -> MediaFacts:
    try:
        return client.media(media_id, phone_number_id)
    except GraphError as error:
        if type(error) is GraphError and error.code in GONE:
            raise MediaGone(error.detail, code=error.code, subcode=error.subcode, trace_id=error.trace_id) from error
        raise


def _checked(facts: MediaFacts, kind: str) -> tuple[str, int]:
    """The type, and how much of it we take at most."""
    mime_type, limit = plain_type(facts.mime_type), LIMITS.get(kind, LIMITS["document"])
    if mime_type not in TYPES:
        raise MediaRefused(f"We do not take files of the type {mime_type[:100] or 'that nobody has named'}.")
    if facts.size is not None and facts.size > limit:
        raise MediaRefused(f"The media has {facts.size} bytes; of this kind we take {limit}.")
    return mime_type, limit


def _measured(content: IO[bytes], mime_type: str) -> Fetched:
    digest = hashlib.sha256()
    content.seek(0)
    while chunk := content.read(MEGABYTE):
        digest.update(chunk)
    return Fetched(mime_type, content.tell(), digest.hexdigest())


def _compare(fetched: Fetched, facts: MediaFacts) -> None:
    """What differs from what Meta announced may have been damaged on its way, and come whole the next time."""
    if facts.size is not None and facts.size != fetched.size:
        raise GraphUnavailable(f"Meta announced {facts.size} bytes, and {fetched.size} came.")
    if facts.sha256 and facts.sha256 != fetched.sha256:
        raise GraphUnavailable("What came has another SHA-256 than Meta announced.")


def _look_at_beginning(content: IO[bytes], mime_type: str) -> None:
    content.seek(0)
    beginning = BEGINNINGS.get(mime_type)
    if beginning and not beginning.match(content.read(BEGINNING)):
        raise MediaRefused(f"What came is no {mime_type}.")
