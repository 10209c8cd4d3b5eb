"""A make-believe Messages API: Anthropic's wire without a model behind it; fails on demand. Pure Python.

Knows nothing of WhatsApp, of tenants or of prompts. The wire: https://platform.claude.com/docs/en/api/messages
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Json = dict[str, Any]
Answer = tuple[int, dict[str, str], Any]
Observer = Callable[[Json, Any, int | None, float], None]
GONE_SINCE = "2026-10-21"  # https://platform.claude.com/docs/en/api/versioning: no sampling parameters from here on
GONE = ("temperature", "top_p", "top_k")
HANG_SECONDS = 90.0
# https://platform.claude.com/docs/en/api/errors
ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    404: ("not_found_error", "Not found"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}
KINDS = {400, 401, 429, 500, 529, "timeout", "refusal", "max_tokens", "empty", "unknown_block", "bad_json"}


class WrongRequest(Exception):
    """The request is refused: its status, and a sentence for the developer."""

    def __init__(self, status: int, message: str = "") -> None:
        """The table has a sentence for those who bring none."""
        super().__init__(message or ERRORS[status][1])
        self.status = status


@dataclass
class Received:
    """A request as it came in, for those who want to look."""

    headers: dict[str, str]
    body: Json


@dataclass
class Model:
    """Answers by repeating what the customer said, and says that it does; `delay` lets people see somebody type."""

    delay: float = 0.0
    observe: Observer | None = None
    requests: list[Received] = field(default_factory=list)
    _failures: list[int | str] = field(default_factory=list)

    def fail_next(self, kind: int | str, times: int = 1) -> None:
        """The next requests fail: a status of ERRORS or a word of KINDS."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {KINDS}")
        self._failures.extend([kind] * times)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Json) -> Answer:
        """Status, headers and JSON; raises TimeoutError when there shall be no answer."""
        started = time.perf_counter()
        lowered = {key.lower(): value for key, value in headers.items()}
        answer = self._judge(method, path, lowered, body)
        time.sleep(self.delay)
        if self.observe:
            status = answer[0] if answer else None
            self.observe(body, answer[2] if answer else None, status, (time.perf_counter() - started) * 1000)
        if answer is None:
            raise TimeoutError
        return answer

    def _judge(self, method: str, path: str, headers: dict[str, str], body: Json) -> Answer | None:
        try:
            _check_door(method, path, headers)
            self.requests.append(Received(headers, body))
            _check(headers["anthropic-version"], body)
        except WrongRequest as wrong:
            return _error(wrong.status, str(wrong))
        return self._fail(body) if self._failures else _message(body, _text(body))

    def _fail(self, body: Json) -> Answer | None:
        kind = self._failures.pop(0)
        if isinstance(kind, int):
            return _error(kind, ERRORS[kind][1])
        return FAILURES[kind](body)


def _check_door(method: str, path: str, headers: dict[str, str]) -> None:
    if (method, path) != ("POST", "/v1/messages"):
        raise WrongRequest(404)
    # The SDK sends its key as a bearer token: https://platform.claude.com/docs/en/api/overview#authentication
    if not headers.get("x-api-key") and not headers.get("authorization", "").removeprefix("Bearer "):
        raise WrongRequest(401, "x-api-key header is required")
    if not headers.get("anthropic-version"):
        raise WrongRequest(400, "anthropic-version: header is required")


def _check(version: str, body: Json) -> None:
    """https://platform.claude.com/docs/en/api/messages: what the API itself refuses."""
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
    if not all(_texts(message) for message in body["messages"]):
        raise WrongRequest(400, "messages: text content blocks must be non-empty")


def _texts(message: Json) -> list[str]:
    content = message.get("content") or ""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block["text"] for block in blocks if block.get("type") == "text" and block.get("text")]


def last_words(messages: Iterable[Json]) -> str:
    """Everything the customer has said since the assistant last spoke."""
    words: list[str] = []
    for message in messages:
        if message["role"] == "assistant":
            words = []
        elif message["role"] == "user":
            words += _texts(message)
    return " ".join(words)


def _text(body: Json) -> str:
    return f'Simulated answer (no model is behind it). You wrote: "{last_words(body["messages"])}"'


def _message(body: Json, text: str | None, **changes: Any) -> Answer:
    """https://platform.claude.com/docs/en/api/messages: the Message object; about four characters are one token."""
    message = {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": len(json.dumps([body.get("system"), body["messages"]])) // 4 + 1,
            "output_tokens": len(text or "") // 4 + 1,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }
    return 200, _headers(), message | changes


def _error(status: int, text: str) -> Answer:
    headers = _headers() | ({"retry-after": "2"} if status == 429 else {})
    error = {"type": ERRORS[status][0], "message": text}
    return status, headers, {"type": "error", "error": error, "request_id": headers["request-id"]}


def _headers() -> dict[str, str]:
    return {"content-type": "application/json", "request-id": f"req_{secrets.token_hex(12)}"}


def _refusal(body: Json) -> Answer:
    details = {"type": "refusal", "category": "general_harms", "explanation": "Simulated refusal"}
    return _message(body, None, stop_reason="refusal", stop_details=details)


FAILURES: dict[str, Callable[[Json], Answer | None]] = {
    "timeout": lambda body: None,
    "refusal": _refusal,
    "max_tokens": lambda body: _message(body, _text(body)[:40], stop_reason="max_tokens"),
    "empty": lambda body: _message(body, ""),
    "unknown_block": lambda body: _message(body, None, content=[{"type": "brand_new", "data": "?"}]),
    "bad_json": lambda body: (200, _headers(), '{"id": "msg_'),
}


def wsgi(model: Model) -> WSGIApplication:
    """The same model behind HTTP."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        try:
            body = _body(environ)
            status, answered, answer = model.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], headers, body)
        except ValueError:
            status, answered, answer = _error(400, "The request body is not valid JSON")
        except TimeoutError:
            time.sleep(HANG_SECONDS)  # whoever asks has gone by then
            status, answered, answer = _error(500, "Timeout")
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        answered["Content-Length"] = str(len(content))
        start_response(f"{status} {_phrase(status)}", list(answered.items()))
        return [content]

    return application


def _body(environ: WSGIEnvironment) -> Json:
    body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  a wrong value from outside, not a wrong type of ours
    return body


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Overloaded"
