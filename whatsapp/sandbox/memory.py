"""What the make-believe Meta remembers, as a list of facts that a journal keeps over a restart.

Knows nothing of HTTP, of the Graph API or of the rules by which a fact comes about.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whatsapp.sandbox.businesses import CUSTOMERS, Business
from whatsapp.sandbox.composing import SYSTEM
from whatsapp.sandbox.samples import SAMPLES

Json = dict[str, Any]
RANKS = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}
EVENTS_KEPT = 300
ECHOES = "smb_message_echoes"
SECRETS = {
    "access_token",
    "appsecret_proof",
    "authorization",
    "client_secret",
    "code",
    "fb_exchange_token",
    "hub.verify_token",
    "input_token",
    "pin",
    "revoke_token",
    "verify_token",
}
HIDDEN = "•••"


@dataclass
class Message:
    """One message on the make-believe phone, whoever wrote it."""

    wamid: str
    phone_number_id: str
    wa_id: str
    from_customer: bool
    body: str
    at: float
    status: str
    to: str = ""
    opaque: str = ""
    kind: str = "text"
    about: str = ""  # the message that is quoted, reacted to, edited or deleted
    webhook: str = ""  # the field of the webhook that tells the product, which knows of its own messages …
    value: Json = field(default_factory=dict)  # … and what it says
    edited: str = ""
    deleted: bool = False
    reaction: str = ""
    number: int = 0

    @property
    def is_echo(self) -> bool:
        """Written in the WhatsApp Business app."""
        return self.webhook == ECHOES

    @property
    def item(self) -> Json:
        """The webhook's one item."""
        return next((self.value[name][0] for name in ("messages", "message_echoes") if name in self.value), {})

    @property
    def template(self) -> Json:
        """The template as it was filled in, if the message is one."""
        found: Json = self.value.get("template", {})
        return found

    @property
    def price(self) -> str:
        """What a business pays for when it says this."""
        return str(self.template.get("category", "service")).lower()

    @property
    def media_id(self) -> str:
        """The file that came with it, if any."""
        content = self.item.get(self.item.get("type", ""))
        return str(content.get("id", "")) if isinstance(content, dict) and self.kind in SAMPLES else ""


@dataclass
class Event:
    """Something that went over the wire, as the page tells it."""

    kind: str
    title: str
    detail: str
    request: Any
    response: Any
    status: int | None
    ms: float
    at: float
    number: int = 0


