"""Takes the secrets and the customers' words out of what is kept of an exchange with Meta.

Knows Meta's parameter names; nothing of where the rest is kept.
"""

import re
from typing import Any

SECRETS = frozenset(
    (
        "access_token",
        "appsecret_proof",
        "client_secret",
        "code",
        "fb_exchange_token",
        "input_token",
        "pin",
        "revoke_token",
        "verify_token",
    )
)
HIDDEN = "[redacted]"
# Meta repeats a malformed token in its message.
TOKEN = re.compile(r"EAA[A-Za-z0-9_\-.]{8,}")


def redact(value: Any) -> Any:
    """The same JSON without secrets; of a message's text and of a template's values only how much there is, for the
    message itself has them."""
    if isinstance(value, dict):
        return {key: _of_field(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [redact(inner) for inner in value]
    return without_tokens(value) if isinstance(value, str) else value


def without_tokens(text: str) -> str:
    """The text with anything that looks like an access token replaced."""
    return TOKEN.sub(HIDDEN, text)


def without_query(url: str) -> str:
    """The URL with its query replaced: in a link to media, that is the signature."""
    place, question_mark, _query = without_tokens(url).partition("?")
    return f"{place}?{HIDDEN}" if question_mark else place


def _of_field(key: str, value: Any) -> Any:
    # `code` is a secret as a parameter (text), Meta's error number in an answer, and within `language` a language.
    if key == "language" and isinstance(value, dict):
        return value
    if key == "parameters" and isinstance(value, list):
        return f"[{len(value)} values]"
    if key in SECRETS and isinstance(value, str):
        return HIDDEN
    if key == "body" and isinstance(value, str):
        return f"[{len(value)} characters]"
    if key == "url" and isinstance(value, str):
        return without_query(value)
    return redact(value)
