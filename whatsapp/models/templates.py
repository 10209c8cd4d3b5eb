"""The message templates of a tenant's accounts, as Meta last told of them.

Knows Meta's words for them; nothing of how they are read, filled in or sent.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import TenantOwned


class MessageTemplate(TenantOwned):
    """What may be sent outside the service window: a text that Meta has approved, in one language.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
    """

    APPROVED = "APPROVED"
    NAMED = "NAMED"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    business_account_id = models.CharField(_("business account id (WABA)"), max_length=64)
    template_id = models.CharField(_("template id"), max_length=64)
    name = models.CharField(_("name"), max_length=512)
    language = models.CharField(_("language"), max_length=20)
    category = models.CharField(_("category"), max_length=40, blank=True, help_text=_("In Meta's words."))
    status = models.CharField(_("status"), max_length=40, help_text=_("In Meta's words; only APPROVED can be sent."))
    quality = models.CharField(_("quality"), max_length=20, blank=True, help_text=_("In Meta's words."))
    rejected_reason = models.CharField(_("why Meta has rejected it"), max_length=200, blank=True)
    parameter_format = models.CharField(
        _("values are"), max_length=20, default="POSITIONAL", help_text=_("POSITIONAL or NAMED.")
    )
    components = models.JSONField(_("components"), default=list, blank=True)
    told_at = models.DateTimeField(_("status as of"), help_text=_("What Meta said earlier does not change it."))
    synced_at = models.DateTimeField(_("last read at Meta at"))

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "business_account_id", "name", "language"], name="template_once_per_language"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="template_of_tenant")]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    @property
    def is_approved(self) -> bool:
        """Whether Meta lets it be sent."""
        return self.status == self.APPROVED

    @property
    def is_named(self) -> bool:
        """Whether its values have names instead of numbers."""
        return self.parameter_format == self.NAMED
