import django.db.models.deletion
import django.utils.timezone
import tenants.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0005_media'),
    ]

    operations = [
        migrations.CreateModel(
            name='ParkedStatus',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('wamid', models.CharField(max_length=255)),
                ('status', models.CharField(max_length=10)),
                ('at', models.DateTimeField()),
                ('error_code', models.IntegerField(blank=True, null=True)),
                ('error', models.TextField(blank=True)),
                ('pricing', models.JSONField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='parkedstatus',
            name='connection',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='whatsapp.whatsappconnection'),
        ),
        migrations.AddField(
            model_name='parkedstatus',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant', verbose_name='tenant'),
        ),
        migrations.AddIndex(
            model_name='parkedstatus',
            index=models.Index(fields=['created_at'], name='parked_status_oldest'),
        ),
        migrations.AddConstraint(
            model_name='parkedstatus',
            constraint=models.UniqueConstraint(fields=('wamid', 'connection', 'status'), name='parked_status_once'),
        ),
    ]
