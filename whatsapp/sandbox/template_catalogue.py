"""The templates that every make-believe business has written, as Meta keeps them.

Knows nothing of what has become of them since, and of how one is sent. Their parts, one page for each:
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

import hashlib
from typing import Any

from whatsapp.sandbox.businesses import Business

Json = dict[str, Any]
NAME = "BUSINESS"  # stands for the name of whoever wrote it
PICTURE = "https://scontent.example/header.jpg"


def _body(text: str, *examples: str, **named: str) -> Json:
    """What is said, with an example of each value."""
    example: Json = {"body_text": [list(examples)]} if examples else {}
    if named:
        example = {"body_text_named_params": [{"param_name": name, "example": value} for name, value in named.items()]}
    return {"type": "BODY", "text": text, **({"example": example} if example else {})}


def _buttons(*quick_replies: str, before: tuple[Json, ...] = ()) -> Json:
    return {"type": "BUTTONS", "buttons": [*before, *({"type": "QUICK_REPLY", "text": text} for text in quick_replies)]}


def _footer(text: str) -> Json:
    return {"type": "FOOTER", "text": text}


def template(name: str, language: str, category: str, *components: Json, **facts: Any) -> Json:
    """A template as a business writes it; `facts` are what is not as usual of `usual`, such as its status."""
    usual = {"status": "APPROVED", "parameter_format": "POSITIONAL", "quality": "GREEN", "rejected_reason": "NONE"}
    return {"name": name, "language": language, "category": category, "components": [*components], **usual, **facts}


ORDER_HEADER = {
    "type": "HEADER",
    "format": "TEXT",
    "text": "Order {{order_number}}",
    "example": {"header_text_named_params": [{"param_name": "order_number", "example": "1042"}]},
}
PICTURE_HEADER = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [PICTURE]}}
TRACKING = {
    "type": "URL",
    "text": "Track the order",
    "url": "https://shop.example/track/{{1}}",
    "example": ["https://shop.example/track/1042"],
}
NEWS = {"type": "URL", "text": "Ver la carta", "url": "https://shop.example/carta"}

TEMPLATES = (
    template(
        "booking_reminder",
        "es",
        "UTILITY",
        _body("Hola {{1}}: le recordamos su reserva en BUSINESS, {{2}}. ¡Hasta pronto!", "Lucía", "mañana a las 21:00"),
    ),
    template(
        "order_update",
        "en_US",
        "UTILITY",
        ORDER_HEADER,
        _body(
            "Hi {{customer_name}}, your order from *BUSINESS* is on its way. It should arrive {{delivery_day}}.",
            customer_name="Grace",
            delivery_day="on Friday",
        ),
        _footer("You get this because you ordered something"),
        _buttons("Change the day", "Talk to somebody", before=(TRACKING,)),
        parameter_format="NAMED",
    ),
    template(
        "hello_again",
        "es",
        "MARKETING",
        _body("¡Hola de nuevo! Le echamos de menos en BUSINESS. ¿Le reservamos algo para esta semana?"),
        _buttons("Sí, por favor", "Ahora no"),
    ),
    template(
        "hello_again",
        "en_US",
        "MARKETING",
        _body("Hello again! We have missed you at BUSINESS. Shall we book something for you this week?"),
        _buttons("Yes, please", "Not now"),
        quality="UNKNOWN",
    ),
    template(
        "season_news",
        "es",
        "MARKETING",
        PICTURE_HEADER,
        _body("Hola {{1}}: la carta de la temporada ya está en BUSINESS.", "Lucía"),
        _footer("Responda BAJA para no recibir más novedades"),
        _buttons("Reservar", before=(NEWS,)),
    ),
    template(
        "feedback_request",
        "en_US",
        "UTILITY",
        _body("Thank you for your visit to BUSINESS, {{1}}. How was it?", "Grace"),
        _buttons("Very good", "So-so"),
        status="PENDING",
        quality="UNKNOWN",
    ),
    template(
        "win_a_prize",
        "es",
        "MARKETING",
        _body("¡Ha ganado! Envíenos su número de tarjeta para recibir el premio."),
        status="REJECTED",
        quality="UNKNOWN",
        rejected_reason="SCAM",
    ),
    template(
        "payment_reminder",
        "es",
        "UTILITY",
        _body("Hola {{1}}: su factura de {{2}} está pendiente.", "Lucía", "24,50 €"),
        status="PAUSED",
        quality="RED",
    ),
)


def written_by(business: Business) -> list[Json]:
    """The account's templates as they were at first, each with an id that no other account's has."""
    return [described(business, written) for written in TEMPLATES]


def described(business: Business, written: Json) -> Json:
    """The template as Meta keeps it for this account: what has the same name and language has the same id."""
    components = [_named(component, business.name) for component in written["components"]]
    quality = {"score": written["quality"]}
    facts = {key: value for key, value in written.items() if key != "quality"}
    whose = f"{business.waba_id} {written['name']} {written['language']}"
    an_id = f"8{int(hashlib.sha256(whose.encode()).hexdigest(), 16) % 10**14:014d}"
    return {**facts, "id": an_id, "components": components, "quality_score": quality}


def _named(component: Json, name: str) -> Json:
    text = component.get("text")
    return {**component, "text": text.replace(NAME, name)} if text else component
