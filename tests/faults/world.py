"""One database, one product, one simulator, and what must be true of them whatever was done to their processes.

Knows what customers and rows look like; nothing of how an answer is made.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from django.db import connection as database
from django.db.models import Q

from conversations.models import Conversation, Decision, Message, ParkedStatus, WebhookEvent, WhatsappUser
from tenants.queue import queue
from tests.faults.steps import Fault
from tests.processes import ROOT, Platform, answers, wait_for
from whatsapp.models import GraphExchange, WhatsappConnection
from whatsapp.sandbox.meta import DEMO

CUSTOMERS = ("34600000101", "34600000102", "447700900103", "972500000104")
PATIENCE_SECONDS = 45
Json = dict[str, Any]
SEEN = ("sent", "delivered", "read", "played")
# What the clock defers, again and again: of these there is always one.
PERIODIC = ("sweep", "retry_jobs_of_dead_workers")


@dataclass(frozen=True)
class Scene:
    """What a worker meets: Meta's or the model's trouble with everybody, what a dead worker has left; and which of its
    tasks is watched."""

    trouble: str = ""
    dead: Fault | None = None
    task: str = "answer"

    def __str__(self) -> str:
        return f" ({self.trouble or self.task})" if self.trouble or self.dead else ""


QUIET = Scene()


@dataclass
class Case:
    """What was done to whom, and what came of it."""

    role: str
    fault: Fault | None
    scene: Scene = QUIET
    struck: bool = False
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        what = f"{self.fault.kind:<22} {self.fault.word} #{self.fault.nth}{self.scene}" if self.fault else "nothing"
        came = " ".join(f"{word}:{count}" for word, count in sorted(self.outcomes.items()))
        state = "WRONG" if self.wrongs else "held" if self.struck else "not reached"
        return f"{self.role:<8} {what:<75} {state:<12} {came}  ({self.seconds:.1f} s)" + "".join(
            f"\n         ! {wrong}" for wrong in self.wrongs
        )


class World(Platform):
    """The product's processes, forked from one that has imported everything, so that a death costs little."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.groups: dict[str, int] = {}
        self.number = 0
        self.known: set[str] = set()
        self.said = (directory / "mother.log").open("wb")
        self.mother = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.faulty"],
            cwd=ROOT,
            env=self.environment()
            | {
                "META_TIMEOUT_SECONDS": "2",
                "ANTHROPIC_TIMEOUT_SECONDS": "2",
                "DATABASE_POOL_SIZE": "8",
                "FAULTY_DATABASE": self.environment()["DATABASE_URL"].replace("postgres://", "postgresql://"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
        )
        self._read()

    def _read(self) -> str:
        assert self.mother.stdout is not None
        line: str = self.mother.stdout.readline().strip()
        assert line, (self.directory / "mother.log").read_text()
        return line

    # ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, role: str, fault: Fault | None = None, written: Path | None = None, task: str = "answer") -> None:
        """Starts a process, to be hurt as the fault says, and only once."""
        struck = self.struck
        order = {
            "role": role,
            "log": str(self.directory / f"{role}.log"),
            "struck": str(struck),
            "port": {"web": self.web, "sandbox": self.sandbox}.get(role, 0),
            "webhook": f"http://127.0.0.1:{self.web}/v1/webhooks/whatsapp",
            "journal": str(self.directory / "journal.jsonl"),
            **({"fault": fault.text} if fault else {}),
            **({"written": str(written)} if written else {}),
            "task": task,
        }
        assert self.mother.stdin is not None
        self.mother.stdin.write(json.dumps(order) + "\n")
        self.mother.stdin.flush()
        self.groups[role] = int(self._read())
        if role == "web":
            wait_for(lambda: answers(f"http://127.0.0.1:{self.web}/healthz") or not self.lives("web"))
        if role == "sandbox":
            wait_for(lambda: answers(f"http://127.0.0.1:{self.sandbox}/api/state"))

    @property
    def struck(self) -> Path:
        """Is there once the fault has happened."""
        return self.directory / f"struck-{self.number}"

    def lives(self, role: str) -> bool:
        try:
            os.kill(self.groups[role], 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, role: str) -> None:
        """kill -9, the children of gunicorn too; whoever is dead already may stay so."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.groups[role], signal.SIGKILL)
        wait_for(lambda: not self.lives(role))

    def end(self) -> None:
        for role in self.groups:
            self.kill(role)
        self.mother.communicate(timeout=10)
        self.said.close()

    # ── One case ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def try_out(self, role: str, fault: Fault | None, written: Path | None = None, scene: Scene = QUIET) -> Case:
        """Four customers write twice each while this happens to this process; then all has to come right."""
        self._begin()
        started, case = time.monotonic(), Case(role, fault, scene)
        try:
            if role == "worker":
                self._customers_write()
                self._wait_until_stored()
                self._set(scene)
                self.run("worker", fault, written, task=scene.task)
            else:
                self.kill(role)
                self.run(role, fault, written)
                self.run("worker")
                self._customers_write()
            self._see_it_through(role, fault, case)
        except (AssertionError, OSError) as error:
            case.wrongs.append(f"{type(error).__name__}: {error}")
        case.struck = self.struck.exists() or (role == "sandbox" and not self.call("state")["armed"])
        case.wrongs += self.wrongs()
        case.outcomes += self.outcomes()
        case.seconds = time.monotonic() - started
        return case

    def _begin(self) -> None:
        """Nothing of the case before is left, but the chats on the phones."""
        if "worker" in self.groups:
            self.kill("worker")
        for role in ("sandbox", "web"):
            if role not in self.groups or not self.lives(role):
                self.run(role)
        wait_for(lambda: self.call("state")["product"] == "ready")
        for model in (Decision, GraphExchange, ParkedStatus, Message, Conversation, WhatsappUser, WebhookEvent):
            model.objects.all().delete()
        WhatsappConnection.objects.update(last_webhook_at=None)
        with database.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
        self.known = {message["wamid"] for message in self.call("state")["messages"]}
        self.number += 1

    def _set(self, scene: Scene) -> None:
        for _customer in CUSTOMERS if scene.trouble else ():
            self.call("failures", {"kind": scene.trouble})
        if scene.dead:
            self.run("worker", scene.dead)
            wait_for(lambda: not self.lives("worker"))
            self.struck.unlink()
            self.time_passes(everybody_is_dead=True)

    def _customers_write(self) -> None:
        for wa_id in CUSTOMERS:
            texts = [f"<{self.number}.{wa_id[-1]}.{number}>" for number in (1, 2)]
            self.call("burst", {"phone_number_id": DEMO.phone_number_id, "wa_id": wa_id, "texts": texts})

    def _wait_until_stored(self) -> None:
        wait_for(lambda: Message.objects.count() == 2 * len(CUSTOMERS))

    def _see_it_through(self, role: str, fault: Fault | None, case: Case) -> None:
        """Whoever dies is started again; time passes; until nothing is left to do."""
        until = time.monotonic() + PATIENCE_SECONDS
        hurt_at: float | None = None
        while not self.is_settled():
            left = self.unsettled() if time.monotonic() > until else ""
            assert not left, f"does not settle: {left}"
            if hurt_at is None and self.struck.exists():
                hurt_at = time.monotonic()
            for name in ("sandbox", "web", "worker"):
                if not self.lives(name):
                    self.time_passes(everybody_is_dead=name == "worker")
                    case.outcomes[f"{name} restarted"] += 1
                    self.run(name)
            if hurt_at is None and role != "sandbox" and fault is not None:
                time.sleep(0.05)
                continue
            time.sleep(0.3)
            if role == "sandbox" or time.monotonic() - (hurt_at or until) > 1:
                self.time_passes(everybody_is_dead=False)

    def time_passes(self, *, everybody_is_dead: bool) -> None:
        """A minute, as far as the rows can tell, and the clock strikes; for what somebody who lives may be at, only
        if it is older than anything that can still be under way."""
        old = "" if everybody_is_dead else "AND {} < now() - interval '4 seconds'"
        minute = "interval '1 minute'"
        with database.cursor() as cursor:
            for table, column, where in (
                ("conversations_message", "status_at", f"status = 'sending' {old.format('status_at')}"),
                ("conversations_webhookevent", "received_at", f"processed_at IS NULL {old.format('received_at')}"),
                ("conversations_conversation", "answer_due_at", "answer_due_at IS NOT NULL"),
                ("procrastinate_jobs", "scheduled_at", "status = 'todo' AND scheduled_at IS NOT NULL"),
                *([("procrastinate_workers", "last_heartbeat", "true")] if everybody_is_dead else []),
            ):
                cursor.execute(f"UPDATE {table} SET {column} = {column} - {minute} WHERE {where}")  # noqa: S608
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = ANY(%s)", [list(PERIODIC)])
            waiting = cursor.fetchone()[0]
        if not waiting:
            for task in PERIODIC:
                queue().configure_task(task).defer(timestamp=0)

    # ── What is to be seen ───────────────────────────────────────────────────────────────────────────────────────────

    def phone(self) -> list[Json]:
        """This case's messages on the phones, in order."""
        try:
            return [message for message in self.call("state")["messages"] if message["wamid"] not in self.known]
        except (OSError, ValueError, HTTPException):  # the simulator dies in the middle of its answer
            return []

    def jobs(self) -> list[str]:
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT task_name || ' ' || status || ' ' || attempts FROM procrastinate_jobs"
                " WHERE status IN ('todo', 'doing') AND task_name <> ALL(%s)",
                [list(PERIODIC)],
            )
            return [row[0] for row in cursor.fetchall()]

    def is_settled(self) -> bool:
        return not self.unsettled()

    def unsettled(self) -> str:
        """What is still to come, in words."""
        phone = self.phone()
        said = [message for message in phone if message["from_customer"]]
        left = {
            "not on the phone": 2 * len(CUSTOMERS) - len(said),
            "undelivered": sum(message["status"] == "accepted" for message in phone),
            "unstored": len(said) - Message.objects.filter(direction="inbound").count(),
            "due": Conversation.objects.filter(answer_due_at__isnull=False).count(),
            "jobs": self.jobs(),
            "on their way": list(
                Message.objects.filter(status__in=["drafted", "sending"]).values_list("status", flat=True)
            ),
            "unprocessed": WebhookEvent.objects.filter(processed_at=None).count(),
            "statuses to come": sum(message["status"] != "read" for message in phone if not message["from_customer"]),
            "ticks to come": Message.objects.filter(direction="outbound", status__in=["sent", "delivered"]).count(),
        }
        return ", ".join(f"{name}: {what}" for name, what in left.items() if what)

    def outcomes(self) -> Counter[str]:
        """What the agent's answers have come to."""
        return Counter(Message.objects.filter(direction="outbound").values_list("status", flat=True))

    # ── What must be true ────────────────────────────────────────────────────────────────────────────────────────────

    def wrongs(self) -> list[str]:
        """Every promise that was broken, in words."""
        phone = self.phone()
        return [*self._lost_or_double(phone), *self._answers(phone), *self._once(phone), *self._order(phone)]

    def _lost_or_double(self, phone: list[Json]) -> Iterator[str]:
        stored = Counter(Message.objects.filter(direction="inbound").values_list("wamid", flat=True))
        for message in phone:
            if message["from_customer"] and stored[message["wamid"]] != 1:
                yield f"{message['body']} is stored {stored[message['wamid']]} times"
        posted = Counter(message["opaque"] for message in phone if not message["from_customer"])
        yield from (f"draft {draft} was sent {count} times" for draft, count in posted.items() if count > 1)
        errors = WebhookEvent.objects.exclude(error="").values_list("error", flat=True)
        yield from (f"an event has an error: {error}" for error in errors)

    def _answers(self, phone: list[Json]) -> Iterator[str]:
        """Each answer is on the phone, or says why it is not or may not be."""
        on_phone = {message["opaque"] for message in phone if not message["from_customer"]}
        for conversation in Conversation.objects.all():
            if conversation.unheard().exists():
                yield f"{conversation} is unheard"
        for reply in Message.objects.filter(direction="outbound", author="agent"):
            is_there = str(reply.pk) in on_phone
            if is_there != (reply.status in SEEN) and reply.status != "unknown":
                yield f"{reply.pk} is {reply.status}, and {'' if is_there else 'not '}on the phone"
            if reply.status in ("failed", "unknown") and not reply.error:
                yield f"{reply.pk} is {reply.status} without a reason"

    def _once(self, phone: list[Json]) -> Iterator[str]:
        """Each message is heard by one answer: the simulated model quotes what it was asked."""
        bodies = [message["body"] for message in phone if not message["from_customer"]]
        quoted = Counter(text for body in bodies for text in re.findall(r"<[\d.]+>", body))
        for message in Message.objects.filter(direction="inbound"):
            later = Message.objects.filter(
                conversation=message.conversation_id, in_reply_to__sequence__gte=message.sequence
            )
            answer = later.order_by("sequence").first()
            # A note: something else was said instead of an answer.
            is_excused = answer is not None and (answer.status in ("failed", "unknown") or answer.note)
            if quoted[message.text] != 1 and not (is_excused and quoted[message.text] == 0):
                yield f"{message.text} is answered {quoted[message.text]} times on the phone"

    def _order(self, phone: list[Json]) -> Iterator[str]:
        """On each phone the answers stand in the order of what they answer."""
        places = {message["opaque"]: place for place, message in enumerate(phone) if not message["from_customer"]}
        for conversation in Conversation.objects.all():
            replies = conversation.messages.filter(~Q(in_reply_to=None)).order_by("sequence")
            heard = list(replies.values_list("in_reply_to__sequence", flat=True))
            there = [places[str(reply.pk)] for reply in replies if str(reply.pk) in places]
            if heard != sorted(set(heard)) or there != sorted(there):
                yield f"the order is broken: {heard}, on the phone {there}"


