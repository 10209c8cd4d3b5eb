"""A make-believe Messages API: Anthropic's wire without a model behind it; fails on demand. Pure Python.

Knows nothing of WhatsApp, of tenants or of prompts. The wire: https://platform.claude.com/docs/en/api/messages
"""

import base64
import binascii
import json
import secrets
import time
from collections import Counter
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
# https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support
MEDIA_TYPES = {
    "image": {"image/jpeg", "image/png", "image/gif", "image/webp"},
    "document": {"application/pdf"},
}
TOKENS_OF_MEDIA = 1600
KINDS = {400, 401, 429, 500, 529, "timeout", "refusal", "max_tokens", "empty", "unknown_block", "bad_json", "hand_over"}


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
    for number, message in enumerate(body["messages"]):
        _check_content(f"messages.{number}.content", message)


def _check_content(where: str, message: Json) -> None:
    blocks = _blocks(message)
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


def _blocks(message: Json) -> list[Json]:
    content = message.get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _texts(message: Json) -> list[str]:
    return [block["text"] for block in _blocks(message) if block.get("type") == "text" and block.get("text")]


def _media(message: Json) -> list[str]:
    return [block["type"] for block in _blocks(message) if block.get("type") in MEDIA_TYPES]


def last_words(messages: Iterable[Json]) -> str:
    """Everything the customer has said since the assistant last spoke."""
    return " ".join(word for message in _since_last_answer(messages) for word in _texts(message))


def without_data(body: Json) -> Json:
    """The request as people look at it: of images and documents only how long they are."""
    messages = [{**message, "content": _shortened(message.get("content"))} for message in body.get("messages", [])]
    return {**body, "messages": messages}


def _shortened(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [
        {**block, "source": {**block["source"], "data": f"[{len(block['source'].get('data', ''))} characters]"}}
        if block.get("type") in MEDIA_TYPES and isinstance(block.get("source"), dict)
        else block
        for block in content
    ]


def _since_last_answer(messages: Iterable[Json]) -> list[Json]:
    said: list[Json] = []
    for message in messages:
        if message["role"] == "assistant":
            said = []
        elif message["role"] == "user":
            said.append(message)
    return said


def _text(body: Json) -> str:
    said = f'Simulated answer (no model is behind it). You wrote: "{last_words(body["messages"])}"'
    seen = Counter(kind for message in _since_last_answer(body["messages"]) for kind in _media(message))
    if not seen:
        return said
    return f"{said} You sent {' and '.join(_number(count, kind) for kind, count in sorted(seen.items()))}."


def _number(count: int, kind: str) -> str:
    return f"{count} {kind}" if count == 1 else f"{count} {kind}s"


def _input_tokens(body: Json) -> int:
    """About four characters are one token, and an image or a page is as much as a long text."""
    text = json.dumps([body.get("system"), without_data(body)["messages"]])
    return len(text) // 4 + 1 + TOKENS_OF_MEDIA * sum(len(_media(message)) for message in body["messages"])


def _message(body: Json, text: str | None, **changes: Any) -> Answer:
    """https://platform.claude.com/docs/en/api/messages: the Message object."""
    message = {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": _input_tokens(body),
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


def _hand_over(body: Json) -> Answer:
    """The model uses the first tool that it was given. https://platform.claude.com/docs/en/agents-and-tools/tool-use"""
    [tool, *_others] = body["tools"]
    use = {"type": "tool_use", "id": f"toolu_{secrets.token_hex(12)}", "name": tool["name"]}
    return _message(body, None, content=[use | {"input": {"reason": "Simulated"}}], stop_reason="tool_use")


FAILURES: dict[str, Callable[[Json], Answer | None]] = {
    "timeout": lambda body: None,
    "refusal": _refusal,
    "max_tokens": lambda body: _message(body, _text(body)[:40], stop_reason="max_tokens"),
    "empty": lambda body: _message(body, ""),
    "unknown_block": lambda body: _message(body, None, content=[{"type": "brand_new", "data": "?"}]),
    "hand_over": lambda body: _hand_over(body),
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
