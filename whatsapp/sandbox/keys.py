"""Words that carry signed facts: tokens and codes, which no restart forgets, and Meta's signed requests.

Knows nothing of what they open.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

Json = dict[str, Any]
SIGNATURE_LENGTH = 32


def seal(prefix: str, facts: Json, secret: str) -> str:
    """Facts as one opaque word; the same facts give the same word."""
    text = _unpadded(json.dumps(facts, sort_keys=True).encode())
    return f"{prefix}{text}{_signature(prefix + text, secret)}"


def unseal(prefix: str, word: str, secret: str) -> Json | None:
    """The facts again, or nothing when we did not write the word."""
    head, signature = word[:-SIGNATURE_LENGTH], word[-SIGNATURE_LENGTH:]
    if not head.startswith(prefix) or not hmac.compare_digest(signature.encode(), _signature(head, secret).encode()):
        return None
    text = head.removeprefix(prefix)
    return _facts(text + "=" * (-len(text) % 4))


def signed_request(payload: Json, secret: str) -> str:
    """What Meta posts when a person removes the app, or asks for their data to be deleted.

    https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback
    """
    text = _unpadded(json.dumps(payload, separators=(",", ":")).encode())
    return f"{_unpadded(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}.{text}"


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _facts(text: str) -> Json | None:
    try:
        facts = json.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def _signature(head: str, secret: str) -> str:
    return hmac.new(secret.encode(), head.encode(), hashlib.sha256).hexdigest()[:SIGNATURE_LENGTH]
