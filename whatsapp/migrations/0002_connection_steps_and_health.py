import whatsapp.fields
from django.db import migrations, models


def steps_of_the_connected(apps, schema_editor):
    """Who is connected has been subscribed and registered."""
    connections = apps.get_model("whatsapp", "WhatsappConnection").objects.filter(connected_at__isnull=False)
    connections.update(subscribed_at=models.F("connected_at"), registered_at=models.F("connected_at"))


class Migration(migrations.Migration):

    dependencies = [
        ('whatsapp', '0001_connections_signups'),
    ]

    operations = [
        migrations.AddField(
            model_name='whatsappconnection',
            name='findings',
            field=models.JSONField(blank=True, default=list, verbose_name='findings'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='is_coexistence',
            field=models.BooleanField(default=False, verbose_name='also in the WhatsApp Business app'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='last_checked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last checked at'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='last_webhook_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last webhook at'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='meta_user_id',
            field=models.CharField(blank=True, db_index=True, max_length=64, verbose_name='Meta user id'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='problem',
            field=models.CharField(blank=True, max_length=40, verbose_name='problem'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='register_tries',
            field=models.JSONField(blank=True, default=list, editable=False, verbose_name='tries to register'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='registered_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='registered at'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='subscribed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='subscribed at'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='synced_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='app data asked for at'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='test_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='test message at'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='test_status',
            field=models.CharField(blank=True, max_length=10, verbose_name='test message'),
        ),
        migrations.AddField(
            model_name='whatsappconnection',
            name='token_expires_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='access ends at'),
        ),
        migrations.AlterField(
            model_name='whatsappconnection',
            name='access_token',
            field=whatsapp.fields.EncryptedTextField(blank=True, verbose_name='access token'),
        ),
        migrations.AlterField(
            model_name='whatsappconnection',
            name='business_account_id',
            field=models.CharField(db_index=True, max_length=64, verbose_name='business account id (WABA)'),
        ),
        migrations.AlterField(
            model_name='whatsappconnection',
            name='status',
            field=models.CharField(choices=[('PENDING', 'Pending: the signup has not come to its end'), ('CONNECTED', 'Connected'), ('RESTRICTED', 'Meta has restricted the account'), ('RECONNECT', 'Meta refuses our access: connect again'), ('DISCONNECTED', 'Disconnected by the tenant')], default='PENDING', max_length=20, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='whatsappconnection',
            name='status_reason',
            field=models.CharField(blank=True, help_text="Meta's own words, for staff.", max_length=500, verbose_name='reason'),
        ),
        migrations.RunPython(steps_of_the_connected, migrations.RunPython.noop),
    ]
