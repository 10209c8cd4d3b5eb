"""Meta's postman: signed POSTs to the product's webhook, in order, and again until they are taken.

Knows nothing of what the bodies say. Delivery: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
"""

import heapq
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests

from whatsapp import signature
from whatsapp.sandbox.meta import LADDER, Meta

TIMEOUT_SECONDS = 10
RETRY_AFTER = (1, 2, 5, 10, 30)  # seconds; the last one repeats. Meta's own pauses grow over days.
GIVE_UP_AFTER = 15 * 60
STEPS = {"sent": 0.0, "delivered": 0.6, "read": 1.5}
LONGEST_RESPONSE = 2000
LONGEST_SHOWN = 50_000  # bytes of a webhook; a batch of a thousand has more than anybody reads
EMPTY = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
CARRIERS = {"webhook.message", "webhook.echo", "webhook.batch"}  # of messages that the product does not know yet
# How a webhook can be delivered: once, twice, when `release` is called, or with a signature that is none.
MODES = ("normal", "twice", "hold", "forged")


@dataclass
class Parcel:
    """One webhook on its way; `becomes` is the status of the messages once it is taken."""

    body: bytes
    title: str
    wamids: tuple[str, ...] = ()
    becomes: str = ""
    detail: str = ""
    attempts: int = 0
    first: float = field(default_factory=time.monotonic)


@dataclass
class Outcome:
    """How the product answered, or that it did not."""

    status: int | None
    content: Any
    ms: float
    text: str = ""


