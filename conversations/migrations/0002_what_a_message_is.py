import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agent', '0002_prompt_of_a_number'),
        ('conversations', '0001_conversations_messages_events'),
        ('tenants', '0002_pause_and_retention'),
        ('whatsapp', '0005_notices_and_portfolio'),
    ]

    operations = [
        migrations.AddField(
            model_name='conversation',
            name='agent_paused_until',
            field=models.DateTimeField(blank=True, editable=False, help_text='A person of the business is speaking.', null=True, verbose_name='agent is silent until'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='window_opened_at',
            field=models.DateTimeField(blank=True, editable=False, help_text="The customer's last message that lets us write freely for 24 hours.", null=True, verbose_name='service window opened at'),
        ),
        migrations.AddField(
            model_name='message',
            name='author',
            field=models.CharField(choices=[('customer', 'Customer'), ('agent', 'Agent'), ('business', 'A person of the business')], default='customer', max_length=10, verbose_name='author'),
        ),
        migrations.AddField(
            model_name='message',
            name='content',
            field=models.JSONField(blank=True, default=dict, help_text='What there is beside the words.', verbose_name='content'),
        ),
        migrations.AddField(
            model_name='message',
            name='edited_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='edited at'),
        ),
        migrations.AddField(
            model_name='message',
            name='pricing',
            field=models.JSONField(blank=True, help_text='What Meta charges for it.', null=True, verbose_name='pricing'),
        ),
        migrations.AddField(
            model_name='message',
            name='refers_to',
            field=models.CharField(blank=True, help_text='The wamid that is quoted, reacted to, edited, deleted.', max_length=255, verbose_name='refers to'),
        ),
        migrations.AddField(
            model_name='message',
            name='revoked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='deleted by its author at'),
        ),
        migrations.AddField(
            model_name='message',
            name='said_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text="Orders the conversation: Meta's time, never in the future.", verbose_name='said at'),
        ),
        migrations.AddField(
            model_name='message',
            name='type',
            field=models.CharField(default='text', help_text="In Meta's words.", max_length=40, verbose_name='type'),
        ),
        migrations.AddField(
            model_name='message',
            name='wants_answer',
            field=models.BooleanField(default=False, verbose_name='wants an answer'),
        ),
        migrations.AddField(
            model_name='whatsappuser',
            name='contact_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='whatsappuser',
            name='contact_name',
            field=models.CharField(blank=True, help_text='In the address book of the WhatsApp Business app.', max_length=500, verbose_name='saved as'),
        ),
        migrations.AddField(
            model_name='whatsappuser',
            name='marketing',
            field=models.CharField(blank=True, help_text="The customer's own wish: stop or resume.", max_length=20, verbose_name='marketing messages'),
        ),
        migrations.AddField(
            model_name='whatsappuser',
            name='marketing_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='whatsappuser',
            name='portfolio_id',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='business portfolio'),
        ),
        migrations.AddField(
            model_name='whatsappuser',
            name='username',
            field=models.CharField(blank=True, max_length=100, verbose_name='username'),
        ),
        migrations.AlterField(
            model_name='message',
            name='sequence',
            field=models.PositiveIntegerField(editable=False, help_text='In which order they reached us.'),
        ),
        migrations.AlterField(
            model_name='message',
            name='text',
            field=models.TextField(blank=True, help_text='The words in it: text, caption, the label chosen.', verbose_name='text'),
        ),
    ]
