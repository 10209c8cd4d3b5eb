"""Counts the steps that one actor of a process takes, and does harm at one of them: every write, every call.

Knows libraries (psycopg, requests, aiohttp, procrastinate), not the product: whatever the product comes to do is a
step by itself. Only `faulty` turns it on.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiohttp
import psycopg
import requests
from django.core.files import File
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker

# The words of a step: what is written where, or who is called.
WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)")
LOCKS = re.compile(r'FROM "(\w+)".*\bFOR UPDATE', re.DOTALL)
QUEUE = re.compile(r"\b(procrastinate_(?!jobs|workers)\w+)\(")
# These come when the clock says so, not when a turn does.
BY_THE_CLOCK = ("heartbeat", "prune", "procrastinate_workers", "defer_periodic")
CALLS = ("→", "←")  # before it is sent, and once its answer is here
FILE = "half a file"
WHOLE = "END"
# Longer than three heartbeats: by then its jobs are somebody else's.
FROZEN_SECONDS = 3
# How PostgreSQL ends: stopped as an operator does it, or killed, so that it has to recover.
ENDS_OF_DATABASE = {"stop": signal.SIGINT, "crash": signal.SIGKILL}

# Whether this thread or task acts for the one who is watched; nobody is while we do harm ourselves.
watched: ContextVar[bool] = ContextVar("watched", default=False)


class Fault(NamedTuple):
    """What shall happen at which step: `kill`, `drop` (its connections to the database are cut just before the step),
    `lose` (they are cut when the step is done, before anybody is told), `freeze` (for so long that it is thought dead),
    `stop` or `crash` (of the database itself)."""

    kind: str
    word: str
    nth: int

    @property
    def text(self) -> str:
        return "|".join([self.kind, self.word, str(self.nth)])

    @classmethod
    def of(cls, text: str) -> Self:
        kind, word, nth = text.split("|")
        return cls(kind, word, int(nth))


class Watch:
    """Who is watched in this process, and what it has done so far."""

    def __init__(self, fault: Fault | None, struck: Path, written: Path | None) -> None:
        self.fault, self.struck, self.written = fault, struck, written
        self.counts: Counter[str] = Counter()
        self.somebody = self.done = False

    def takes(self) -> bool:
        """Whether the one who asks is to be watched: the first one is."""
        first, self.somebody = not self.somebody, True
        return first

    def before(self, word: str) -> bool:
        """This step comes next. True when it is to be lost: its caller must never hear that it was done."""
        self.counts[word] += 1
        if self.written:
            with self.written.open("a") as file:
                file.write(f"{word}\n")
        if self.fault is None or (self.fault.word, self.fault.nth) != (word, self.counts[word]) or self.done:
            return False
        self.done = True
        self.struck.touch()
        if self.fault.kind == "kill":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        if self.fault.kind == "freeze":
            freeze()
        if self.fault.kind == "drop":
            cut()
        if how := ENDS_OF_DATABASE.get(self.fault.kind):
            end_database(how)
        return self.fault.kind == "lose"


def cut() -> None:
    """Every connection of this process to the database is ended, from without."""
    name = os.environ["PGAPPNAME"]
    with unwatched(), psycopg.connect(os.environ["FAULTY_DATABASE"], application_name="axe", autocommit=True) as axe:
        axe.execute("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = %s", [name])


def freeze() -> None:
    """Nothing of this process moves, and then it goes on without knowing."""
    group = os.getpgrp()
    thaw = f"sleep {FROZEN_SECONDS}; kill -CONT -{group}"
    subprocess.Popen(["/bin/sh", "-c", thaw], start_new_session=True)  # noqa: S603
    os.killpg(group, signal.SIGSTOP)


def end_database(how: int) -> None:
    """PostgreSQL's first process gets this signal. Returns when nobody can connect any more, and all are cut off."""
    os.kill(int(Path(os.environ["FAULTY_POSTMASTER"]).read_text().split()[0]), how)
    with unwatched(), contextlib.suppress(psycopg.OperationalError):
        while True:
            psycopg.connect(os.environ["FAULTY_DATABASE"], application_name="axe").close()
    time.sleep(0.05)


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    token = watched.set(False)
    try:
        yield
    finally:
        watched.reset(token)


def word_of(query: Any) -> str | None:
    """The step that this statement is, None for one that only reads."""
    text = query if isinstance(query, str) else ""
    if any(word in text for word in BY_THE_CLOCK):
        return None
    if found := WRITES.match(text):
        return f"{found[1].split()[0]} {found[2]}"
    if found := QUEUE.search(text):
        return found[1]
    found = LOCKS.search(text)
    return f"LOCK {found[1]}" if found else None


