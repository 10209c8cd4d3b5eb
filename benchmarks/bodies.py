"""What Meta posts, made beforehand and signed: blocks of messages, or of statuses of ours, by numbers that say whose.

Knows Meta's envelope; nothing of our product but how Meta signs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from whatsapp.signature import sign

# So many numbers of as many tenants share what is posted.
NUMBERS = 20
WORDS = "Hello! Do you still have a table for four this Saturday evening, perhaps outside?"
TIME_IN_WAMID = "VAgASGBQzQTE2QjhGN0Y3QzAxRDk4"


@dataclass(frozen=True)
class Block:
    """`posts` bodies of `size` items each, about the customers from `first` on: each of them once."""

    kind: Literal["message", "status"]
    first: int
    posts: int
    size: int = 1

    @property
    def people(self) -> range:
        return range(self.first, self.first + self.posts * self.size)

    def people_of(self, post: int) -> range:
        return self.people[post * self.size : (post + 1) * self.size]

    def bodies(self, now: int) -> Iterator[bytes]:
        """Each as Meta sends it, in order."""
        for post in range(self.posts):
            yield _body(self.kind, self.people_of(post), phone_number_id(post), now)


def phone_number_id(post: int) -> str:
    """Whom a post is for: they take turns."""
    return f"1017{post % NUMBERS:011d}"


def phone(person: int) -> str:
    return f"34{person:09d}"


def user_id(person: int) -> str:
    return f"ES.{person:020d}"


def wamid(kind: str, person: int) -> str:
    """Of the one message of theirs, or of the one of ours to them."""
    return f"wamid.{'HBgL' if kind == 'message' else 'OUTB'}{person:011d}{TIME_IN_WAMID}"


def request(body: bytes, secret: str) -> bytes:
    """All that goes over the wire."""
    head = (
        "POST /v1/webhooks/whatsapp HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: facebookexternalua",
        "Accept: */*",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Hub-Signature-256: {sign(body, secret)}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


def _body(kind: str, people: range, number: str, now: int) -> bytes:
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "34910555010", "phone_number_id": number},
    }
    value |= _messages(people, now) if kind == "message" else _statuses(people, now)
    changes = [{"field": "messages", "value": value}]
    entry = [{"id": "201700000000001", "changes": changes}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}, separators=(",", ":")).encode()


def _messages(people: range, now: int) -> dict[str, Any]:
    contacts = [
        {"profile": {"name": f"Lucía {person}"}, "wa_id": phone(person), "user_id": user_id(person)}
        for person in people
    ]
    messages = [
        {
            "from": phone(person),
            "from_user_id": user_id(person),
            "id": wamid("message", person),
            "timestamp": str(now),
            "type": "text",
            "text": {"body": WORDS},
        }
        for person in people
    ]
    return {"contacts": contacts, "messages": messages}


def _statuses(people: range, now: int) -> dict[str, Any]:
    pricing = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}
    statuses = [
        {
            "id": wamid("status", person),
            "status": "delivered",
            "timestamp": str(now),
            "recipient_id": phone(person),
            "recipient_user_id": user_id(person),
            "pricing": pricing,
        }
        for person in people
    ]
    return {"statuses": statuses}
