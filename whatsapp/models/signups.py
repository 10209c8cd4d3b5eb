"""The signups: how a number comes to be connected. Knows their endings; nothing of what happens at Meta."""

import hashlib
import secrets
from datetime import timedelta

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import Tenant, TenantOwned
from whatsapp.fields import EncryptedTextField
from whatsapp.models.connections import WhatsappConnection

SIGNUP_LIFETIME = timedelta(minutes=15)
LONGEST_TURN = timedelta(minutes=3)  # seven calls, each with its time-out


class Ending(models.TextChoices):
    """Every way a signup can stand or end. The words that people read are in `whatsapp.words`."""

    PENDING = "pending", _("Nobody has come back from Meta yet")
    CONNECTED = "connected", _("Connected")
    CANCELLED = "cancelled", _("Cancelled at Meta")
    CHOICE_NEEDED = "choice_needed", _("Several numbers: one must be chosen")
    CODE_REFUSED = "code_refused", _("Meta did not accept the code")
    FOREIGN_TOKEN = "foreign_token", _("The access is for another app")
    PERMISSIONS_MISSING = "permissions_missing", _("A permission is missing")
    NO_NUMBER = "no_number", _("No number was shared")
    NUMBER_TAKEN = "number_taken", _("The number belongs to another tenant")
    PIN_NEEDED = "pin_needed", _("The number has a PIN of its own")
    VERIFY_FIRST = "verify_first", _("The number must be verified at Meta")
    REGISTER_LIMIT = "register_limit", _("Too many registrations in 72 hours")
    REGISTRATION_REFUSED = "registration_refused", _("Meta did not register the number")
    META_UNAVAILABLE = "meta_unavailable", _("Meta does not answer")
    REFUSED = "refused", _("Meta refused")


# Nothing is to be done about these: on its way, arrived, or not wanted.
SETTLED = (Ending.PENDING, Ending.CONNECTED, Ending.CANCELLED)


class EmbeddedSignupSession(TenantOwned):
    """One way to Meta's dialog and back: good once, for a quarter of an hour, for one tenant.

    Once a token was had for it, it is kept here, so that every later step can be tried again without the dialog.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    embedded_signup_state = models.CharField(
        max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the state: a leak gives no usable state.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    ending = models.CharField(_("ending"), max_length=30, choices=Ending.choices, default=Ending.PENDING)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    access_token = EncryptedTextField(_("access token"), blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    busy_until = models.DateTimeField(null=True, blank=True, editable=False)
    numbers = models.JSONField(_("numbers to choose from"), default=list, blank=True, editable=False)
    phone_number_id = models.CharField(_("chosen number"), max_length=64, blank=True)
    connection = models.ForeignKey(
        WhatsappConnection,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="signups",
        verbose_name=_("connection"),
    )

    class Meta:
        verbose_name = _("embedded signup")
        verbose_name_plural = _("embedded signups")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="signup_by_tenant")]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} · {self.get_ending_display()}"

    @staticmethod
    def unfinished() -> Q:
        """Signups that the tenant must do something about, and after which it has not connected."""
        mended = Q(tenant=OuterRef("tenant"), ending=Ending.CONNECTED, created_at__gt=OuterRef("created_at"))
        return ~Q(ending__in=SETTLED) & ~Q(Exists(EmbeddedSignupSession.objects.filter(mended)))

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
        claimed = bool(EmbeddedSignupSession.objects.filter(fresh, pk=self.pk).update(used_at=now))
        self.refresh_from_db(fields=["used_at"])
        return claimed

    def take_turn(self) -> bool:
        """One at a time goes on with a signup; a turn whose process died ends by itself."""
        now = timezone.now()
        free = Q(busy_until=None) | Q(busy_until__lt=now)
        return bool(EmbeddedSignupSession.objects.filter(free, pk=self.pk).update(busy_until=now + LONGEST_TURN))

    def ended(self, ending: Ending, reason: str = "") -> None:
        """Keeps how it stands, and why, and ends the turn. Connected, it needs its token no more."""
        self.ending, self.reason, self.busy_until = ending, reason[:500], None
        if ending == Ending.CONNECTED:
            self.access_token, self.numbers = "", []
        self.save(update_fields=["ending", "reason", "busy_until", "access_token", "numbers", "connection"])

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def can_go_on(self) -> bool:
        """Whether the rest can be tried again without Meta's dialog."""
        return bool(self.access_token) and self.ending != Ending.CONNECTED
