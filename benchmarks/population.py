"""Who is there before anything is measured: tenants with their numbers, customers, and messages of ours to them.

Knows the product's rows, and how to make many of them with one statement; nothing of what is measured.
"""

from datetime import datetime, timedelta

from django.apps import apps
from django.db import connection as database
from django.db import connections
from django.db.models import Model
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from agent.models import SystemPrompt
from benchmarks import bodies
from benchmarks.bodies import Block
from benchmarks.platform import wait_for
from benchmarks.reference.urls import CREATE, TABLE
from conversations.models import Conversation, Message, WebhookEvent, WhatsappUser
from conversations.tasks import queue_answers
from tenants.models import Tenant
from whatsapp.models import WhatsappConnection

KEPT = {"auth_permission", "django_content_type", "django_migrations"}


def connect_anew() -> None:
    """The database was killed, and our connections with it."""
    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's only


def empty() -> None:
    """Every table of the product and of the queue; the database is the benchmark's own."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT)
    wait_for(_nobody_is_at_it)
    with database.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")


def _nobody_is_at_it() -> bool:
    """What a killed process had asked for is carried out to its end."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend' AND state <> 'idle'"
        )
        return bool(cursor.fetchone()[0] == 0)


def forget_jobs() -> None:
    """Nobody is owed an answer any more."""
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    Conversation.objects.filter(answer_due_at__isnull=False).update(answer_due_at=None)


def tenant_with_number(name: str, number: str) -> WhatsappConnection:
    tenant = Tenant.objects.create(name=name, slug=name)
    SystemPrompt.objects.create(tenant=tenant, text="Be brief.").activate()
    connection = WhatsappConnection.objects.create(
        tenant=tenant, phone_number_id=number, business_account_id=f"2{number}", access_token="EAAbenchmark"
    )
    connection.connected()
    return connection


def numbers() -> list[WhatsappConnection]:
    """Those that all blocks are for."""
    return [tenant_with_number(f"tenant-{post}", bodies.phone_number_id(post)) for post in range(bodies.NUMBERS)]


def customers(block: Block, connections: list[WhatsappConnection], **fields: object) -> None:
    """The block's people have written before, and nothing is owed to them unless the conversation's fields say so."""
    yesterday = timezone.now() - timedelta(hours=20)
    for number, connection in enumerate(connections):
        series = _people(block, number)
        user = WhatsappUser(tenant=connection.tenant, portfolio_id="")
        fill(
            user,
            series,
            id=_id("person"),
            wa_id="'34' || lpad(n::text, 9, '0')",
            user_id="'ES.' || lpad(n::text, 20, '0')",
            name="'Lucía ' || n",
        )
        conversation = Conversation(
            tenant=connection.tenant,
            connection=connection,
            last_message_at=yesterday,
            window_opened_at=yesterday,
            **fields,
        )
        fill(conversation, series, id=_id("talk"), whatsapp_user_id=_id("person"))
    _analyze(WhatsappUser, Conversation)


def silent_customers(block: Block, connections: list[WhatsappConnection]) -> None:
    """They have written before, a person of the business speaks, and what they are owed is held until that is over:
    what they write now is stored, and nobody answers."""
    now = timezone.now()
    customers(block, connections, agent_paused_until=now + timedelta(days=1), answer_due_at=now, answer_held=True)


def messages_of_ours(block: Block, connections: list[WhatsappConnection]) -> None:
    """The block's people, and a message of ours to each, which is sent."""
    customers(block, connections)
    for number, connection in enumerate(connections):
        ours = Message(
            tenant=connection.tenant,
            connection=connection,
            sequence=1,
            direction=Message.Direction.OUTBOUND,
            author=Message.Author.AGENT,
            status=Message.Status.SENT,
            text=bodies.WORDS,
        )
        wamid = f"'wamid.OUTB' || lpad(n::text, 11, '0') || '{bodies.TIME_IN_WAMID}'"
        fill(ours, _people(block, number), id=_id("ours"), conversation_id=_id("talk"), wamid=wamid)
    _analyze(Message)