def watch_sql(watch: Watch) -> None:
    """Statements and commits of Django's connections."""
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

    def executes(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        word = word_of(query) if watched.get() else None
        is_lost = word is not None and watch.before(word)
        result = execute(self, query, *args, **kwargs)
        if is_lost:
            _lose(self.connection)
        return result

    def commits(self: Any) -> None:
        is_lost = watched.get() and watch.before("COMMIT")
        commit(self)
        if is_lost:
            _lose(self)

    setattr(psycopg.Cursor, "execute", executes)  # noqa: B010  mypy would not have it assigned
    setattr(psycopg.Connection, "commit", commits)  # noqa: B010


def watch_queue(watch: Watch) -> None:
    """The same of the queue's own connections. A commit is called for what it commits: many are under way at once."""
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit
    doing: dict[Any, str | None] = {}

    async def executes(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        # What the queue does before anybody is watched is how the watched one's job comes to be fetched.
        word = word_of(query) if watched.get() or not watch.somebody else None
        is_lost = word is not None and watch.before(word)
        doing[self.connection] = word
        result = await execute(self, query, *args, **kwargs)
        if is_lost:
            await _lose_async(self.connection)
        return result

    async def commits(self: Any) -> None:
        word = doing.pop(self, None)
        is_lost = word is not None and watch.before(f"COMMIT {word}")
        await commit(self)
        if is_lost:
            await _lose_async(self)

    setattr(psycopg.AsyncCursor, "execute", executes)  # noqa: B010
    setattr(psycopg.AsyncConnection, "commit", commits)  # noqa: B010


def _lose(connection: Any) -> None:
    """What has been done stays done, whoever did it only sees that its connection is gone."""
    with unwatched():
        cut()
        connection.execute("SELECT 1")


async def _lose_async(connection: Any) -> None:
    with unwatched():
        cut()
        await connection.execute("SELECT 1")


def watch_calls(watch: Watch) -> None:
    """Calls to Meta and to the model."""
    send, request = requests.Session.send, aiohttp.ClientSession._request

    def sends(self: Any, prepared: requests.PreparedRequest, **kwargs: Any) -> Any:
        if not watched.get():
            return send(self, prepared, **kwargs)
        name = _call(prepared)
        watch.before(f"{name} →")
        answer = send(self, prepared, **kwargs)
        watch.before(f"{name} ←")
        return answer

    async def requests_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not watched.get():
            return await request(self, *args, **kwargs)
        watch.before("model →")
        answer = await request(self, *args, **kwargs)
        watch.before("model ←")
        return answer

    setattr(requests.Session, "send", sends)  # noqa: B010  mypy would not have it assigned
    setattr(aiohttp.ClientSession, "_request", requests_async)  # noqa: B010


def _call(prepared: requests.PreparedRequest) -> str:
    with contextlib.suppress(ValueError, TypeError):
        body = json.loads(prepared.body or b"")
        return "Meta read" if body.get("status") == "read" else f"Meta {body.get('type', 'other')}"
    return f"Meta {prepared.method}"


def watch_files(watch: Watch) -> None:
    """Files that are written: when half of it is there."""
    chunks = File.chunks

    def chunked(self: Any, chunk_size: int | None = None) -> Iterator[Any]:
        for chunk in chunks(self, chunk_size):
            yield chunk[: len(chunk) // 2]
            if watched.get():
                watch.before(FILE)
            yield chunk[len(chunk) // 2 :]

    setattr(File, "chunks", chunked)  # noqa: B010


def watch_first_job(watch: Watch, task_name: str) -> None:
    """In a worker, the first job of this task is watched, until the queue knows that it is done."""
    process: Callable[..., Awaitable[None]] = Worker._process_job

    async def processes(self: Worker, context: JobContext) -> None:
        is_mine = context.job.task_name == task_name and watch.takes()
        watched.set(is_mine)
        await process(self, context)
        if is_mine:
            watch.before(WHOLE)

    setattr(Worker, "_process_job", processes)  # noqa: B010


def watch_first_post(watch: Watch, application: Callable[..., Any]) -> Callable[..., Any]:
    """In a web process, the first POST is watched, until its answer is on the way."""

    def application_watched(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["REQUEST_METHOD"] != "POST" or not watch.takes():
            return application(environ, start_response)
        token = watched.set(True)
        try:
            answer = application(environ, start_response)
            watch.before(WHOLE)
        finally:
            watched.reset(token)
        return answer

    return application_watched
