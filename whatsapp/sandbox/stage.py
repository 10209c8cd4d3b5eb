"""What the sandbox's views share, and who may call them.

Knows nothing of what the views do with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypedDict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from whatsapp.sandbox.meta import Meta
from whatsapp.sandbox.webhooks import Postman

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
View = Callable[..., HttpResponse]


class Finding(TypedDict):
    """One thing the product's doctor looked at, in words; `state` is ok, warn, bad or unknown."""

    check: str
    state: str
    what: str
    fix: str


class Doctor(TypedDict):
    """What the product thinks of one of its connections; seconds since 1970, if it was ever looked at."""

    status: str
    checked_at: float | None
    findings: list[Finding]


def no_doctor(phone_number_id: str) -> Doctor | None:
    """A product that says nothing."""
    return None


@dataclass
class Stage:
    """One make-believe Meta, its postman, what the page says of the model, and what the product says of a number."""

    meta: Meta
    postman: Postman
    model_name: str = ""  # empty: no model is behind the answers
    model_failures: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    doctor: Callable[[str], Doctor | None] = no_doctor


def stage_of(request: HttpRequest) -> Stage:
    """What the handler hung on the request."""
    stage: Stage = request.stage  # type: ignore[attr-defined]
    return stage


def from_our_page(view: View) -> View:
    """POST from the phone page only: another site's script cannot send this header without asking first.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS#preflighted_requests
    """

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return JsonResponse({"error": "POST only"}, status=405, headers={"Allow": "POST"})
        if request.headers.get("X-Sandbox") != "1":
            return JsonResponse({"error": "Only the phone page may do this"}, status=403)
        return view(request, *args, **kwargs)

    return guarded
