"""What both readers need of a message: small pieces of it as words. Knows no language of people."""

import json
from collections.abc import Sequence
from typing import Any

from conversations.models import Attachment, Message

LONGEST_PIECE = 300


def line(value: Any, longest: int = LONGEST_PIECE) -> str:
    """Somebody's words on one line, and not too long."""
    words = " ".join(str(value or "").split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def attachment_of(message: Message) -> Attachment | None:
    """The message's media, if there is any."""
    try:
        return message.attachment
    except Attachment.DoesNotExist:
        return None


def place(content: dict[str, Any]) -> str:
    """Name, address and coordinates, as far as they are known."""
    words = ", ".join(line(content[key]) for key in ("name", "address") if content.get(key))
    latitude, longitude = content.get("latitude"), content.get("longitude")
    if latitude is None or longitude is None:
        return words
    return f"{words} ({_degrees(latitude)}, {_degrees(longitude)})".strip()


def _degrees(value: float) -> str:
    """To the metre."""
    return f"{value:.5f}".rstrip("0").rstrip(".")


def contact(card: dict[str, Any]) -> str:
    """One contact: name, company, phones, addresses."""
    phones = [phone.get("phone") or phone.get("wa_id") for phone in card.get("phones", ())]
    words = (card.get("name"), card.get("organization"), *phones, *card.get("emails", ()))
    return ", ".join(line(word) for word in words if word)


def ordered(items: Sequence[dict[str, Any]]) -> list[str]:
    """One line an article: `2 × tarta-1, 30.00 EUR`."""
    return [
        f"{_quantity(item.get('quantity'))} × {line(item.get('product_retailer_id'))}{_price(item)}" for item in items
    ]


def _quantity(quantity: float | None) -> str:
    return "?" if quantity is None else f"{quantity:g}"


def _price(item: dict[str, Any]) -> str:
    price = item.get("price")
    return "" if price is None else f", {price:.2f} {line(item.get('currency'))}".rstrip()


def total(items: Sequence[dict[str, Any]]) -> str:
    """What the order comes to; nothing when a price or quantity is unknown, or when currencies are mixed."""
    currencies = {line(item.get("currency")) for item in items}
    known = [item for item in items if item.get("quantity") is not None and item.get("price") is not None]
    if len(currencies) != 1 or len(known) < len(items):
        return ""
    return f"{sum(item['quantity'] * item['price'] for item in known):.2f} {currencies.pop()}".rstrip()


def answers(response: dict[str, Any]) -> list[str]:
    """What was filled in, one line an answer."""
    return [f"{line(key)}: {_answer(value)}" for key, value in response.items()]


def _answer(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return line(", ".join(str(each) for each in value), 1000)
    return line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 1000)
