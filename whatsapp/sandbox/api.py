"""What the phone page asks for and does, as JSON.

Knows nothing of Meta's own shapes.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from whatsapp.sandbox import chats, windows
from whatsapp.sandbox.businesses import CATALOGUE, LINES, Business, business_with_number
from whatsapp.sandbox.failures import MEDIA
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.samples import SAMPLES
from whatsapp.sandbox.stage import Stage, View, from_our_page, stage_of

LONGEST_TEXT = 4096
OUTSIDE_WINDOW = "131047"  # never said to a template
Json = dict[str, Any]


class Unusable(ValueError):
    """The page sent something that cannot be done."""


def state(request: HttpRequest) -> JsonResponse:
    """Everything after fact number `after`, and what the product thinks of the number that is chosen."""
    stage, after = stage_of(request), int(request.GET.get("after", "0"))
    meta, doctor = stage.meta, stage.doctor(request.GET.get("phone_number_id", ""))
    with meta.lock:
        return JsonResponse(
            {
                "number": meta.memory.number,
                "product": stage.postman.product,
                "businesses": _businesses(stage),
                "customers": [{"wa_id": wa_id, "name": name} for wa_id, name in meta.memory.customers.items()],
                "messages": [asdict(item) for item in meta.memory.messages.values() if item.number > after],
                "events": [asdict(event) for event in meta.memory.events if event.number > after],
                "typing": [list(chat) for chat in meta.typing],
                "closed": [list(chat) for chat in windows.closed(meta.memory)],
                "armed": [{"kind": armed.kind, "times": armed.times} for armed in meta.armed],
                "doctor": doctor,
                "held": len(stage.postman.held),
            }
        )


def sample(request: HttpRequest, kind: str) -> HttpResponse:
    """What a file of this kind looks like, for the phone's own screen."""
    if kind not in SAMPLES:
        return JsonResponse({"error": f"A file is one of {', '.join(SAMPLES)}"}, status=404)
    found = SAMPLES[kind]
    return HttpResponse(found.content, content_type=found.mime_type, headers={"Cache-Control": "max-age=3600"})


def _businesses(stage: Stage) -> list[Json]:
    """The five that everybody sees, and of the other numbers those that are in use."""
    return [
        {
            "phone_number_id": line.phone_number_id,
            "name": line.verified_name,
            "display": line.display_phone_number,
            "connected": _is_connected(stage, line),
            "restricted": line.waba_id in stage.meta.memory.restricted,
        }
        for line in LINES
        if line in CATALOGUE or _is_connected(stage, line)
    ]


def _is_connected(stage: Stage, line: Business) -> bool:
    memory = stage.meta.memory
    return line.phone_number_id in memory.registered and line.waba_id in memory.subscribed


def with_json(act: Callable[[Stage, Json], Json]) -> View:
    """A view that hands the posted object on, and says so when it is of no use."""

    @from_our_page
    def view(request: HttpRequest) -> JsonResponse:
        try:
            posted = json.loads(request.body or b"{}")
            return JsonResponse(act(stage_of(request), posted if isinstance(posted, dict) else {}))
        except ValueError as error:
            return JsonResponse({"error": str(error)}, status=400)

    return view


def chosen(posted: Json) -> Business:
    """The business on the phone."""
    try:
        return business_with_number(str(posted.get("phone_number_id")))
    except KeyError:
        raise Unusable("Choose a business") from None


def chosen_customer(memory: Memory, posted: Json) -> str:
    """The customer whose phone it is."""
    wa_id = str(posted.get("wa_id"))
    if wa_id not in memory.customers:
        raise Unusable("Choose a customer")
    return wa_id


@with_json
def burst(stage: Stage, posted: Json) -> Json:
    """The customer writes several messages at once."""
    texts, meta = posted.get("texts"), stage.meta
    if not isinstance(texts, list) or not 1 <= len(texts) <= 10:
        raise Unusable("A burst is a list of 1 to 10 texts")
    number, wa_id = chosen(posted).phone_number_id, chosen_customer(meta.memory, posted)
    with meta.lock:
        said = [chats.customer(meta.memory, number, wa_id, "", "text", text=str(text)) for text in texts]
        for message in said:
            meta.keep(message)
    for message in said:
        stage.postman.deliver(message.wamid)
    return {"wamids": [message.wamid for message in said]}


@with_json
def customers(stage: Stage, posted: Json) -> Json:
    """Somebody new, with the next free number."""
    name = str(posted.get("name", "")).strip()[:100]
    if not name:
        raise Unusable("A customer has a name")
    memory = stage.meta.memory
    with stage.meta.lock:
        wa_id = str(34600000200 + sum(key.startswith("346000002") for key in memory.customers))
        memory.record("customer", wa_id=wa_id, name=name)
    return {"wa_id": wa_id}


@with_json
def duplicate(stage: Stage, posted: Json) -> Json:
    """The last message's webhook comes again."""
    return {"sent": stage.postman.duplicate()}


@with_json
def forge(stage: Stage, posted: Json) -> Json:
    """A webhook with a wrong signature: what the product answered."""
    return {"status": stage.postman.forge()}


@with_json
def failures(stage: Stage, posted: Json) -> Json:
    """The next message the product sends fails, the next file it asks for, or the next question to the model."""
    kind = str(posted.get("kind", ""))
    if kind in stage.model_failures:
        stage.model_failures[kind]()
    else:
        calls = "" if kind in MEDIA else "send_text" if kind == OUTSIDE_WINDOW else "send_"
        stage.meta.fail_next(int(kind) if kind.isdigit() else kind, method_path_regex=calls)
    return {"armed": kind}
