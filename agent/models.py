"""What a tenant's agent is told. Knows nothing of conversations or of who listens."""

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import Tenant, TenantOwned
from tenants.prepared import AnyGiven, Asked, Given, Prepared

MAX_LENGTH = 100_000


class SystemPrompt(TenantOwned):
    """One version of what the agent is told. Never changed once written.

    At most one per tenant is active, and one more for each number that has a prompt of its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.PositiveIntegerField(_("version"), editable=False)
    text = models.TextField(_("text"), max_length=MAX_LENGTH)
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("What changed, for your colleagues."))
    phone_number_id = models.CharField(
        _("phone number id"),
        max_length=64,
        blank=True,
        help_text=_("Only for this number; empty for all numbers without a prompt of their own."),
    )
    is_active = models.BooleanField(_("active"), default=False, editable=False)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("author"),
    )

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("system prompt")
        verbose_name_plural = _("system prompts")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "version"], name="prompt_version_once"),
            models.UniqueConstraint(
                fields=["tenant", "phone_number_id"], condition=Q(is_active=True), name="prompt_one_active_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} · v{self.version}"

    @classmethod
    def active_for(cls, tenant: Tenant, phone_number_id: str = "") -> "SystemPrompt | None":
        """What the agent is told on this number: its own prompt, else the tenant's."""
        return next(iter(cls.asked_for(tenant, phone_number_id).now()), None)

    @staticmethod
    def asked_for(tenant: Tenant, phone_number_id: str) -> "Asked[list[SystemPrompt]]":
        """The same, to be asked together with other things: a list of that one, or of none."""
        return IN_FORCE.asked(tenant=tenant.pk, numbers=["", phone_number_id])

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Gives a new prompt the tenant's next version number."""
        with transaction.atomic():
            if self._state.adding:
                Tenant.objects.select_for_update().get(pk=self.tenant_id)
                last = SystemPrompt.objects.filter(tenant_id=self.tenant_id).aggregate(last=Max("version"))["last"]
                self.version = (last or 0) + 1
            super().save(*args, **kwargs)

    def activate(self) -> None:
        """The agent is told this from its next reply on; the version before stays for going back."""
        with transaction.atomic():
            Tenant.objects.select_for_update().get(pk=self.tenant_id)
            before = SystemPrompt.objects.filter(tenant_id=self.tenant_id, phone_number_id=self.phone_number_id)
            before.filter(is_active=True).exclude(pk=self.pk).update(is_active=False)
            self.is_active, self.activated_at = True, timezone.now()
            self.save(update_fields=["is_active", "activated_at"])


IN_FORCE = Prepared(
    lambda: SystemPrompt.objects.filter(
        tenant=Given("tenant"), is_active=True, phone_number_id=AnyGiven("numbers")
    ).order_by("-phone_number_id")[:1]
)