def steps_of(world: World, role: str, directory: Path, scene: Scene = QUIET) -> list[tuple[str, int]]:
    """Every step that this role takes when nothing happens to it: each word, and the how-manieth of it."""
    found: list[tuple[str, int]] = []
    for _time in range(2):  # what is done by the way comes in any order
        written = directory / f"{world.number}.steps"
        case = world.try_out(role, None, written, scene)
        assert not case.wrongs, case
        counts: Counter[str] = Counter()
        for word in written.read_text().splitlines():
            counts[word] += 1
            if (word, counts[word]) not in found:
                found.append((word, counts[word]))
    return found


def report(cases: list[Case], path: Path, say: Callable[[str], None]) -> None:
    """The table, in the order it was tried, and in a few lines."""
    lines = [str(case) for case in cases]
    summary: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for case in cases:
        counts = summary[f"{case.role}{case.scene}", case.fault.kind if case.fault else ""]
        counts["cases"] += 1
        counts["held" if case.struck and not case.wrongs else "WRONG" if case.wrongs else "not reached"] += 1
        counts.update(case.outcomes)
    for (role, kind), counts in summary.items():
        lines.append(f"{role:<30} {kind:<22} " + "  ".join(f"{word} {count}" for word, count in counts.items()))
    path.write_text("\n".join(lines) + "\n")
    for line in lines:
        say(line)
