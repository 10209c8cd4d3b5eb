import conversations.models.media
import django.db.models.deletion
import tenants.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0004_orders_and_identities'),
    ]

    operations = [
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('media_id', models.CharField(help_text="Meta's; good for seven days.", max_length=255, verbose_name='media id')),
                ('mime_type', models.CharField(blank=True, max_length=100, verbose_name='type')),
                ('filename', models.CharField(blank=True, max_length=255, verbose_name='file name')),
                ('sha256', models.CharField(blank=True, editable=False, help_text='As Meta says it, in base64.', max_length=100)),
                ('status', models.CharField(choices=[('pending', 'Being fetched'), ('stored', 'Stored'), ('refused', 'Refused: too large, or of a type that we do not take'), ('gone', 'Meta does not have it any more')], default='pending', max_length=10, verbose_name='status')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('transcript', models.TextField(blank=True, help_text='What is said in a voice note.', verbose_name='transcript')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
            ],
            options={
                'verbose_name': 'attachment',
                'verbose_name_plural': 'attachments',
            },
        ),
        migrations.CreateModel(
            name='MediaFile',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.CharField(help_text='Of what we have, in hexadecimal.', max_length=64, verbose_name='SHA-256')),
                ('mime_type', models.CharField(max_length=100, verbose_name='type')),
                ('size', models.PositiveBigIntegerField(verbose_name='size in bytes')),
                ('file', models.FileField(max_length=200, storage=conversations.models.media.media_storage, upload_to='', verbose_name='file')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
            ],
            options={
                'verbose_name': 'media file',
                'verbose_name_plural': 'media files',
            },
        ),
        migrations.AddField(
            model_name='attachment',
            name='message',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='attachment', to='conversations.message', verbose_name='message'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant', verbose_name='tenant'),
        ),
        migrations.AddField(
            model_name='mediafile',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant', verbose_name='tenant'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='file',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='attachments', to='conversations.mediafile', verbose_name='file'),
        ),
        migrations.AddConstraint(
            model_name='mediafile',
            constraint=models.UniqueConstraint(fields=('tenant', 'sha256'), name='media_once_per_tenant'),
        ),
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['created_at'], name='attachment_pending'),
        ),
    ]
