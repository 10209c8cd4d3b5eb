"""The connections: a tenant's numbers, and what we need to speak through them.

Knows Meta's ids and states; nothing of messages or agents.
"""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import TenantOwned
from whatsapp.fields import EncryptedTextField


class WhatsappConnection(TenantOwned):
    """A number of a tenant, and what we need to speak through it. Routed by `phone_number_id`."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending: the signup has not come to its end")
        CONNECTED = "CONNECTED", _("Connected")
        RESTRICTED = "RESTRICTED", _("Meta has restricted the account")
        RECONNECT = "RECONNECT", _("Meta refuses our access: connect again")
        DISCONNECTED = "DISCONNECTED", _("Disconnected by the tenant")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    phone_number_id = models.CharField(_("phone number id"), max_length=64, unique=True)
    business_account_id = models.CharField(_("business account id (WABA)"), max_length=64, db_index=True)
    portfolio_id = models.CharField(
        _("business portfolio"),
        max_length=64,
        blank=True,
        help_text=_("Within it Meta's ids of persons are the same. Never changed once customers are known by it."),
    )
    display_phone_number = models.CharField(_("phone number"), max_length=40, blank=True)
    verified_name = models.CharField(_("verified name"), max_length=200, blank=True)
    access_token = EncryptedTextField(_("access token"), blank=True)
    token_expires_at = models.DateTimeField(_("access ends at"), null=True, blank=True)
    meta_user_id = models.CharField(_("Meta user id"), max_length=64, blank=True, db_index=True)
    pin = EncryptedTextField(_("two-step PIN"), blank=True)
    is_coexistence = models.BooleanField(_("also in the WhatsApp Business app"), default=False)

    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.PENDING)
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    status_reason = models.CharField(
        _("reason"), max_length=500, blank=True, help_text=_("Meta's own words, for staff.")
    )
    throttled_until = models.DateTimeField(
        _("sends nothing until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Meta has asked us to wait with everything that goes out through this number."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    connected_at = models.DateTimeField(_("connected at"), null=True, blank=True)

    # How far the signup has come: each step is done once, however often it is tried.
    subscribed_at = models.DateTimeField(_("subscribed at"), null=True, blank=True)
    registered_at = models.DateTimeField(_("registered at"), null=True, blank=True)
    synced_at = models.DateTimeField(_("app data asked for at"), null=True, blank=True)
    register_tries = models.JSONField(_("tries to register"), default=list, blank=True, editable=False)

    account_facts = models.JSONField(_("what Meta last said of the account"), default=dict, blank=True, editable=False)

    # The templates of its account, which may be read through another number of it.
    templates_synced_at = models.DateTimeField(_("templates last read at"), null=True, blank=True, editable=False)
    templates_error = models.CharField(_("why the templates were not read"), max_length=500, blank=True, editable=False)

    # What the doctor saw.
    last_webhook_at = models.DateTimeField(_("last webhook at"), null=True, blank=True)
    last_checked_at = models.DateTimeField(_("last checked at"), null=True, blank=True)
    findings = models.JSONField(_("findings"), default=list, blank=True)
    test_status = models.CharField(_("test message"), max_length=10, blank=True)
    test_at = models.DateTimeField(_("test message at"), null=True, blank=True)

    class Meta:
        verbose_name = _("WhatsApp connection")
        verbose_name_plural = _("WhatsApp connections")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="connection_by_tenant")]

    def __str__(self) -> str:
        return self.display_phone_number or self.phone_number_id

    def connected(self) -> None:
        """The number is ours to speak through."""
        self.connected_at = timezone.now()
        self._now(self.Status.CONNECTED, "connected_at")

    def access_lost(self, reason: str, problem: str = "token_rejected") -> None:
        """Meta refuses the token: nothing is sent any more until the tenant connects again."""
        self.findings = []  # what was found before is not so any more
        self._now(self.Status.RECONNECT, "findings", problem=problem, reason=reason)

    def restricted(self, reason: str, problem: str = "restricted") -> None:
        """Meta lets nothing be sent for now; what comes in is kept, and answered when it is lifted."""
        self._now(self.Status.RESTRICTED, problem=problem, reason=reason)

    def unrestricted(self) -> None:
        """Meta lets messages be sent again; the number has been connected all along."""
        self._now(self.Status.CONNECTED)

    def throttled(self, seconds: float) -> None:
        """Meta wants less of this number: nothing is sent for so long. A longer wait stays as it is."""
        until = timezone.now() + timedelta(seconds=seconds)
        shorter = Q(throttled_until=None) | Q(throttled_until__lt=until)
        WhatsappConnection.objects.filter(shorter, pk=self.pk).update(throttled_until=until)
        self.refresh_from_db(fields=["throttled_until"])

    @property
    def throttled_for(self) -> float:
        """How many seconds are left of that; 0 when it may send."""
        left = self.throttled_until - timezone.now() if self.throttled_until else timedelta()
        return max(left.total_seconds(), 0.0)

    def _now(self, status: "WhatsappConnection.Status", *more: str, problem: str = "", reason: str = "") -> None:
        self.status, self.problem, self.status_reason = status, problem, reason[:500]
        self.save(update_fields=["status", "problem", "status_reason", *more])
