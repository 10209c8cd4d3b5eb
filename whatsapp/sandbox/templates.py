"""The templates of an account as they stand, and the Graph call that lists them.

Knows nothing of how one is filled in and sent.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any
from urllib.parse import urlencode

from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.calls import Call
from whatsapp.sandbox.descriptions import asked
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.refusals import Refusal
from whatsapp.sandbox.template_catalogue import written_by

Json = dict[str, Any]
USUAL_LIMIT, LARGEST_LIMIT = 25, 1000
USUAL_FIELDS = ("name", "parameter_format", "components", "language", "status", "category")
STATUSES = (
    "APPROVED",
    "IN_APPEAL",
    "PENDING",
    "REJECTED",
    "PENDING_DELETION",
    "DELETED",
    "DISABLED",
    "PAUSED",
    "LIMIT_EXCEEDED",
)
CARRIED = ("fields", "limit", "status", "name", "language", "category")


def templates_of(memory: Memory, business: Business) -> list[Json]:
    """All of the account's, with whatever has happened to them."""
    written = memory.written[business.waba_id] if business.waba_id in memory.written else written_by(business)
    return [template | memory.templates.get(template["id"], {}) for template in written]


def template_named(memory: Memory, business: Business, name: str) -> Json:
    """The account's first template of this name, in whatever language; StopIteration when there is none."""
    return next(template for template in templates_of(memory, business) if template["name"] == name)


def list_templates(call: Call, business: Business) -> Json:
    """A page of the account's templates; `next` is there only when there are more.

    https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates
    """
    limit, start = _limit(call), _start(call)
    found = [template for template in templates_of(call.memory, business) if _is_wanted(call, template)]
    page = found[start : start + limit]
    if not page:
        return {"data": []}
    cursors = {"before": _cursor(start), "after": _cursor(start + len(page))}
    paging: Json = {"cursors": cursors}
    if start + limit < len(found):
        kept = {name: call.params[name] for name in CARRIED if name in call.params}
        query = urlencode({**kept, "limit": limit, "after": cursors["after"]})
        paging["next"] = f"{call.graph_url}/{business.waba_id}/message_templates?{query}"
    fields = str(call.params.get("fields", ""))
    return {"data": [asked(template, fields, USUAL_FIELDS) for template in page], "paging": paging}


def _is_wanted(call: Call, template: Json) -> bool:
    """A name is found by any part of it; a status, a category and a language are one word, or a list as JSON."""
    for field in ("status", "category", "language"):
        wanted = call.params.get(field)
        if wanted and template[field] not in _words(field, str(wanted)):
            return False
    return str(call.params.get("name", "")) in template["name"]


def _words(field: str, wanted: str) -> list[str]:
    try:
        words = json.loads(wanted) if wanted.startswith("[") else [wanted]
    except ValueError:
        raise Refusal(100, message=f"(#100) Param {field} must be an array") from None
    if field == "status" and not set(words) <= set(STATUSES):
        raise Refusal(100, message=f"(#100) Param status must be one of {{{', '.join(STATUSES)}}}")
    return [str(word) for word in words]


def _limit(call: Call) -> int:
    limit = str(call.params.get("limit", USUAL_LIMIT))
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit) <= LARGEST_LIMIT):
        raise Refusal(100, message=f"(#100) Param limit must be a number from 1 to {LARGEST_LIMIT}")
    return int(limit)


def _cursor(place: int) -> str:
    return b64encode(f"template:{place}".encode()).decode()


def _start(call: Call) -> int:
    cursor = str(call.params.get("after", ""))
    if not cursor:
        return 0
    try:
        return int(b64decode(cursor, validate=True).decode().removeprefix("template:"))
    except (NotBase64, ValueError):
        raise Refusal(100, message="(#100) Invalid cursors values for pagination") from None
