"""Tokens and codes that say whom they are for and are signed, so that a restart forgets none of them.

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
    text = base64.urlsafe_b64encode(json.dumps(facts, sort_keys=True).encode()).decode().rstrip("=")
    return f"{prefix}{text}{_signature(prefix + text, secret)}"


def unseal(prefix: str, word: str, secret: str) -> Json | None:
    """The facts again, or nothing when we did not write the word."""
    head, signature = word[:-SIGNATURE_LENGTH], word[-SIGNATURE_LENGTH:]
    if not head.startswith(prefix) or not hmac.compare_digest(signature.encode(), _signature(head, secret).encode()):
        return None
    text = head.removeprefix(prefix)
    return _facts(text + "=" * (-len(text) % 4))


def _facts(text: str) -> Json | None:
    try:
        facts = json.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def _signature(head: str, secret: str) -> str:
    return hmac.new(secret.encode(), head.encode(), hashlib.sha256).hexdigest()[:SIGNATURE_LENGTH]
