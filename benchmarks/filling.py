"""Fills the tables with conversations of a year: many short ones, some huge, of a few tenants, in the order of time.

Knows how such rows look; nothing of what is measured with them. Written past the foreign keys' triggers, which would
take longer than everything else: the database has to let us (the embedded one does).
"""

import hashlib
import shutil
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from benchmarks import bodies, population
from benchmarks.population import fill
from benchmarks.table import say
from conversations.models import Conversation, Message, WebhookEvent, WhatsappUser
from whatsapp.models import WhatsappConnection

TENANTS = 5
HUGE_EVERY, HUGE = 50, 5  # of so many conversations the one with this number is huge
TIMES_HUGE = 20
CHUNK = 3_000  # conversations
BYTES_A_MESSAGE = 1_300  # with its indexes, its share of the events and the write-ahead log
SIZE = f"(20 + mod(k * 53, 181)) * CASE WHEN mod(k, {HUGE_EVERY}) = {HUGE} THEN {TIMES_HUGE} ELSE 1 END"
# A conversation begins every ten minutes, and goes on with pauses of its own: at any time many are under way.
FIRST_DAY = timedelta(days=500)
BEGINS, PAUSE = "interval '10 minutes'", "interval '1 minute' * (2 + mod(k, 10))"


def size_of(talk: int) -> int:
    """The messages of the conversation with this number: 20 to 200, or twenty times as many."""
    return (20 + talk * 53 % 181) * (TIMES_HUGE if talk % HUGE_EVERY == HUGE else 1)


def id_of(talk: int) -> UUID:
    return UUID(hashlib.md5(f"talk{talk}".encode(), usedforsecurity=False).hexdigest())


class Archive:
    """What has been said so far. Grows, and never shrinks."""

    def __init__(self) -> None:
        self.connections = population.numbers()[:TENANTS]
        self.talks = self.messages = 0
        self._first_day = timezone.now() - FIRST_DAY

    def grow_to(self, messages: int) -> None:
        """Raises SystemExit when the disk is too small for so many."""
        free = shutil.disk_usage(Path(__file__).parent).free
        if (messages - self.messages) * BYTES_A_MESSAGE > free:
            needed = messages * BYTES_A_MESSAGE // 10**9 + 1
            raise SystemExit(f"{messages:,} messages need {needed} GB of disk, and {free // 10**9} GB are free.")
        first, whole = self.talks, self.messages
        for talk in count(first):
            if whole >= messages or talk - first == CHUNK:
                self._add(first, talk - 1)
                first, self.talks, self.messages = talk, talk, whole
                say(f"{whole:,} messages in {talk:,} conversations")
            if whole >= messages:
                break
            whole += size_of(talk)
        with database.cursor() as cursor:
            for model in (Message, Conversation, WhatsappUser, WebhookEvent):
                cursor.execute(f"VACUUM (ANALYZE) {model._meta.db_table}")

    def gigabytes(self) -> float:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return float(cursor.fetchone()[0]) / 1e9

    def _add(self, first: int, last: int) -> None:
        with transaction.atomic():
            with database.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL work_mem = '512MB'")
            talks = _talks(first, last, self._first_day)
            _people(self.connections, talks)
            said = f"SELECT *, begun + s * pause AS at FROM ({talks}) AS talks, generate_series(1, size) AS s"  # noqa: S608
            _messages(self.connections, said)
            _events(said)


def _talks(first: int, last: int, first_day: datetime) -> str:
    columns = f"{SIZE} AS size, '{first_day.isoformat()}'::timestamptz + k * {BEGINS} AS begun, {PAUSE} AS pause"
    return f"SELECT k, {columns} FROM generate_series({first}, {last}) AS k"  # noqa: S608


def _people(connections: list[WhatsappConnection], talks: str) -> None:
    last = "begun + size * pause"
    user = WhatsappUser(tenant=connections[0].tenant)
    fill(
        user,
        talks,
        id="md5('person' || k)::uuid",
        tenant_id=_tenant(connections),
        wa_id="'34' || lpad(k::text, 9, '0')",
        user_id="'ES.' || lpad(k::text, 20, '0')",
        name="'Lucía ' || k",
        created_at="begun",
    )
    fill(
        Conversation(),
        talks,
        id="md5('talk' || k)::uuid",
        tenant_id=_tenant(connections),
        connection_id=_connection(connections),
        whatsapp_user_id="md5('person' || k)::uuid",
        created_at="begun",
        last_message_at=last,
        window_opened_at=last,
        last_sequence="size",
    )


def _messages(connections: list[WhatsappConnection], said: str) -> None:
    """In turns, the customer first: each answer is one to what stands before it."""
    fill(
        Message(text=bodies.WORDS),
        said,
        "ORDER BY at",
        id=_id("message", "s", "at"),
        tenant_id=_tenant(connections),
        connection_id=_connection(connections),
        conversation_id="md5('talk' || k)::uuid",
        sequence="s",
        **dict.fromkeys(("said_at", "status_at", "sent_at", "created_at"), "at"),
        direction=_either("'inbound'", "'outbound'"),
        author=_either("'customer'", "'agent'"),
        status=_either("'received'", "CASE WHEN mod(s, 48) = 0 THEN 'failed' ELSE 'read' END"),
        wants_answer=_either("true", "false"),
        wamid="'wamid.HBgL' || upper(md5(k || ':' || s)) || 'VAgARGBI5QTND'",
        in_reply_to_id=_either("NULL", _id("message", "s - 1", "at - pause")),
        event_id=f"CASE WHEN {_is_told()} THEN {_id('event', 's', 'at')} END",
        llm_model=_either("''", "'claude-sonnet-5-5'"),
        input_tokens=_either("NULL", "1200"),
        output_tokens=_either("NULL", "60"),
    )


def _events(said: str) -> None:
    """Of a month, that is of some of the messages."""
    body = b"".join(bodies.Block("message", 1, 1).bodies(1_795_000_000)).decode()
    fill(
        WebhookEvent(outcome={"message": 1}, body=body),
        f"{said} WHERE {_is_told()}",
        "ORDER BY at",
        id=_id("event", "s", "at"),
        provider_event_id="md5('event' || k || ':' || s) || md5(s || ':' || k)",
        received_at="at",
        processed_at="at",
    )


def _is_told() -> str:
    return "mod(s, 2) = 1 AND mod(k + s / 2, 5) = 0"


def _either(customer: str, agent: str) -> str:
    return f"CASE WHEN mod(s, 2) = 1 THEN {customer} ELSE {agent} END"


def _id(kind: str, number: str, at: str) -> str:
    """A UUIDv7 of that time, the same whenever it is asked for."""
    milliseconds = f"lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0')"
    random = f"md5('{kind}' || k || ':' || ({number}))"
    return f"({milliseconds} || '7' || substr({random}, 1, 3) || '8' || substr({random}, 4, 15))::uuid"


def _tenant(connections: list[WhatsappConnection]) -> str:
    return _one_of([connection.tenant_id for connection in connections])


def _connection(connections: list[WhatsappConnection]) -> str:
    return _one_of([connection.pk for connection in connections])


def _one_of(ids: list[UUID]) -> str:
    return f"('{{{','.join(map(str, ids))}}}'::uuid[])[1 + mod(k, {len(ids)})]"
