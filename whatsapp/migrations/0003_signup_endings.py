import django.db.models.deletion
import whatsapp.fields
from django.db import migrations, models


ENDINGS = (
    "code_refused", "permissions_missing", "no_number", "number_taken", "registration_refused", "meta_unavailable", "refused"
)


def name_the_failures(apps, schema_editor):
    """What was `failed` gets the ending that its reason began with."""
    failed = apps.get_model("whatsapp", "EmbeddedSignupSession").objects.filter(ending="failed")
    for ending in ENDINGS:
        failed.filter(reason__startswith=f"{ending}:").update(ending=ending)
    failed.update(ending="refused")


def fail_again(apps, schema_editor):
    apps.get_model("whatsapp", "EmbeddedSignupSession").objects.filter(ending__in=ENDINGS).update(ending="failed")


class Migration(migrations.Migration):

    dependencies = [
        ('whatsapp', '0002_connection_steps_and_health'),
    ]

    operations = [
        migrations.RenameField(
            model_name='embeddedsignupsession',
            old_name='outcome',
            new_name='ending',
        ),
        migrations.AlterField(
            model_name='embeddedsignupsession',
            name='ending',
            field=models.CharField(choices=[('pending', 'Nobody has come back from Meta yet'), ('connected', 'Connected'), ('cancelled', 'Cancelled at Meta'), ('choice_needed', 'Several numbers: one must be chosen'), ('code_refused', 'Meta did not accept the code'), ('foreign_token', 'The access is for another app'), ('permissions_missing', 'A permission is missing'), ('no_number', 'No number was shared'), ('number_taken', 'The number belongs to another tenant'), ('pin_needed', 'The number has a PIN of its own'), ('verify_first', 'The number must be verified at Meta'), ('register_limit', 'Too many registrations in 72 hours'), ('registration_refused', 'Meta did not register the number'), ('meta_unavailable', 'Meta does not answer'), ('refused', 'Meta refused')], default='pending', max_length=30, verbose_name='ending'),
        ),
        migrations.AddField(
            model_name='embeddedsignupsession',
            name='busy_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='embeddedsignupsession',
            name='access_token',
            field=whatsapp.fields.EncryptedTextField(blank=True, verbose_name='access token'),
        ),
        migrations.AddField(
            model_name='embeddedsignupsession',
            name='numbers',
            field=models.JSONField(blank=True, default=list, editable=False, verbose_name='numbers to choose from'),
        ),
        migrations.AddField(
            model_name='embeddedsignupsession',
            name='phone_number_id',
            field=models.CharField(blank=True, max_length=64, verbose_name='chosen number'),
        ),
        migrations.AddField(
            model_name='embeddedsignupsession',
            name='token_expires_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='embeddedsignupsession',
            name='connection',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='signups', to='whatsapp.whatsappconnection', verbose_name='connection'),
        ),
        migrations.RunPython(name_the_failures, fail_again),
    ]
