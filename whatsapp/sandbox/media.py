"""The Graph calls about a file that somebody sent: where it is, its bytes, away with it.

Knows nothing of how it was sent.
"""

import secrets
from urllib.parse import urlencode

from whatsapp.sandbox import grants
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.calls import Call, File, Json
from whatsapp.sandbox.keys import seal, unseal
from whatsapp.sandbox.memory import Message
from whatsapp.sandbox.refusals import Refusal, not_visible
from whatsapp.sandbox.samples import SAMPLES, sha256

# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
ID_LIVES = 7 * 24 * 3600
URL_LIVES = 5 * 60
DOWNLOADS = "whatsapp_business/attachments"
FOREIGN_HOST = "https://evil.example"
HUGE = 6 * 1024 * 1024  # over the limit for an image


def get_media(call: Call, business: Business) -> Json:
    """Where the file is, for five minutes.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
    """
    media_id, message = _found(call)
    if call.params.get("phone_number_id", message.phone_number_id) != message.phone_number_id:
        raise not_visible(call.method, media_id)
    content = _content(message.kind, str(call.failure))
    return {
        "messaging_product": "whatsapp",
        "url": _address(call, media_id),
        "mime_type": SAMPLES[message.kind].mime_type,
        "sha256": sha256(content),
        "file_size": str(len(content)),
        "id": media_id,
    }


def delete_media(call: Call, business: Business) -> Json:
    """Nobody gets it any more."""
    media_id, _ = _found(call)
    call.memory.record("media_deleted", media_id=media_id)
    return {"success": True}


def download(call: Call) -> File:
    """The bytes, for whoever has the address and a token that may see the number; 404 when the address is too old."""
    grant = grants.open_token(call.app, call.memory, call.bearer)
    facts = unseal("AT", str(call.params.get("hash", "")), call.app.app_secret) or {"media_id": "", "expires": 0}
    message = call.memory.message_of(facts["media_id"])
    if not message or facts["expires"] < call.memory.clock() or facts["fate"] == "media_expired":
        raise Refusal(100, message="This address is not valid, or not any more.", status=404)
    if message.phone_number_id not in {line.phone_number_id for line in grant.lines}:
        raise Refusal(190)
    content = _content(message.kind, facts["fate"])
    broken = content[:-1] + bytes([content[-1] ^ 1])
    return File(broken if facts["fate"] == "media_broken" else content, SAMPLES[message.kind].mime_type)


def _found(call: Call) -> tuple[str, Message]:
    media_id = call.path
    message = call.memory.message_of(media_id)
    if not message or call.memory.clock() > message.at + ID_LIVES or call.failure == "media_gone":
        raise not_visible(call.method, media_id)
    return media_id, message


def _content(kind: str, fate: str) -> bytes:
    content = SAMPLES[kind].content
    return content.ljust(HUGE, b"\0") if fate == "media_huge" else content


def _address(call: Call, media_id: str) -> str:
    host = FOREIGN_HOST if call.failure == "media_foreign_host" else call.media_url
    expires = int(call.memory.clock()) + URL_LIVES
    # What is wrong with the file (`failures.MEDIA`) is known when it is asked for, and happens when it is downloaded.
    facts = {"media_id": media_id, "expires": expires, "fate": str(call.failure), "nonce": secrets.token_hex(4)}
    query = {"mid": media_id, "source": "getMedia", "ext": expires, "hash": seal("AT", facts, call.app.app_secret)}
    return f"{host}/{DOWNLOADS}/?{urlencode(query)}"
