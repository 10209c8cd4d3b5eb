"""The staff's list of what people asked Meta to have deleted: when, and whether it is done.

Knows no tenant, for Meta names none.
"""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tenants.admin import ReadOnlyAdmin, badge, moment, moment_of
from whatsapp.models import DataDeletionRequest


@admin.register(DataDeletionRequest)
class DataDeletionRequestAdmin(ReadOnlyAdmin):
    list_display = ["code", "meta_user_id", "requested", "completed"]
    search_fields = ["confirmation_code__exact"]
    search_help_text = _("A whole confirmation code.")
    ordering = ["-requested_at"]
    fields = ["code", "meta_user_id", "requested", "completed"]
    requested = moment_of("requested_at", _("requested at"))

    @admin.display(description=_("confirmation code"))
    def code(self, deletion: DataDeletionRequest) -> str:
        return deletion.confirmation_code

    @admin.display(description=_("completed at"))
    def completed(self, deletion: DataDeletionRequest) -> SafeString | str:
        return moment(deletion.completed_at) if deletion.completed_at else badge("warn", _("Not yet"))
