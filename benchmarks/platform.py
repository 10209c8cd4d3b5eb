"""The product's processes, the load beside them, and what all of them cost, seen from outside.

Knows how each is started (as production does: the Dockerfile says how) and /proc; nothing of what is measured.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection as database

from benchmarks.bodies import Block
from benchmarks.counterparts import Counterparts
from benchmarks.load import Answer, Load, encoded
from config.local.processes import dies_with_us

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / ".local" / "bench.log"  # what the processes say
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 900.0
# Of the logs only what is wrong. No static files are collected, which Django would mention.
QUIET = {"LOG_LEVEL": "ERROR", "GUNICORN_CMD_ARGS": "--log-level error", "PYTHONWARNINGS": "ignore"}
PRODUCT, REFERENCE = "config.wsgi:application", "benchmarks.reference.wsgi:application"
FAST_DOOR = "config.ingest:application"


class Process:
    """One process of ours with its children."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self.command, self.environment = command, environment
        self.start()

    def start(self) -> None:
        with LOG.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_us(signal.SIGTERM),
            )

    def kill(self) -> None:
        """At once, and its children with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def revive(self) -> None:
        """As whoever runs it would: starts it again when it has ended."""
        if self.process.poll() is not None:
            self.kill()
            self.start()

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    @property
    def kilobytes(self) -> int:
        """What it holds of the machine's memory, without its children."""
        return _kilobytes(self.process.pid)

    @property
    def kilobytes_of_a_child(self) -> int:
        """What the largest of its children holds."""
        return max(map(_kilobytes, _children(self.process.pid)), default=0)


class Web(Process):
    """gunicorn as the Dockerfile has it, but that it does not replace its workers now and then: that would fall into
    some runs and not into others."""

    def __init__(self, application: str = PRODUCT, **environment: str) -> None:
        self.port = free_port()
        self.is_reference = application == REFERENCE
        module = "benchmarks.reference.settings" if self.is_reference else "config.settings"
        super().__init__(
            [sys.executable, "-m", *_served(application, self.port)],
            {"DJANGO_SETTINGS_MODULE": module, **QUIET, **environment},
        )
        wait_for(lambda: _listens(self.port))


def worker(counterparts: Counterparts, **environment: str) -> Process:
    """The command of production, with the make-believe Meta and model."""
    here = f"http://127.0.0.1:{counterparts.port}"
    urls = {"META_GRAPH_API_URL": f"{here}/graph", "ANTHROPIC_BASE_URL": f"{here}/anthropic"}
    return Process([sys.executable, "manage.py", "worker"], {**urls, **QUIET, **environment})


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()


class Cost(NamedTuple):
    """Answers to a load, and the CPU seconds that they took from it and from PostgreSQL."""

    answers: list[Answer]
    cpu: float
    postgres: float

    @property
    def per_second(self) -> float:
        seconds = max(a.acknowledged for a in self.answers) - min(a.due for a in self.answers)
        return len(self.answers) / seconds

    @property
    def repeats(self) -> int:
        return sum(answer.repeats for answer in self.answers)


def post(web: Web, block: Block, *, lines: int = 32, rate: float = 0) -> Cost:
    """Has another process post the block, and returns when all of it is acknowledged, with what it cost."""
    cpu, postgres = web.cpu_seconds, postgres_cpu_seconds()
    answers = answers_to(Load(block, web.port, settings.META_APP_SECRET, lines, rate))
    return Cost(answers, web.cpu_seconds - cpu, postgres_cpu_seconds() - postgres)


def answers_to(load: Load) -> list[Answer]:
    """The same without looking at anybody, who may be dead by then."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        input=encoded(load),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"The load could not be posted; the lines above say why, or those in {LOG.relative_to(ROOT)}.")
    return [Answer(*answer) for answer in json.loads(done.stdout)]


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"Waited for {seconds:.0f} s in vain; perhaps {LOG.relative_to(ROOT)} says why.")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def cpu_seconds(pid: int) -> float:
    """Of the process, of its living children, and of those that it has seen end."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS + sum(map(cpu_seconds, _children(pid)))


def postgres_pid() -> int | None:
    """The server, when it is one of this machine that we may look at."""
    with database.cursor() as cursor:
        cursor.execute("SELECT current_setting('data_directory', true)")
        directory = cursor.fetchone()[0]
    try:
        return int(Path(directory or "", "postmaster.pid").read_text().partition("\n")[0])
    except OSError:
        return None


def postgres_cpu_seconds() -> float:
    """0 when it is somewhere else."""
    pid = postgres_pid()
    return cpu_seconds(pid) if pid else 0.0


def database_connections() -> int:
    """Those of others than this process."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        found: int = cursor.fetchone()[0]
    return found


def _served(application: str, port: int) -> list[str]:
    """The Dockerfile's command, for this application and port. The fast door is one process without threads."""
    written = re.search(r"^CMD (\[.*?\])", (ROOT / "Dockerfile").read_text(), re.MULTILINE | re.DOTALL)
    assert written is not None  # noqa: S101
    command = shlex.join(json.loads(written[1].replace("\\\n", "")))
    command = re.sub(r" --max-requests(-jitter)? \d+", "", command).replace(PRODUCT, application)
    if application == FAST_DOOR:
        command = command.replace("gthread", "asgi").replace("--workers 2 --threads 32", "--workers 1")
    return shlex.split(command.replace("0.0.0.0:8000", f"127.0.0.1:{port}"))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _children(pid: int) -> list[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found.update(map(int, task.read_text().split()))
    return sorted(found)


def _kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
