"""A make-believe Messages API: Anthropic's wire without a model behind it; fails on demand. Pure Python.

Knows nothing of WhatsApp, of tenants or of prompts. The wire: https://platform.claude.com/docs/en/api/messages
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from agent.sandbox.checks import ERRORS, MEDIA_TYPES, Json, WrongRequest, blocks_of, check, check_door

Answer = tuple[int, dict[str, str], Any]
Observer = Callable[[Json, Any, int | None, float], None]
TOKENS_OF_MEDIA = 1600
KINDS = {400, 401, 429, 500, 529, "timeout", "refusal", "max_tokens", "empty", "unknown_block", "bad_json", "hand_over"}


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
            check_door(method, path, headers)
            self.requests.append(Received(headers, body))
            check(headers["anthropic-version"], body)
        except WrongRequest as wrong:
            return error(wrong.status, str(wrong))
        return self._fail(body) if self._failures else _message(body, _text(body))

    def _fail(self, body: Json) -> Answer | None:
        kind = self._failures.pop(0)
        if isinstance(kind, int):
            return error(kind, ERRORS[kind][1])
        return FAILURES[kind](body)


def _texts(message: Json) -> list[str]:
    return [block["text"] for block in blocks_of(message) if block.get("type") == "text" and block.get("text")]


def _media(message: Json) -> list[str]:
    return [block["type"] for block in blocks_of(message) if block.get("type") in MEDIA_TYPES]


def last_words(messages: Iterable[Json]) -> str:
    """Everything the customer has said since the assistant last spoke."""
    return " ".join(word for message in _since_last_answer(messages) for word in _texts(message))


def without_data(body: Json) -> Json:
    """The request as people look at it: of images and documents only how long they are."""
    messages = [{**message, "content": _shortened(message.get("content"))} for message in body.get("messages", [])]
    return {**body, "messages": messages}


def _shortened(content: Any) -> Any:
    return [_block_without_data(block) for block in content] if isinstance(content, list) else content


def _block_without_data(block: Json) -> Json:
    source = block.get("source")
    if block.get("type") not in MEDIA_TYPES or not isinstance(source, dict):
        return block
    return {**block, "source": {**source, "data": f"[{len(source.get('data', ''))} characters]"}}


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


def error(status: int, text: str) -> Answer:
    """https://platform.claude.com/docs/en/api/errors: the Error object."""
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
