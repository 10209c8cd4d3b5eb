"""Whom we serve: tenants, the people in them, and the keys their programs use.

Knows nothing of WhatsApp, models or conversations; every other app builds on it.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.prepared import Given, Prepared

LAST_USED_PRECISION = timedelta(minutes=1)
HANDOVER_PAUSE = timedelta(hours=12)


class Tenant(models.Model):
    """A company that connects its number and is answered for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=settings.LANGUAGES,
        default="en",
        help_text=_("Of the few sentences that we, not the agent, say to this tenant's customers."),
    )
    context_messages = models.PositiveSmallIntegerField(
        _("messages of context"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text=_("How many of the last messages the agent is shown; empty for the platform's default."),
    )
    pause_minutes = models.PositiveIntegerField(
        _("minutes of silence"),
        null=True,
        blank=True,
        help_text=_(
            "How long the agent says nothing in a conversation in which a person of the business has spoken; "
            "empty for the platform's default."
        ),
    )
    wait_seconds = models.FloatField(
        _("seconds of patience"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(30)],
        help_text=_(
            "How long the agent waits for a customer to finish; 0 for not at all, empty for the platform's default."
        ),
    )
    handover_phrases = models.TextField(
        _("phrases that ask for a person"),
        blank=True,
        help_text=_(
            "One per line; case and accents do not matter. Who writes one of them is handed over to a person. "
            "Empty for the usual ones in English and Spanish."
        ),
    )
    handover_message = models.TextField(
        _("message of the handover"),
        blank=True,
        max_length=1000,
        help_text=_("What the customer is told then; empty for our own sentence."),
    )
    retention_days = models.PositiveIntegerField(
        _("days that messages are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Older messages and their media are deleted for good; empty to keep them."),
    )
    resend_unknown = models.BooleanField(
        _("send once more what may not have arrived"),
        default=False,
        help_text=_(
            "When Meta gave no clear answer and then says nothing for some minutes. It saves lost answers, and now and "
            "then a customer gets the same message twice. Switched off, a person has to look at it."
        ),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    @property
    def context_limit(self) -> int:
        """How many of a conversation's last messages the model is shown."""
        return self.context_messages or settings.CONTEXT_MESSAGES

    @property
    def wait(self) -> timedelta:
        """How long the agent lets a customer finish before it speaks."""
        return timedelta(seconds=settings.ANSWER_WAIT_SECONDS if self.wait_seconds is None else self.wait_seconds)

    @property
    def pause(self) -> timedelta:
        """How long the agent is silent after a person of the business has spoken."""
        minutes = settings.AGENT_PAUSE_MINUTES if self.pause_minutes is None else self.pause_minutes
        return timedelta(minutes=minutes)

    @property
    def handover_pause(self) -> timedelta:
        """How long the agent is silent when that is what somebody wants: also where a person's words alone do not
        silence it."""
        return self.pause or HANDOVER_PAUSE


_Owned = TypeVar("_Owned", bound=models.Model, covariant=True)


class TenantOwnedQuerySet(models.QuerySet[_Owned]):
    def for_tenant(self, tenant: Tenant) -> Self:
        """Only this tenant's rows: the one way in for everything a tenant asks for."""
        return self.filter(tenant=tenant)


class TenantOwned(models.Model):
    """Base of every model that belongs to one tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", verbose_name=_("tenant"))

    objects = TenantOwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class Membership(TenantOwned):
    """A person (a Django user) who may act for a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} · {self.tenant}"


class ApiKey(TenantOwned):
    """A key of a tenant's program. Only its SHA-256 is kept: 256 random bits need no slow hash."""

    PREFIX = "wak_"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=100, help_text=_("What the key is for."))
    prefix = models.CharField(_("prefix"), max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="api_key_by_tenant")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def make_secret(self) -> str:
        """Gives this key a new secret and returns it: the only time it is known. Does not save."""
        secret = f"{self.PREFIX}{secrets.token_urlsafe(32)}"
        self.prefix = secret[:12]
        self.digest = self.digest_of(secret)
        return secret

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def find(cls, secret: str) -> "ApiKey | None":
        """The live key with this secret (looked up by digest, so nothing about it leaks by time), or None."""
        return next(iter(LIVE_KEY(digest=cls.digest_of(secret), now=timezone.now())), None)

    def used(self) -> None:
        """Notes the use, at most once a minute, so that a busy key costs no write per request."""
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
        if self.last_used_at is None or self.last_used_at < now - LAST_USED_PRECISION:
            ApiKey.objects.filter(stale, pk=self.pk).update(last_used_at=now)

    def revoke(self) -> None:
        """Ends the key at once; doing so again changes nothing."""
        ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
        self.refresh_from_db(fields=["revoked_at"])

    @property
    def state(self) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "active"


LIVE_KEY = Prepared(
    lambda: ApiKey.objects.select_related("tenant").filter(
        Q(expires_at=None) | Q(expires_at__gt=Given("now")), revoked_at=None, digest=Given("digest")
    )
)


class IdempotencyKey(TenantOwned):
    """What was answered to a request, for whoever sends the same again: kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the method, the path and the body.")
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
