"""Templates as the businesses of the tests write them.

Knows nothing of where they are kept and of what is tested with them.
"""

from typing import Any

from whatsapp.sandbox import template_catalogue

JSON = dict[str, Any]

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


def template(name: str = "booking", components: list[JSON] | None = None, language: str = "es", **facts: Any) -> JSON:
    """A template for `Meta.write_templates`: approved, unless `facts` say otherwise."""
    facts = {"category": "UTILITY"} | facts
    return template_catalogue.template(name, language, facts.pop("category"), *(components or BOOKING), **facts)