class Postman:
    """Delivers from one background thread; what waits is not held up by what is being retried."""

    def __init__(self, meta: Meta, url: str, steps: Mapping[str, float] = STEPS) -> None:
        """Nothing is sent before `start`."""
        self.meta, self.url, self.steps = meta, url, steps
        self.product = "waiting"
        self.last_message: Parcel | None = None
        self.held: list[Parcel] = []
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between two processes of one machine
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._count = 0
        self._thread = threading.Thread(target=self._run, name="sandbox-postman", daemon=True)

    def start(self) -> None:
        """Begins, with what a former process of the sandbox left undelivered."""
        self.meta.when_accepted.append(self.climb)
        for message in list(self.meta.memory.messages.values()):
            if not message.from_customer and not message.webhook:
                self.climb(message.wamid)
            elif message.status == "accepted":
                self.deliver(message.wamid)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the delivery that is under way."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS)
        self._session.close()

    def deliver(self, *wamids: str, mode: str = "normal") -> None:
        """Customers' messages or echoes go to the product, in one webhook."""
        message = self.meta.memory.messages[wamids[0]]
        title = "webhook.batch" if len(wamids) > 1 else "webhook.echo" if message.is_echo else "webhook.message"
        bodies = [self.meta.message_body(wamid) for wamid in wamids]
        body = self.meta.combine(*bodies) if len(bodies) > 1 else bodies[0]
        self.last_message = Parcel(body, title, wamids, "delivered", message.body or message.kind)
        self.take(self.last_message, mode)

    def take(self, parcel: Parcel, mode: str) -> int | None:
        """A webhook is delivered in one of MODES; returns how a forged one was answered."""
        if mode == "hold":
            self.held.append(parcel)
        elif mode == "forged":
            return self.forge(parcel.body, parcel.detail)
        else:
            self._post(parcel)
        if mode == "twice":
            self._post(Parcel(parcel.body, "webhook.duplicate", detail=parcel.detail))
        return None

    def release(self, *, newest_first: bool) -> int:
        """What was held back goes on its way; returns how much it was."""
        held, self.held = self.held, []
        for parcel in reversed(held) if newest_first else held:
            self._post(parcel)
        return len(held)

    def climb(self, wamid: str) -> None:
        """An accepted message is sent, delivered and read; from where it stands."""
        status = self.meta.memory.messages[wamid].status
        for step in LADDER[LADDER.index(status) + 1 if status in LADDER else 0 :]:
            self._later(self.steps[step], partial(self._announce, wamid, step))

    def duplicate(self) -> bool:
        """The last message's webhook once more, identical bytes; Meta does that. False when there is none."""
        if self.last_message is None:
            return False
        self._post(Parcel(self.last_message.body, "webhook.duplicate", detail=self.last_message.detail))
        return True

    def announce(self, body: bytes, title: str, detail: str = "", mode: str = "normal") -> int | None:
        """A webhook that carries no new message goes to the product; returns how a forged one was answered."""
        return self.take(Parcel(body, title, detail=detail), mode)

    def forge(self, body: bytes = EMPTY, detail: str = "") -> int | None:
        """A stranger posts with a signature that is none: how the product answers."""
        parcel = Parcel(body, "webhook.forged", detail=detail)
        outcome = self._send(parcel, signature.sign(body, secrets.token_hex(16)))
        return outcome.status

    def _announce(self, wamid: str, status: str) -> None:
        self._attempt(Parcel(self.meta.status_update(wamid, status), f"webhook.{status}", (wamid,), status))

    def _post(self, parcel: Parcel) -> None:
        self._later(0, partial(self._attempt, parcel))

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        with self._wake:
            self._count += 1
            heapq.heappush(self._due, (time.monotonic() + seconds, self._count, action))
            self._wake.notify()

    def _run(self) -> None:
        while not self._stopping and not self._handshake():
            self._pause(1)
        while action := self._next():
            action()

    def _pause(self, seconds: float) -> None:
        with self._wake:
            if not self._stopping:
                self._wake.wait_for(lambda: self._stopping, seconds)

    def _next(self) -> Callable[[], None] | None:
        with self._wake:
            while not self._stopping:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._wake.wait(wait)
        return None

    def _handshake(self) -> bool:
        """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint."""
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": self.meta.verify_token}
        outcome = self._request("GET", params=query)
        taken = outcome.status == 200 and outcome.text == challenge
        product = "ready" if taken else "refused" if outcome.status else "unreachable"
        if product != self.product:  # one line for a product that starts slowly, not one a second
            self._note("webhook.handshake", {"method": "GET", "url": self.url, "query": query}, outcome)
        self.product = product
        return taken

    def _attempt(self, parcel: Parcel) -> None:
        outcome = self._send(parcel, signature.sign(parcel.body, self.meta.app_secret))
        if outcome.status == 200:
            self._settle(parcel, parcel.becomes)
        elif time.monotonic() - parcel.first > GIVE_UP_AFTER:
            self._settle(parcel, "failed" if parcel.title in CARRIERS else "")
        else:
            pause = RETRY_AFTER[min(parcel.attempts, len(RETRY_AFTER) - 1)]
            parcel.attempts += 1
            self._later(pause, partial(self._attempt, parcel))

    def _settle(self, parcel: Parcel, status: str) -> None:
        if status:
            with self.meta.lock:
                for wamid in parcel.wamids:
                    self.meta.memory.advance(wamid, status)

    def _send(self, parcel: Parcel, signed: str) -> Outcome:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signed}
        outcome = self._request("POST", data=parcel.body, headers=headers)
        self.product = "ready" if outcome.status else "unreachable"
        whole = len(parcel.body) <= LONGEST_SHOWN
        body = json.loads(parcel.body) if whole else parcel.body[:LONGEST_RESPONSE].decode() + "…"
        shown = {"method": "POST", "url": self.url, "headers": headers, "body": body}
        self._note(parcel.title, {"attempt": parcel.attempts + 1, **shown}, outcome, parcel.detail)
        return outcome

    def _request(self, method: str, **how: Any) -> Outcome:
        started = time.perf_counter()
        try:
            response = self._session.request(method, self.url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **how)
        except requests.RequestException as error:
            return Outcome(None, {"error": type(error).__name__}, (time.perf_counter() - started) * 1000)
        ms = (time.perf_counter() - started) * 1000
        return Outcome(response.status_code, _content(response), ms, response.text)

    def _note(self, title: str, request: Any, outcome: Outcome, detail: str = "") -> None:
        facts = {"request": request, "response": outcome.content, "status": outcome.status, "ms": outcome.ms}
        self.meta.note("webhook", title, detail=detail, **facts)


def _content(response: requests.Response) -> Any:
    if "json" in response.headers.get("Content-Type", ""):
        return response.json()
    return response.text[:LONGEST_RESPONSE]
