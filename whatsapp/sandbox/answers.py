"""What the make-believe Meta gives back to a door: an answer, or one of two silences.

Knows nothing of how the answer came about.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from whatsapp.sandbox.businesses import LINES
from whatsapp.sandbox.calls import Call

USAGE = '{"call_count":1,"total_time":1,"total_cputime":1}'


class NeverAnswers(Exception):
    """The call was accepted and its answer is lost: the caller's own time-out must end it."""


class ConnectionRefused(Exception):
    """Nobody listens: the call was never heard."""


@dataclass(frozen=True)
class Answer:
    """What a door gives back: JSON, a page or a file's bytes; `delay` is for the door to wait."""

    status: int
    body: Any
    headers: dict[str, str]
    delay: float = 0.0


def headers(call: Call, version: str) -> dict[str, str]:
    """https://developers.facebook.com/docs/graph-api/overview/rate-limiting."""
    trace = secrets.token_urlsafe(8)
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "facebook-api-version": version,
        "x-fb-trace-id": trace,
        "x-fb-request-id": trace,
        "x-app-usage": USAGE,
    }
    object_id = call.path.partition("/")[0]
    if object_id in {business.waba_id for business in LINES}:
        usage = USAGE.removesuffix("}") + ',"type":"whatsapp","estimated_time_to_regain_access":0}'
        headers["x-business-use-case-usage"] = f'{{"{object_id}":[{usage}]}}'
    return headers