class Memory:
    """Facts in the order they happened; `number` counts them, so a reader can ask for the new part only."""

    def __init__(self, journal: Path | None, clock: Callable[[], float]) -> None:
        """Reads the journal back, if there is one."""
        self.clock = clock
        self.number = 0
        self.messages: dict[str, Message] = {}
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.customers: dict[str, str] = dict(CUSTOMERS)
        self.registered: dict[str, str] = {}
        self.attempts: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.subscribed: set[str] = set()
        self.used_codes: set[str] = set()
        self.revoked: set[str] = set()
        self.removals: defaultdict[str, int] = defaultdict(int)
        self.staged: dict[str, tuple[str, float]] = {}
        self.synced: set[tuple[str, str]] = set()
        self.unpaid: set[str] = set()
        self.restricted: set[str] = set()
        self.heard: dict[tuple[str, str], float] = {}  # when the customer said something in a chat, the last time
        self.written: dict[str, list[Json]] = {}  # the templates of the accounts that have others than at first
        self.templates: defaultdict[str, Json] = defaultdict(dict)  # what has changed since they were written
        self.media: dict[str, str] = {}  # the message that each file came with
        self.user_id_changes: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._rules: dict[str, Callable[[Json], None]] = {
            "message": self._message,
            "status": self._status,
            "event": self._event,
            "customer": lambda fact: self.customers.update({fact["wa_id"]: fact["name"]}),
            "attempt": lambda fact: self.attempts[fact["call"], fact["phone_number_id"]].append(fact["at"]),
            "registered": lambda fact: self.registered.update({fact["phone_number_id"]: fact["pin_digest"]}),
            "deregistered": self._deregistered,
            "subscribed": lambda fact: self.subscribed.add(fact["waba_id"]),
            "unsubscribed": lambda fact: self.subscribed.discard(fact["waba_id"]),
            "code_used": lambda fact: self.used_codes.add(fact["digest"]),
            "token_revoked": lambda fact: self.revoked.add(fact["digest"]),
            "app_removed": self._app_removed,
            "staged": self._staged,
            "synced": lambda fact: self.synced.add((fact["phone_number_id"], fact["sync_type"])),
            "unpaid": lambda fact: self.unpaid.add(fact["waba_id"]),
            "paid": lambda fact: self.unpaid.discard(fact["waba_id"]),
            "restricted": lambda fact: self.restricted.add(fact["waba_id"]),
            "media_deleted": self._media_deleted,
            "user_id_changed": self._user_id_changed,
            "unrestricted": lambda fact: self.restricted.discard(fact["waba_id"]),
            "templates_written": self._templates_written,
            "template_changed": lambda fact: self.templates[fact["template_id"]].update(fact["changes"]),
            "window_closed": lambda fact: self.heard.update({(fact["phone_number_id"], fact["wa_id"]): 0.0}),
        }
        self.new = not (journal and journal.exists())
        self._journal = _open(journal, self._apply) if journal else None

    def record(self, fact: str, **facts: Any) -> int:
        """A new fact: true from now on, and after a restart."""
        entry = {"at": self.clock(), **facts, "fact": fact}
        self._apply(entry)
        if self._journal:
            self._journal.write(json.dumps(entry) + "\n")
            self._journal.flush()
        return self.number

    def note(self, kind: str, title: str, **facts: Any) -> None:
        """A fact for the people who watch; nothing secret gets into it."""
        entry = {"detail": "", "request": None, "response": None, "status": None, "ms": 0.0} | facts
        self.record("event", kind=kind, title=title, **redacted(entry))

    def advance(self, wamid: str, status: str) -> None:
        """A message's status goes up, never down: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status."""
        if RANKS[status] > RANKS[self.messages[wamid].status]:
            self.record("status", wamid=wamid, status=status)

    def chat(self, phone_number_id: str, wa_id: str) -> list[Message]:
        """What one customer and one number said to each other."""
        return [
            message
            for message in self.messages.values()
            if (message.phone_number_id, message.wa_id) == (phone_number_id, wa_id)
        ]

    def message_of(self, media_id: str) -> Message | None:
        """The message that a file came with, while there is one."""
        return self.messages.get(self.media.get(media_id, ""))

    def user_id(self, business: Business, wa_id: str, after: int = 0) -> str:
        """The customer's business-scoped id, as often as it has changed; or after that many changes more."""
        return business.user_id(wa_id, self.user_id_changes[business.client_business_id, wa_id] + after)

    def staged_at(self, phone_number_id: str) -> tuple[str, float]:
        """What was last chosen in the dialog for a number, and when."""
        return self.staged.get(phone_number_id, ("success", 0.0))

    def close(self) -> None:
        """Lets go of the journal."""
        if self._journal:
            self._journal.close()

    def _apply(self, entry: Json) -> None:
        self.number += 1
        self._rules[entry["fact"]]({key: value for key, value in entry.items() if key != "fact"})

    def _message(self, fact: Json) -> None:
        message = self.messages[fact["wamid"]] = Message(**fact, number=self.number)
        if message.from_customer and message.kind not in SYSTEM:
            chat = message.phone_number_id, message.wa_id
            self.heard[chat] = max(message.at, self.heard.get(chat, 0.0))
        if message.media_id:
            self.media[message.media_id] = message.wamid
        if subject := self.messages.get(message.about):
            self._changed(subject, message)

    def _changed(self, subject: Message, by: Message) -> None:
        """What an edit, a deletion and a reaction do to the message that they are about."""
        if by.kind == "edit":
            subject.edited = by.body
        elif by.kind == "revoke":
            subject.deleted = True
        elif by.kind in ("reaction", "reaction_removed"):
            subject.reaction = by.body
        subject.number = self.number

    def _status(self, fact: Json) -> None:
        message = self.messages[fact["wamid"]]
        message.status, message.number = fact["status"], self.number

    def _event(self, fact: Json) -> None:
        self.events.append(Event(**fact, number=self.number))

    def _deregistered(self, fact: Json) -> None:
        self.registered.pop(fact["phone_number_id"], None)

    def _app_removed(self, fact: Json) -> None:
        self.removals[fact["business"]] += 1

    def _media_deleted(self, fact: Json) -> None:
        self.media.pop(fact["media_id"], None)

    def _user_id_changed(self, fact: Json) -> None:
        self.user_id_changes[fact["business"], fact["wa_id"]] += 1

    def _templates_written(self, fact: Json) -> None:
        self.written[fact["waba_id"]] = fact["templates"]
        for template in fact["templates"]:
            self.templates.pop(template["id"], None)

    def _staged(self, fact: Json) -> None:
        self.staged[fact["phone_number_id"]] = (fact["scenario"], fact["at"])
        self.synced = {sync for sync in self.synced if sync[0] != fact["phone_number_id"]}


def redacted(value: Any) -> Any:
    """The same, without tokens, codes, secrets and PINs."""
    if isinstance(value, dict):
        return {key: _hidden(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return re.sub(r"EAA[\w-]{20,}", HIDDEN, value) if isinstance(value, str) else value


def _hidden(key: str, item: Any) -> Any:
    # `code` is a secret in an OAuth call, a number in an error object, and names the language of a template.
    if key == "language" and isinstance(item, dict):
        return item
    return HIDDEN if key.lower() in SECRETS and isinstance(item, str) else redacted(item)


def _open(path: Path, apply: Callable[[Json], None]) -> Any:
    """Reads whole lines, cuts off what a crash left of the last one, and stays open for more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = path.open("a+", encoding="utf-8")
    journal.seek(0)
    whole = 0
    for line in iter(journal.readline, ""):
        if not line.endswith("\n"):
            break
        apply(json.loads(line))
        whole = journal.tell()
    journal.truncate(whole)
    return journal
