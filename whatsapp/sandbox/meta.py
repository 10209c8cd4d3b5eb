"""The make-believe Meta: answers Graph calls, writes webhooks, fails on demand. Pure Python, two doors.

Knows nothing of HTTP, of Django or of the product; `server` and the tests' `responses` are its doors.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from whatsapp.sandbox import companies, envelopes, grants, graph
from whatsapp.sandbox.businesses import CATALOGUE, DEMO, DEMO_PIN, LINES, Business, business_with_number
from whatsapp.sandbox.calls import Call
from whatsapp.sandbox.connecting import pin_digest
from whatsapp.sandbox.failures import BEFORE_ANYTHING, Armed, next_failure
from whatsapp.sandbox.memory import Event, Memory, Message
from whatsapp.sandbox.refusals import Refusal
from whatsapp.sandbox.scenarios import SCENARIOS
from whatsapp.sandbox.sending import new_wamid

__all__ = ["CATALOGUE", "DEMO", "DEMO_PIN", "Answer", "ConnectionRefused", "Meta", "NeverAnswers"]

Json = dict[str, Any]
LADDER = ("sent", "delivered", "read")
SLOW_SECONDS = 5.0
WEBHOOK_PATH = "/v1/webhooks/whatsapp"
USAGE = '{"call_count":1,"total_time":1,"total_cputime":1}'


class NeverAnswers(Exception):
    """The call was accepted and its answer is lost: the caller's own time-out must end it."""


class ConnectionRefused(Exception):
    """Nobody listens: the call was never heard."""


@dataclass(frozen=True)
class Answer:
    """What a door gives back; `delay` is for the door to wait."""

    status: int
    body: Any
    headers: dict[str, str]
    delay: float = 0.0


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
        """A Graph call, `/{version}/…`; raises what no HTTP answer can say."""
        version, _, rest = path.strip("/").partition("/")
        bearer = {key.lower(): value for key, value in headers.items()}.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            everything = (self.app, self.memory, self.webhook_url, self._typing)
            call = Call(method, rest.strip("/"), {**query, **body}, bearer, *everything)
            failure = next_failure(self.armed, f"{method} {path} {graph.name_of(call)}")
            answer, ms = self._timed(call, version, failure)
            self._note(call, answer, failure, ms)
        if failure == "refused":
            raise ConnectionRefused
        self._tell(answer)
        if failure == "timeout_after_accept":
            raise NeverAnswers
        return answer

    def _timed(self, call: Call, version: str, failure: int | str | None) -> tuple[Answer, float]:
        started = time.perf_counter()
        answer = self._answer(call, version, failure)
        return answer, (time.perf_counter() - started) * 1000

    def _answer(self, call: Call, version: str, failure: int | str | None) -> Answer:
        if failure in BEFORE_ANYTHING:
            page = "<html><body><h1>Sorry, something went wrong.</h1></body></html>"
            return Answer(500, page, {"Content-Type": "text/html"})
        try:
            status, body = 200, graph.answer(call) if not isinstance(failure, int) else _refuse(failure)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        return Answer(status, body, _headers(call, version), SLOW_SECONDS if failure == "slow" else 0.0)

    def _note(self, call: Call, answer: Answer, failure: int | str | None, ms: float) -> None:
        text = call.params.get("text")
        lost = failure in {"refused", "timeout_after_accept"}
        self.memory.note(
            "graph",
            f"graph.{graph.name_of(call)}",
            detail=str(text.get("body", "")) if isinstance(text, dict) else "",
            request={"method": call.method, "path": f"/{call.path}", "parameters": call.params},
            response={"failure": failure, "lost": answer.body} if lost else answer.body,
            status=None if lost else answer.status,
            ms=ms,
        )

    def _tell(self, answer: Answer) -> None:
        if answer.status == 200 and "messages" in answer.body:
            for tell in self.when_accepted:
                tell(answer.body["messages"][0]["id"])

    # ── Failures on demand ───────────────────────────────────────────────────────────────────────────────────────────

    def fail_next(self, kind: int | str, times: int = 1, method_path_regex: str = "") -> None:
        """Arms a failure: a Graph error code, or one of KINDS.

        The pattern is looked for in `POST /v25.0/…/messages send_text` (or `mark_read`, the other call to that path).
        """
        self.armed.append(Armed(kind, times, method_path_regex))

    # ── The customers' side ──────────────────────────────────────────────────────────────────────────────────────────

    def customer_writes(
        self, phone_number_id: str, wa_id: str, name: str, text: str, wamid: str | None = None
    ) -> bytes:
        """A customer's message: kept on the phone, and given back as the webhook's exact body."""
        wamid = wamid or new_wamid()
        with self.lock:
            if self.memory.customers.get(wa_id) != name:
                self.memory.record("customer", wa_id=wa_id, name=name)
            self.memory.record(
                "message",
                wamid=wamid,
                phone_number_id=phone_number_id,
                wa_id=wa_id,
                from_customer=True,
                body=text,
                status="accepted",
            )
            return self.message_body(wamid)

    def message_body(self, wamid: str) -> bytes:
        """The webhook of a customer's message, byte for byte the same every time."""
        message = self.memory.messages[wamid]
        business = business_with_number(message.phone_number_id)
        name = self.memory.customers[message.wa_id]
        return envelopes.text_message(business, message.wa_id, name, message.body, wamid, message.at)

    def status_update(self, wamid: str, status: str) -> bytes:
        """One step of a message of the business, as a webhook's body."""
        message = self.memory.messages[wamid]
        business = business_with_number(message.phone_number_id)
        return envelopes.status_update(business, message.wa_id, wamid, status, message.opaque, self.clock())

    def status_updates(self, wamid: str) -> list[bytes]:
        """The whole ladder: sent, delivered, read."""
        return [self.status_update(wamid, status) for status in LADDER]

    def failed_update(self, wamid: str, code: int) -> bytes:
        """The message was accepted and then failed."""
        message = self.memory.messages[wamid]
        business = business_with_number(message.phone_number_id)
        return envelopes.failed_update(business, message.wa_id, wamid, code, message.opaque, self.clock())

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

    def account_update(self, business: Business, event: str, **value: Any) -> bytes:
        """The webhook alone: nothing has happened at Meta."""
        return envelopes.account_update(business, event, self.clock(), **value)

    def security(self, business: Business, event: str) -> bytes:
        """The webhook of a changed PIN, alone."""
        return envelopes.security(business, event, self.clock())

    def happens(self, deed: str, business: Business) -> bytes:
        """One of `companies.DEEDS` is done; returns the webhook that tells of it."""
        with self.lock:
            return companies.DEEDS[deed](self.memory, business)

    # ── What can be looked at ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def sent(self) -> list[Message]:
        """The messages that were accepted, in order."""
        return [message for message in list(self.memory.messages.values()) if not message.from_customer]

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


def _headers(call: Call, version: str) -> dict[str, str]:
    """https://developers.facebook.com/docs/graph-api/overview/rate-limiting."""
    trace = secrets.token_urlsafe(8)
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "facebook-api-version": version,
        "x-fb-trace-id": trace,
        "x-fb-request-id": trace,
        "x-app-usage": USAGE,
    }
    object_id = call.path.partition("/")[0]
    if object_id in {business.waba_id for business in LINES}:
        usage = USAGE.removesuffix("}") + ',"type":"whatsapp","estimated_time_to_regain_access":0}'
        headers["x-business-use-case-usage"] = f'{{"{object_id}":[{usage}]}}'
    return headers
