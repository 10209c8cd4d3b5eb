"""One database, one product, one simulator: their processes, how time passes for them, and who writes to them.

Knows how they are started, killed and kept up; nothing of what is done to them in a case, or of what must be true.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path

from django.db import connection as database

from config.local.database import Database
from conversations.models import Conversation, Decision, MediaFile, Message, ParkedStatus, WebhookEvent, WhatsappUser
from tenants.queue import queue
from tests.faults.promises import PERIODIC, Phone
from tests.faults.server import hang_up
from tests.faults.steps import Fault
from tests.processes import ROOT, Platform, answers, wait_for
from whatsapp.models import GraphExchange, WhatsappConnection
from whatsapp.sandbox.meta import DEMO

CUSTOMERS = ("34600000101", "34600000102", "447700900103", "972500000104")
TEXTS = ("text",) * len(CUSTOMERS)
MEDIA = ("image", "document", "document", "document")
# Each of them writes so many messages.
MESSAGES_EACH = 2
# `./run` looks once a second whether its database lives.
DOWN_SECONDS = 0.7
LOCAL = {
    "META_TIMEOUT_SECONDS": "2",
    "ANTHROPIC_TIMEOUT_SECONDS": "2",
    "DATABASE_POOL_SIZE": "8",
}


class World(Platform):
    """The product's processes, forked from one that has imported everything, so that a death costs little.

    With a `server` its database is its own, and may be stopped and killed; it is brought up again as `./run` does it.
    """

    def __init__(self, directory: Path, server: Database | None = None) -> None:
        super().__init__(directory)
        self.server = server
        self.groups: dict[str, int] = {}
        self.number = 0
        self.known: set[str] = set()
        self.said = (directory / "mother.log").open("wb")
        self.mother = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.faulty"],
            cwd=ROOT,
            env=self.environment()
            | LOCAL
            | {
                "FAULTY_DATABASE": self.environment()["DATABASE_URL"].replace("postgres://", "postgresql://"),
                "FAULTY_POSTMASTER": str(directory / "postgres" / "postmaster.pid"),
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

    def run(
        self,
        name: str,
        fault: Fault | None = None,
        written: Path | None = None,
        task: str = "answer",
        concurrency: int = 8,
    ) -> None:
        """Starts a process, to be hurt as the fault says, and only once. What runs is its name's first word."""
        role = name.split()[0]
        order = {
            "role": role,
            "name": name,
            "log": str(self.directory / f"{role}.log"),
            "struck": str(self.struck),
            "port": {"web": self.web, "sandbox": self.sandbox}.get(role, 0),
            "webhook": f"http://127.0.0.1:{self.web}/v1/webhooks/whatsapp",
            "journal": str(self.directory / "journal.jsonl"),
            **({"fault": fault.text} if fault else {}),
            **({"written": str(written)} if written else {}),
            "task": task,
            "concurrency": concurrency,
        }
        assert self.mother.stdin is not None
        self.mother.stdin.write(json.dumps(order) + "\n")
        self.mother.stdin.flush()
        self.groups[name] = int(self._read())
        if role == "web":
            wait_for(lambda: answers(f"http://127.0.0.1:{self.web}/healthz") or not self.lives("web"))
        if role == "sandbox":
            wait_for(lambda: answers(f"http://127.0.0.1:{self.sandbox}/api/state"))

    @property
    def struck(self) -> Path:
        """Is there once the fault has happened."""
        return self.directory / f"struck-{self.number}"

    def lives(self, name: str) -> bool:
        try:
            os.kill(self.groups[name], 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, name: str) -> None:
        """kill -9, the children of gunicorn too; whoever is dead already may stay so."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.groups[name], signal.SIGKILL)
        wait_for(lambda: not self.lives(name))

    def bring_up(self) -> None:
        """The database again, when it is ours and has gone. Our own connection is lost with it."""
        assert self.server is not None
        time.sleep(DOWN_SECONDS)
        self.server.keep_up()
        hang_up()

    def end(self) -> None:
        for name in self.groups:
            self.kill(name)
        self.mother.communicate(timeout=10)
        self.said.close()

    # ── What happens in it ───────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Everybody but the workers lives, and nothing of the case before is left but the chats on the phones."""
        if self.server is not None:  # it may have ended when all else was done
            self.server.keep_up()
            hang_up()
        for name in [name for name in self.groups if name.startswith("worker")]:
            self.kill(name)
        for name in ("sandbox", "web"):
            if name not in self.groups or not self.lives(name):
                self.run(name)
        wait_for(lambda: self.call("state")["product"] == "ready")
        for model in (
            Decision,
            GraphExchange,
            ParkedStatus,
            Message,
            MediaFile,
            Conversation,
            WhatsappUser,
            WebhookEvent,
        ):
            model.objects.all().delete()
        shutil.rmtree(self.directory / "media", ignore_errors=True)
        WhatsappConnection.objects.update(last_webhook_at=None)
        with database.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
        self.known = {message["wamid"] for message in self.call("state")["messages"]}
        self.number += 1

    def customers_write(self, *, media: bool) -> None:
        """Each of them two messages at once; with media, the first is one's image, or the same paper of all others."""
        for wa_id, kind in zip(CUSTOMERS, MEDIA if media else TEXTS, strict=True):
            chat = {"phone_number_id": DEMO.phone_number_id, "wa_id": wa_id}
            first, second = (f"<{self.number}.{wa_id[-1]}.{number}>" for number in range(1, MESSAGES_EACH + 1))
            if kind == "text":
                self.call("burst", {**chat, "texts": [first, second]})
            else:
                self.call("messages", {**chat, "kind": kind, "text": first})
                self.call("messages", {**chat, "text": second})

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

    def phone(self) -> Phone:
        """This case's messages on the phones, in order."""
        try:
            return [message for message in self.call("state")["messages"] if message["wamid"] not in self.known]
        except (OSError, ValueError, HTTPException):  # the simulator dies in the middle of its answer
            return []
