"""How a tenant's number is connected: the signup that is under way, and the connection it leads to.

Knows Meta's ids and states; nothing of messages or agents.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import Tenant, TenantOwned
from whatsapp.fields import EncryptedTextField

SIGNUP_LIFETIME = timedelta(minutes=15)


class WhatsappConnection(TenantOwned):
    """A number of a tenant, and what we need to speak through it. Routed by `phone_number_id`."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending: the signup has not come to its end")
        CONNECTED = "CONNECTED", _("Connected")
        RECONNECT = "RECONNECT", _("Meta refuses our access: connect again")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    phone_number_id = models.CharField(_("phone number id"), max_length=64, unique=True)
    business_account_id = models.CharField(_("business account id (WABA)"), max_length=64)
    display_phone_number = models.CharField(_("phone number"), max_length=40, blank=True)
    verified_name = models.CharField(_("verified name"), max_length=200, blank=True)
    access_token = EncryptedTextField(_("access token"))
    pin = EncryptedTextField(_("two-step PIN"), blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.PENDING)
    status_reason = models.CharField(_("reason"), max_length=500, blank=True)
    connected_at = models.DateTimeField(_("connected at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("WhatsApp connection")
        verbose_name_plural = _("WhatsApp connections")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="connection_by_tenant")]

    def __str__(self) -> str:
        return self.display_phone_number or self.phone_number_id

    def connected(self) -> None:
        """The number is ours to speak through."""
        self.status, self.status_reason, self.connected_at = self.Status.CONNECTED, "", timezone.now()
        self.save(update_fields=["status", "status_reason", "connected_at"])

    def access_lost(self, reason: str) -> None:
        """Meta refuses the token: nothing is sent any more until the tenant connects again."""
        self.status, self.status_reason = self.Status.RECONNECT, reason[:500]
        self.save(update_fields=["status", "status_reason"])


class EmbeddedSignupSession(TenantOwned):
    """One way to Meta's dialog and back: good once, for a quarter of an hour, for one tenant."""

    class Outcome(models.TextChoices):
        PENDING = "pending", _("Nobody has come back from Meta yet")
        CONNECTED = "connected", _("Connected")
        CANCELLED = "cancelled", _("Cancelled at Meta")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    embedded_signup_state = models.CharField(
        max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the state: a leak gives no usable state.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, default=Outcome.PENDING)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    connection = models.ForeignKey(
        WhatsappConnection,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("connection"),
    )

    class Meta:
        verbose_name = _("embedded signup")
        verbose_name_plural = _("embedded signups")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="signup_by_tenant")]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} · {self.outcome}"

    @classmethod
    def begin(cls, tenant: Tenant) -> tuple["EmbeddedSignupSession", str]:
        """A new session and its `state`: 256 random bits, known to nobody but the caller from here on."""
        state = secrets.token_urlsafe(32)
        expires_at = timezone.now() + SIGNUP_LIFETIME
        session = cls.objects.create(tenant=tenant, embedded_signup_state=cls.digest(state), expires_at=expires_at)
        return session, state

    @staticmethod
    def digest(state: str) -> str:
        return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()

    @classmethod
    def find(cls, state: str) -> "EmbeddedSignupSession | None":
        sessions = cls.objects.select_related("tenant", "connection")
        return sessions.filter(embedded_signup_state=cls.digest(state)).first()

    def claim(self) -> bool:
        """Takes the session's one use. False when it has been taken or is too old: of two callers one gets it."""
        now = timezone.now()
        fresh = Q(used_at=None, expires_at__gt=now)
        return bool(EmbeddedSignupSession.objects.filter(fresh, pk=self.pk).update(used_at=now))

    def ended(self, outcome: "EmbeddedSignupSession.Outcome", reason: str = "") -> None:
        """Keeps how it ended, and why."""
        self.outcome, self.reason = outcome, reason[:500]
        self.save(update_fields=["outcome", "reason", "connection"])

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()
