"""How a tenant's number is connected: the signup that is under way, and the connection it leads to.

Knows Meta's ids and states; nothing of messages or agents.
"""

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

SIGNUP_LIFETIME = timedelta(minutes=15)
LONGEST_TURN = timedelta(minutes=3)  # six calls, each with its time-out


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
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    connected_at = models.DateTimeField(_("connected at"), null=True, blank=True)

    # How far the signup has come: each step is done once, however often it is tried.
    subscribed_at = models.DateTimeField(_("subscribed at"), null=True, blank=True)
    registered_at = models.DateTimeField(_("registered at"), null=True, blank=True)
    synced_at = models.DateTimeField(_("app data asked for at"), null=True, blank=True)
    register_tries = models.JSONField(_("tries to register"), default=list, blank=True, editable=False)

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

    def _now(self, status: "WhatsappConnection.Status", *more: str, problem: str = "", reason: str = "") -> None:
        self.status, self.problem, self.status_reason = status, problem, reason[:500]
        self.save(update_fields=["status", "problem", "status_reason", *more])


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


class GraphExchange(TenantOwned):
    """One call to Meta and its answer, without secrets, kept for a bounded time: the best debugging aid there is."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    signup = models.ForeignKey(
        EmbeddedSignupSession,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="exchanges",
    )
    connection = models.ForeignKey(
        WhatsappConnection,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="exchanges",
    )
    message_id = models.UUIDField(_("message"), null=True, blank=True)
    created_at = models.DateTimeField(_("at"), auto_now_add=True)
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("path"), max_length=300)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    code = models.IntegerField(_("Meta's code"), default=0)
    trace_id = models.CharField(_("Meta's trace id"), max_length=100, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    request = models.JSONField(_("request"))
    response = models.JSONField(_("response"), null=True)

    class Meta:
        verbose_name = _("exchange with Meta")
        verbose_name_plural = _("exchanges with Meta")
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="exchange_newest_first"),
            models.Index(fields=["-created_at", "-id"], condition=~Q(error=""), name="exchange_with_error"),
            models.Index(fields=["tenant", "-created_at", "-id"], name="exchange_of_tenant"),
            models.Index(fields=["connection", "-created_at", "-id"], name="exchange_of_connection"),
            models.Index(fields=["signup", "created_at"], name="exchange_of_signup"),
            models.Index(fields=["message_id"], condition=Q(message_id__isnull=False), name="exchange_of_message"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} · {self.status or self.error}"


class DataDeletionRequest(models.Model):
    """What a person asked Meta to have deleted. Belongs to no tenant: Meta names a person of its own.

    https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    confirmation_code = models.CharField(_("confirmation code"), max_length=40, unique=True)
    meta_user_id = models.CharField(_("Meta user id"), max_length=64)
    requested_at = models.DateTimeField(_("requested at"), auto_now_add=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("data deletion request")
        verbose_name_plural = _("data deletion requests")

    def __str__(self) -> str:
        return self.confirmation_code
