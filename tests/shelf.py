"""Templates at the make-believe Meta, until it has some of its own: they are listed, page by page, and they are sent.

Knows two Graph calls; nothing of what is tested with them.
"""

import json
from collections import defaultdict
from typing import Any

from whatsapp.sandbox.answers import Answer
from whatsapp.sandbox.meta import DEMO, Meta

JSON = dict[str, Any]
HEADERS = {"Content-Type": "application/json"}

GREETING: list[JSON] = [{"type": "BODY", "text": "Hola, aquí seguimos."}]
BOOKING: list[JSON] = [
    {"type": "HEADER", "format": "TEXT", "text": "Reserva {{1}}", "example": {"header_text": ["17"]}},
    {
        "type": "BODY",
        "text": "Hola {{1}}, le esperamos el {{2}}.",
        "example": {"body_text": [["Ana", "12 de mayo"]]},
    },
    {"type": "FOOTER", "text": "Café Alameda"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Confirmar"},
            {
                "type": "URL",
                "text": "Ver",
                "url": "https://example.com/r/{{1}}",
                "example": ["https://example.com/r/9"],
            },
        ],
    },
]


def template(name: str = "booking", components: list[JSON] | None = None, **more: Any) -> JSON:
    """A template as Meta describes it."""
    described = {
        "id": f"id of {name} {more.get('language', 'es')}",
        "name": name,
        "language": "es",
        "category": "UTILITY",
        "status": "APPROVED",
        "parameter_format": "POSITIONAL",
        "components": BOOKING if components is None else components,
        "quality_score": {"score": "GREEN"},
        "rejected_reason": "NONE",
    }
    return described | more


class Shelf:
    """What Meta has for each account, what was sent of it, and how it refuses while `refusal` is set."""

    def __init__(self, meta: Meta) -> None:
        self.of: dict[str, list[JSON]] = defaultdict(list)
        self.asked: list[JSON] = []
        self.sent: list[JSON] = []
        self.refusal = 0
        self.most = 100
        self._answer = meta.answer

    def put(self, *templates: JSON, waba_id: str = DEMO.waba_id) -> None:
        self.of[waba_id] = list(templates)

    def answer(self, method: str, path: str, query: JSON, body: JSON, headers: dict[str, str]) -> Answer:
        if path.endswith("/message_templates"):
            return self._list(path.split("/")[-2], query)
        if path.endswith("/messages") and body.get("type") == "template":
            self.sent.append(body)
            words = json.dumps(body["template"], ensure_ascii=False)
            body = {**body, "type": "text", "text": {"body": words}}
        return self._answer(method, path, query, body, headers)

    def _list(self, waba_id: str, query: JSON) -> Answer:
        self.asked.append(query)
        if self.refusal:
            return Answer(400, {"error": {"message": "Not now", "code": self.refusal}}, HEADERS)
        start, rows = int(query.get("after") or 0), self.of[waba_id]
        stop = start + min(int(query["limit"]), self.most)
        more = {"next": "https://graph.facebook.com/…"} if stop < len(rows) else {}
        return Answer(200, {"data": rows[start:stop], "paging": {"cursors": {"after": str(stop)}, **more}}, HEADERS)
