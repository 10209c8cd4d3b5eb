"""However many rows there are, and whatever PostgreSQL believes of them, a webhook reads the few that it is about.

Rows and not seconds: PostgreSQL counts those that a transaction has read.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database

from conversations.models import Conversation, Message, WhatsappUser
from tenants.models import Tenant
from tests.conftest import PAYLOADS, connect
from whatsapp.models import WhatsappConnection
from whatsapp.sandbox.meta import Meta

pytestmark = pytest.mark.django_db

CROWD = 3_000  # who have to do with two numbers
ONE = 101  # of them has the phone number and the message of the payloads
MOST = CROWD // 10  # PostgreSQL may well read the few numbers as a whole
OURS: dict[str, Any] = {"direction": "outbound", "author": "agent", "status": "sent", "sequence": 1}


@pytest.fixture
def crowd(connection: WhatsappConnection, stranger: Tenant, meta: Meta) -> list[Conversation]:
    """We have said something to each of many people, a tenth of them another tenant's."""
    theirs = connect(stranger, meta, 1)
    whose = [theirs if n % 10 == 0 else connection for n in range(CROWD)]
    users = WhatsappUser.objects.bulk_create(
        WhatsappUser(wa_id=f"3460{n:07}", user_id=f"ES.{n:020}", tenant=number.tenant) for n, number in enumerate(whose)
    )
    talks = Conversation.objects.bulk_create(
        Conversation(whatsapp_user=user, tenant=number.tenant, connection=number, last_sequence=1)
        for user, number in zip(users, whose, strict=True)
    )
    Message.objects.bulk_create(
        Message(conversation=talk, tenant=talk.tenant, connection=talk.connection, wamid=f"wamid.OUT{n or ''}", **OURS)
        for n, talk in enumerate(talks, -ONE)
    )
    return talks


def analyze(*models: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in models)}")


def read() -> dict[str, int]:
    """How many rows of each table this transaction has read so far."""
    with database.cursor() as cursor:
        cursor.execute("SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables")
        return dict(cursor.fetchall())


def reads(deed: Callable[[], object]) -> dict[str, int]:
    """The tables of which many rows are read by this."""
    before = read()
    deed()
    return {table: rows - before.get(table, 0) for table, rows in read().items() if rows - before.get(table, 0) > MOST}


@pytest.fixture(params=["never", "before they came", "now"])
def analyzed(request, db: None) -> Callable[[], None]:
    """When PostgreSQL has looked at the tenants' numbers. At all else it looks now."""
    if request.param == "before they came":
        for n in range(20):
            tenant = Tenant.objects.create(name=f"An older one {n}", slug=f"older-{n}")
            WhatsappConnection.objects.create(tenant=tenant, phone_number_id=f"{n}", business_account_id=f"{n}")
        analyze(WhatsappConnection)

    def analyzed() -> None:
        analyze(WhatsappUser, Conversation, Message)
        if request.param == "now":
            analyze(WhatsappConnection)

    return analyzed


def test_a_message_reads_few_rows(analyzed, crowd, deliver):
    analyzed()
    body = (PAYLOADS / "text.json").read_text().replace("ES.11111111111111111111", f"ES.{ONE:020}")
    assert reads(lambda: deliver(body.encode())) == {}
    assert crowd[ONE].messages.filter(direction="inbound").exists()


def test_a_status_reads_few_rows(analyzed, crowd, deliver):
    analyzed()
    body = (PAYLOADS / "status_delivered.json").read_bytes()
    assert reads(lambda: deliver(body)) == {}
    assert crowd[ONE].messages.get().status == "delivered"