def fill(template: Model, series: str, order: str = "", **columns: str) -> None:
    """Inserts a copy of the template for each row of `series`, a query; these columns are SQL over its rows."""
    fields = {field.column: field for field in template._meta.concrete_fields if field.column}
    values = ", ".join(columns.get(column, "%s") for column in fields)
    parameters = [
        field.get_db_prep_save(field.pre_save(template, add=True), database)
        for column, field in fields.items()
        if column not in columns
    ]
    names = ", ".join(fields)
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {template._meta.db_table} ({names}) SELECT {values} FROM ({series}) AS series {order}",  # noqa: S608
            parameters,
        )


def _analyze(*models: type[Model]) -> None:
    """PostgreSQL does so by itself, but only after a minute, and plans for empty tables until then."""
    with database.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in models)}")


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
    _analyze(WhatsappUser, Conversation, Message)
    queue_answers(talks)
    return [f"+{phone}" for phone in phones]


def stored(block: Block) -> list[str]:
    """The wamids of the block's messages that are rows, as often as they are."""
    wamids = [bodies.wamid("message", person) for person in block.people]
    return _column("SELECT wamid FROM conversations_message WHERE wamid = ANY(%s)", wamids)


def delivered(block: Block) -> list[str]:
    """The wamids of our messages that the block's statuses have moved on."""
    wamids = [bodies.wamid("status", person) for person in block.people]
    return _column("SELECT wamid FROM conversations_message WHERE status = 'delivered' AND wamid = ANY(%s)", wamids)


def answers_to(block: Block) -> list[str]:
    """Where our answers to the block's people went, by the rows that Meta has taken, as often as they are."""
    phones = [bodies.phone(person) for person in block.people]
    rows = Message.objects.filter(direction=Message.Direction.OUTBOUND, status=Message.Status.SENT)
    to = rows.filter(conversation__whatsapp_user__wa_id__in=phones)
    return [f"+{wa_id}" for wa_id in to.values_list("conversation__whatsapp_user__wa_id", flat=True)]


def is_settled() -> bool:
    """Whether everything that was posted is processed, nobody is owed anything, and nothing is on its way."""
    on_the_way = Message.objects.filter(status__in=[Message.Status.DRAFTED, Message.Status.SENDING])
    owed = Conversation.objects.filter(answer_due_at__isnull=False)
    unprocessed = WebhookEvent.objects.filter(processed_at=None)
    return not (unprocessed.exists() or owed.exists() or on_the_way.exists())


def make_reference() -> None:
    """The table of the plain view that the product is compared with, empty."""
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}; {CREATE}")


def commits(since: datetime) -> int:
    """In how many transactions the events were stored that have come since, and that nobody has been at."""
    query = "SELECT count(DISTINCT xmin::text) FROM conversations_webhookevent WHERE received_at >= %s"
    with database.cursor() as cursor:
        cursor.execute(query, [since])
        found: int = cursor.fetchone()[0]
    return found


def is_being_processed() -> bool:
    """Whether a worker is at what the fast door has accepted."""
    return ProcrastinateJob.objects.filter(task_name="process_events", status="doing").exists()


def kept(since: datetime) -> list[str]:
    """The wamids in the single messages or statuses that have come since, as often as they are."""
    query = "SELECT substring(body FROM 'wamid[.][A-Za-z0-9]+') FROM conversations_webhookevent WHERE received_at >= %s"
    with database.cursor() as cursor:
        cursor.execute(query, [since])
        return [row[0] for row in cursor.fetchall()]


def rows(table: str) -> int:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        found: int = cursor.fetchone()[0]
    return found


def unknown() -> list[str]:
    """Where the answers went of which nobody knows whether they arrived."""
    rows = Message.objects.filter(status=Message.Status.UNKNOWN)
    return [f"+{wa_id}" for wa_id in rows.values_list("conversation__whatsapp_user__wa_id", flat=True)]


def _column(query: str, wamids: list[str]) -> list[str]:
    with database.cursor() as cursor:
        cursor.execute(query, [wamids])
        return [row[0] for row in cursor.fetchall()]


def _people(block: Block, number: int) -> str:
    """The people of a block whose post is for this number."""
    first, last = block.people.start, block.people.stop - 1
    post = f"((n - {first}) / {block.size})"
    return f"SELECT n FROM generate_series({first}, {last}) AS n WHERE mod({post}, {bodies.NUMBERS}) = {number}"  # noqa: S608


def _id(kind: str) -> str:
    return f"md5('{kind}' || n)::uuid"
