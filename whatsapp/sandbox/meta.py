"""The make-believe Meta: answers Graph calls, writes webhooks, fails on demand. Pure Python, two doors.

Knows nothing of HTTP, of Django or of the product; `server` and the tests' `responses` are its doors.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from whatsapp.sandbox import answers, business_app, chats, companies, envelopes, grants, graph
from whatsapp.sandbox.answers import Answer, ConnectionRefused, NeverAnswers
from whatsapp.sandbox.businesses import CATALOGUE, CUSTOMERS, DEMO, DEMO_PIN, Business, business_with_number
from whatsapp.sandbox.calls import Call, File
from whatsapp.sandbox.connecting import pin_digest
from whatsapp.sandbox.failures import BEFORE_ANYTHING, Armed, next_failure
from whatsapp.sandbox.memory import Event, Memory, Message
from whatsapp.sandbox.refusals import Refusal
from whatsapp.sandbox.scenarios import SCENARIOS
from whatsapp.sandbox.template_catalogue import described

__all__ = ["CATALOGUE", "DEMO", "DEMO_PIN", "Answer", "ConnectionRefused", "Meta", "NeverAnswers"]

Json = dict[str, Any]
LADDER = ("sent", "delivered", "read")
SLOW_SECONDS = 5.0
CUSTOMER = next(iter(CUSTOMERS))
WEBHOOK_PATH = "/v1/webhooks/whatsapp"


@dataclass
class Meta:
    """One make-believe Meta for one app; safe to share among threads."""

    app_id: str
    app_secret: str
    verify_token: str
    redirect_uris: list[str]
    journal: Path | None = None
    clock: Callable[[], float] = time.time
    webhook_url: str = ""  # where Meta says that webhooks go; left out: beside the first redirect URI
    media_url: str = "https://lookaside.fbsbx.com"  # where files are downloaded
    graph_url: str = "https://graph.facebook.com"  # where the next page of a list is
    armed: list[Armed] = field(default_factory=list)
    when_accepted: list[Callable[[str], None]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        """The demo business has been connected before anybody came."""
        self.app = grants.App(self.app_id, self.app_secret)
        self.webhook_url = self.webhook_url or urljoin(self.redirect_uris[0], WEBHOOK_PATH)
        self.memory = Memory(self.journal, self.clock)
        self._typing: dict[tuple[str, str], float] = {}
        if self.memory.new:
            self.memory.record("subscribed", waba_id=DEMO.waba_id)
            digest = pin_digest(DEMO_PIN, self.app)
            self.memory.record("registered", phone_number_id=DEMO.phone_number_id, pin_digest=digest)

    # ── What the product asks ────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, method: str, path: str, query: Json, body: Json, headers: dict[str, str]) -> Answer:
        """A Graph call, `/{version}/…`, or a download below `media_url`; raises what no HTTP answer can say."""
        version, _, rest = path.strip("/").partition("/")
        bearer = {key.lower(): value for key, value in headers.items()}.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            addresses = (self.webhook_url, self.media_url, f"{self.graph_url}/{version}")
            everything = (self.app, self.memory, *addresses, self._typing)
            call = Call(method, rest.strip("/"), {**query, **body}, bearer, *everything)
            call = replace(call, failure=next_failure(self.armed, f"{method} {path} {graph.name_of(call)}"))
            answer, ms = self._timed(call, version)
            self._note(call, answer, ms)
        if call.failure == "refused":
            raise ConnectionRefused
        self._tell(answer)
        if call.failure == "timeout_after_accept":
            raise NeverAnswers
        return answer

    def _timed(self, call: Call, version: str) -> tuple[Answer, float]:
        started = time.perf_counter()
        answer = self._answer(call, version)
        return answer, (time.perf_counter() - started) * 1000

    def _answer(self, call: Call, version: str) -> Answer:
        if call.failure in BEFORE_ANYTHING:
            page = "<html><body><h1>Sorry, something went wrong.</h1></body></html>"
            return Answer(500, page, {"Content-Type": "text/html"})
        delay, headers = SLOW_SECONDS if call.failure == "slow" else 0.0, answers.headers(call, version)
        try:
            given = graph.answer(call) if not isinstance(call.failure, int) else _refuse(call.failure)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body, headers, delay)
        if isinstance(given, File):
            return Answer(200, given.content, {"Content-Type": given.mime_type}, delay)
        return Answer(200, given, headers, delay)

    def _note(self, call: Call, answer: Answer, ms: float) -> None:
        said = call.params.get("text") or call.params.get("template")
        lost = call.failure in {"refused", "timeout_after_accept"}
        body = {"bytes": len(answer.body)} if isinstance(answer.body, bytes) else answer.body
        self.memory.note(
            "graph",
            f"graph.{graph.name_of(call)}",
            detail=str(said.get("body") or said.get("name", "")) if isinstance(said, dict) else "",
            request={"method": call.method, "path": f"/{call.path}", "parameters": call.params},
            response={"failure": call.failure, "lost": body} if lost else body,
            status=None if lost else answer.status,
            ms=ms,
        )

    def _tell(self, answer: Answer) -> None:
        if answer.status == 200 and isinstance(answer.body, dict) and "messages" in answer.body:
            for tell in self.when_accepted:
                tell(answer.body["messages"][0]["id"])

    # ── Failures on demand ───────────────────────────────────────────────────────────────────────────────────────────

    def fail_next(self, kind: int | str, times: int = 1, method_path_regex: str = "") -> None:
        """Arms a failure: a Graph error code, or one of KINDS.

        The pattern is looked for in `POST /v25.0/…/messages send_text` (or `send_template`, `mark_read`, to that path),
        `GET /v25.0/… get_media`, `GET … download`. The failures of `failures.MEDIA` wait for `get_media` by themselves.
        """
        self.armed.append(Armed(kind, times, method_path_regex))

    # ── The customers' side ──────────────────────────────────────────────────────────────────────────────────────────

    def customer_writes(
        self, phone_number_id: str, wa_id: str, name: str, text: str, wamid: str | None = None
    ) -> bytes:
        """A customer's words: kept on the phone, and given back as the webhook's exact body."""
        return self.customer_sends(phone_number_id, wa_id, name, "text", text=text, wamid=wamid)

    def customer_sends(self, phone_number_id: str, wa_id: str, name: str, kind: str, **options: Any) -> bytes:
        """The same with any of `composing.KINDS`; options are `text`, `about` (a wamid), `wamid`, `at`, `identity`."""
        with self.lock:
            return self.keep(chats.customer(self.memory, phone_number_id, wa_id, name, kind, **options), name)

    def business_app_writes(
        self, phone_number_id: str, wa_id: str, text: str, kind: str = "text", **options: Any
    ) -> bytes:
        """An echo of what a person of the business writes in the WhatsApp Business app; `chats.APP_KINDS`."""
        with self.lock:
            return self.keep(chats.echo(self.memory, phone_number_id, wa_id, text, kind, **options))

    def keep(self, message: Message, name: str = "") -> bytes:
        """A message of `chats` is on the phone from now on; returns the webhook that tells of it."""
        chats.keep(self.memory, message, name)
        return self.message_body(message.wamid)

    def message_body(self, wamid: str) -> bytes:
        """The webhook of a customer's message or an echo, byte for byte the same every time."""
        return chats.body_of(self.memory, self.memory.messages[wamid])

    def history(self, phone_number_id: str, wa_id: str, count: int, identity: str = "both") -> bytes:
        """The webhook of an old chat of the WhatsApp Business app; it is not on the phone."""
        business = business_with_number(phone_number_id)
        customer = chats.person(self.memory, business, wa_id, identity=identity)
        return business_app.history(business, customer, count, self.clock())

    def history_declined(self, phone_number_id: str) -> bytes:
        """The webhook of a business that shares no old chats."""
        return business_app.history_declined(business_with_number(phone_number_id))

    def contacts_sync(self, phone_number_id: str, *added: str, removed: Iterable[str] = ()) -> bytes:
        """The webhook of the app's address book: these wa_ids are in it now, those are no more."""
        business = business_with_number(phone_number_id)
        come, gone = ([chats.person(self.memory, business, wa_id) for wa_id in wa_ids] for wa_ids in (added, removed))
        return business_app.contacts_sync(business, come, gone, self.clock())

    def status_update(self, wamid: str, status: str) -> bytes:
        """One step of a message of the business, as a webhook's body."""
        message = self.memory.messages[wamid]
        business = business_with_number(message.phone_number_id)
        to = chats.person(self.memory, business, message.wa_id)
        return envelopes.status_update(business, to, wamid, status, message.opaque, self.clock(), message.price)

    def status_updates(self, wamid: str) -> list[bytes]:
        """The whole ladder: sent, delivered, read."""
        return [self.status_update(wamid, status) for status in LADDER]

    def failed_update(self, wamid: str, code: int) -> bytes:
        """The message was accepted and then failed."""
        message = self.memory.messages[wamid]
        business = business_with_number(message.phone_number_id)
        to = chats.person(self.memory, business, message.wa_id)
        return envelopes.failed_update(business, to, wamid, code, message.opaque, self.clock())

    def combine(self, *bodies: bytes) -> bytes:
        """Several webhooks as one POST."""
        return envelopes.combine(*bodies)

    # ── The companies' side ──────────────────────────────────────────────────────────────────────────────────────────

    def token_for(self, business: Business, scenario: str = "success") -> str:
        """The business's access token, the same one until it is revoked."""
        return grants.token_for(self.app, self.memory, business, scenario)

    def issue_code(self, business: Business, redirect_uri: str = "", scenario: str = "success") -> str:
        """What the dialog gives to somebody who says Continue, or nothing; without a redirect URI it is the popup."""
        chosen = SCENARIOS[scenario]
        if chosen.cancels:
            return ""
        business = chosen.always or business
        with self.lock:
            self.stage(business, scenario)
            return grants.code_for(self.app, self.memory, business, redirect_uri, scenario)

    def stage(self, business: Business, scenario: str) -> None:
        """The business's number is as in this scenario; with "success" all is repaired."""
        with self.lock:
            companies.stage(self.memory, self.armed, business, scenario)

    def set_payment(self, business: Business, *, exists: bool) -> None:
        """The account gets or loses its payment method."""
        with self.lock:
            self.memory.record("paid" if exists else "unpaid", waba_id=business.waba_id)

    def write_templates(self, business: Business, *written: Json) -> None:
        """The account has these templates and no others, as `template_catalogue.template` describes them."""
        templates = [described(business, template) for template in written]
        with self.lock:
            self.memory.record("templates_written", waba_id=business.waba_id, templates=templates)

    def account_update(self, business: Business, event: str, **value: Any) -> bytes:
        """The webhook alone: nothing has happened at Meta."""
        return envelopes.account_update(business, event, self.clock(), **value)

    def security(self, business: Business, event: str) -> bytes:
        """The webhook of a changed PIN, alone."""
        return envelopes.security(business, event, self.clock())

    def happens(self, deed: str, business: Business, wa_id: str = CUSTOMER) -> bytes:
        """One of `companies.DEEDS` is done, by the business or by a customer; returns the webhook that tells of it."""
        with self.lock:
            said, facts = companies.DEEDS[deed](self.memory, business, wa_id)
            for fact in facts:
                self.memory.record(**fact)
        return said

    # ── What can be looked at ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def sent(self) -> list[Message]:
        """The messages that were accepted, in order."""
        return [
            message
            for message in list(self.memory.messages.values())
            if not message.webhook and not message.from_customer
        ]

    @property
    def typing(self) -> set[tuple[str, str]]:
        """The chats (phone_number_id, wa_id) in which the business is typing now."""
        return {chat for chat, until in list(self._typing.items()) if until > self.clock()}

    @property
    def timeline(self) -> list[Event]:
        """What went over the wire, oldest first, without secrets."""
        return list(self.memory.events)

    def note(self, kind: str, title: str, **facts: Any) -> None:
        """Something somebody else saw, for the timeline."""
        with self.lock:
            self.memory.note(kind, title, **facts)

    def close(self) -> None:
        """Lets go of the journal."""
        self.memory.close()


def _refuse(code: int) -> Json:
    raise Refusal(code)
