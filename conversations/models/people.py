"""The customers. Knows what identifies a person on WhatsApp; nothing of what they say."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import TenantOwned


class WhatsappUser(TenantOwned):
    """A customer as one tenant knows them: by phone, by business-scoped user id, or by both.

    Meta gives a person another user id in every business portfolio, so both identities are unique within the
    portfolio of the number that was written to. Usernames change: they are for display only.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    portfolio_id = models.CharField(_("business portfolio"), max_length=64, blank=True, editable=False)
    wa_id = models.CharField(_("phone (wa_id)"), max_length=64, null=True, blank=True)  # noqa: DJ001 (absent ≠ empty)
    user_id = models.CharField(_("business-scoped user id"), max_length=160, null=True, blank=True)  # noqa: DJ001
    name = models.CharField(_("name"), max_length=500, blank=True)
    username = models.CharField(_("username"), max_length=100, blank=True)
    contact_name = models.CharField(
        _("saved as"), max_length=500, blank=True, help_text=_("In the address book of the WhatsApp Business app.")
    )
    contact_at = models.DateTimeField(null=True, blank=True, editable=False)
    marketing = models.CharField(
        _("marketing messages"), max_length=20, blank=True, help_text=_("The customer's own wish: stop or resume.")
    )
    marketing_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("WhatsApp user")
        verbose_name_plural = _("WhatsApp users")
        constraints = [
            models.UniqueConstraint(fields=["wa_id", "tenant", "portfolio_id"], name="user_once_by_wa_id"),
            models.UniqueConstraint(fields=["user_id", "tenant", "portfolio_id"], name="user_once_by_bsuid"),
            models.CheckConstraint(
                condition=(Q(wa_id__isnull=False) & ~Q(wa_id="")) | (Q(user_id__isnull=False) & ~Q(user_id="")),
                name="user_has_an_identity",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.contact_name or self.username or self.wa_id or self.user_id or ""

    @property
    def recipient(self) -> dict[str, str]:
        """How Meta is told whom to send to; without the plus it may put the business's own country code in front."""
        return {"to": f"+{self.wa_id}"} if self.wa_id else {"recipient": self.user_id or ""}
