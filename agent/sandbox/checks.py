"""What the Messages API refuses, before any model has seen it. Pure Python."""

import base64
import binascii
from typing import Any

Json = dict[str, Any]
GONE_SINCE = "2026-10-21"  # https://platform.claude.com/docs/en/api/versioning: no sampling parameters from here on
GONE = ("temperature", "top_p", "top_k")
# https://platform.claude.com/docs/en/api/errors
ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    404: ("not_found_error", "Not found"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}
# https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support
MEDIA_TYPES = {
    "image": {"image/jpeg", "image/png", "image/gif", "image/webp"},
    "document": {"application/pdf"},
}


class WrongRequest(Exception):
    """The request is refused: its status, and a sentence for the developer."""

    def __init__(self, status: int, message: str = "") -> None:
        """The table has a sentence for those who bring none."""
        super().__init__(message or ERRORS[status][1])
        self.status = status


def check_door(method: str, path: str, headers: dict[str, str]) -> None:
    """Raises WrongRequest for another address than that of messages, and for who does not show a key."""
    if (method, path) != ("POST", "/v1/messages"):
        raise WrongRequest(404)
    # The SDK sends its key as a bearer token: https://platform.claude.com/docs/en/api/overview#authentication
    if not headers.get("x-api-key") and not headers.get("authorization", "").removeprefix("Bearer "):
        raise WrongRequest(401, "x-api-key header is required")
    if not headers.get("anthropic-version"):
        raise WrongRequest(400, "anthropic-version: header is required")


def check(version: str, body: Json) -> None:
    """Raises WrongRequest for what https://platform.claude.com/docs/en/api/messages does not allow."""
    for name in ("model", "max_tokens", "messages"):
        if not body.get(name):
            raise WrongRequest(400, f"{name}: Field required")
    for name in GONE:
        if name in body and version >= GONE_SINCE:
            raise WrongRequest(400, f"{name}: Extra inputs are not permitted")
    roles = [message.get("role") for message in body["messages"]]
    if unknown := set(roles) - {"user", "assistant", "system"}:
        raise WrongRequest(400, f"messages: unexpected role {sorted(map(str, unknown))}")
    if roles[0] != "user":
        raise WrongRequest(400, "messages: first message must use the user role")
    for number, message in enumerate(body["messages"]):
        _check_content(f"messages.{number}.content", message)


def _check_content(where: str, message: Json) -> None:
    blocks = blocks_of(message)
    if not blocks:
        raise WrongRequest(400, f"{where}: text content blocks must be non-empty")
    for number, block in enumerate(blocks):
        kind = block.get("type")
        if kind == "text":
            if not block.get("text"):
                raise WrongRequest(400, f"{where}: text content blocks must be non-empty")
        elif kind not in MEDIA_TYPES or message["role"] != "user":
            raise WrongRequest(
                400, f"{where}.{number}: {kind!r} blocks are not permitted in {message['role']!r} messages"
            )
        else:
            _check_source(f"{where}.{number}.{kind}.source", block.get("source"), MEDIA_TYPES[kind])


def _check_source(where: str, source: Any, known: set[str]) -> None:
    if not isinstance(source, dict) or source.get("type") != "base64":
        raise WrongRequest(400, f"{where}: only base64 is known here")
    if source.get("media_type") not in known:
        raise WrongRequest(400, f"{where}.base64.media_type: Input should be one of {sorted(known)}")
    try:
        data = base64.b64decode(str(source.get("data") or ""), validate=True)
    except binascii.Error:
        data = b""
    if not data:
        raise WrongRequest(400, f"{where}.base64.data: Invalid base64 data")


def blocks_of(message: Json) -> list[Json]:
    """The content of a message; a bare string is one block of text."""
    content = message.get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
