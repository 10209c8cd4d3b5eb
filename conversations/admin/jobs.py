"""The staff's page for the queue's jobs: looked at, newest first, and not counted. Knows nothing of what they do."""

from django.contrib import admin
from procrastinate.contrib.django.models import ProcrastinateJob

from tenants.endless import EndlessAdmin

# procrastinate's own page counts all jobs, and lets everybody who sees them cancel them.
admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(EndlessAdmin):
    list_display = ["id", "task_name", "args", "status", "attempts", "scheduled_at"]
    list_filter = [("status", admin.ChoicesFieldListFilter)]
    ordering = ["-id"]
