"""The product's worker as a real process, conversations that are owed an answer, and what the process costs.

Knows how to look at a process from outside; nothing of what is measured.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection as database
from django.utils import timezone

from agent.models import SystemPrompt
from benchmarks.counterparts import Counterparts
from conversations.models import Conversation, Message, WhatsappUser
from conversations.tasks import queue_answers
from tenants.models import Tenant
from whatsapp.models import WhatsappConnection

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 600


class Worker:
    """One `manage.py worker`, seen from outside."""

    def __init__(self, counterparts: Counterparts) -> None:
        here = f"http://127.0.0.1:{counterparts.port}"
        environment = os.environ | {
            "META_GRAPH_API_URL": f"{here}/graph",
            "ANTHROPIC_BASE_URL": f"{here}/anthropic",
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "manage.py", "worker"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603

    @property
    def kilobytes(self) -> int:
        """What it holds of the machine's memory."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def worker(counterparts: Counterparts) -> Iterator[Worker]:
    running = Worker(counterparts)
    try:
        yield running
    finally:
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()


def tenant_with_number(name: str, number: str) -> WhatsappConnection:
    tenant = Tenant.objects.create(name=name, slug=name)
    SystemPrompt.objects.create(tenant=tenant, text="Be brief.").activate()
    connection = WhatsappConnection.objects.create(
        tenant=tenant, phone_number_id=number, business_account_id=f"2{number}", access_token="EAAbenchmark"
    )
    connection.connected()
    return connection


def write(connection: WhatsappConnection, first: int, count: int) -> list[str]:
    """So many customers have written once, and are owed an answer; returns where it will go."""
    now, tenant = timezone.now(), connection.tenant
    phones = [str(first + number) for number in range(count)]
    users = WhatsappUser.objects.bulk_create(WhatsappUser(tenant=tenant, wa_id=phone) for phone in phones)
    talks = Conversation.objects.bulk_create(
        Conversation(
            tenant=tenant,
            connection=connection,
            whatsapp_user=user,
            answer_due_at=now,
            window_opened_at=now,
            last_sequence=1,
        )
        for user in users
    )
    Message.objects.bulk_create(
        Message(
            tenant=tenant,
            connection=connection,
            conversation=talk,
            sequence=1,
            direction="inbound",
            status="received",
            text="Are you open?",
            wamid=f"wamid.{talk.pk}",
            wants_answer=True,
        )
        for talk in talks
    )
    queue_answers(talks)
    return [f"+{phone}" for phone in phones]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.02)


def database_connections() -> int:
    """Those of others than this process."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        found: int = cursor.fetchone()[0]
    return found
