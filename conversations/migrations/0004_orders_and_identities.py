"""Indexes are built beside the traffic, and the new constraints stand on such indexes before the old ones go."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

OLD_NAMES = {"wa_id": "user_once_by_phone", "user_id": "user_once_by_user_id"}
NEW_NAMES = {"wa_id": "user_once_by_wa_id", "user_id": "user_once_by_bsuid"}


def unique(field, name, *columns):
    """Statements that make a unique constraint without holding up anybody for long."""
    listed = ", ".join((field, *columns))
    return [
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",  # what a killed run left
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON conversations_whatsappuser ({listed})",
        f"ALTER TABLE conversations_whatsappuser ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
    ]


def drop(name):
    return f"ALTER TABLE conversations_whatsappuser DROP CONSTRAINT IF EXISTS {name}"


def scope_identities(field):
    new = models.UniqueConstraint(fields=(field, 'tenant', 'portfolio_id'), name=NEW_NAMES[field])
    return [
        *(
            migrations.RunSQL(statement, reverse)
            for statement, reverse in zip(
                unique(field, NEW_NAMES[field], "tenant_id", "portfolio_id"),
                (drop(NEW_NAMES[field]), migrations.RunSQL.noop, migrations.RunSQL.noop),
            )
        ),
        migrations.RunSQL(drop(OLD_NAMES[field]), unique(field, OLD_NAMES[field], "tenant_id")),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name='whatsappuser', name=OLD_NAMES[field]),
                migrations.AddConstraint(model_name='whatsappuser', constraint=new),
            ]
        ),
    ]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('conversations', '0003_fill_in_earlier_messages'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(fields=['conversation', '-said_at', '-sequence'], name='message_as_said'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(fields=['tenant', 'said_at'], name='message_oldest_of_tenant'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('type__in', ['edit', 'revoke'])), fields=['connection', 'refers_to'], name='message_edits_and_revokes'),
        ),
        *scope_identities('wa_id'),
        *scope_identities('user_id'),
    ]
