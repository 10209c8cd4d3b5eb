"""Earlier messages get what is not the same for all of them, in small transactions."""

from django.db import migrations

BATCH = 5000
MESSAGES = """
    UPDATE conversations_message SET
        said_at = CASE WHEN direction = 'inbound' THEN LEAST(sent_at + interval '999999 microseconds', created_at) ELSE created_at END,
        author = CASE WHEN direction = 'inbound' THEN 'customer' ELSE 'agent' END,
        wants_answer = direction = 'inbound'
    WHERE id IN (SELECT id FROM conversations_message WHERE id > %s ORDER BY id LIMIT %s)
    RETURNING id
"""
CONVERSATIONS = """
    UPDATE conversations_conversation SET window_opened_at = (
        SELECT message.said_at FROM conversations_message message
        WHERE message.conversation_id = conversations_conversation.id AND message.direction = 'inbound'
        ORDER BY message.sequence DESC LIMIT 1)
    WHERE id IN (SELECT id FROM conversations_conversation WHERE id > %s ORDER BY id LIMIT %s)
    RETURNING id
"""


def fill_in(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for statement in (MESSAGES, CONVERSATIONS):
            last = "00000000-0000-0000-0000-000000000000"
            while True:
                cursor.execute(statement, [last, BATCH])
                ids = [row[0] for row in cursor.fetchall()]
                if not ids:
                    break
                last = max(ids)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('conversations', '0002_what_a_message_is'),
    ]

    operations = [
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
