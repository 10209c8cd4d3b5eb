"""What is kept for people to look at: our calls to Meta, what Meta says of accounts, who asked to be forgotten.

Knows nothing of what follows from it.
"""

from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.models import TenantOwned
from whatsapp.models.connections import WhatsappConnection
from whatsapp.models.signups import EmbeddedSignupSession

# What does not mend itself: somebody has to act at Meta, or to know of it before anything is sent again.
NEEDS_SOMEBODY = {
    "account_update": (
        *("PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED"),
        *("ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "DISABLED_UPDATE"),
    ),
    "account_offboarded": ("ACCOUNT_OFFBOARDED",),
    "account_review_update": ("REJECTED",),
    "phone_number_name_update": ("REJECTED", "DECLINED"),
    "phone_number_quality_update": ("FLAGGED", "DOWNGRADE"),
    "security": ("PIN_CHANGED",),
    "message_template_status_update": ("PAUSED", "DISABLED"),
}
# https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_alerts
ALARMING = ("WARNING", "CRITICAL")


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


class AccountNotice(TenantOwned):
    """Something that Meta said about the account of a connection: kept for staff, whatever we did about it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        WhatsappConnection,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="notices",
        verbose_name=_("connection"),
    )
    digest = models.CharField(max_length=64, editable=False, help_text=_("Of what was said: Meta repeats itself."))
    field = models.CharField(_("field"), max_length=60)
    event = models.CharField(_("event"), max_length=100, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    value = models.JSONField(_("value"), default=dict)
    happened_at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("notice of Meta")
        verbose_name_plural = _("notices of Meta")
        constraints = [models.UniqueConstraint(fields=["connection", "digest"], name="notice_once")]
        indexes = [
            models.Index(fields=["-happened_at", "-id"], name="notice_newest_first"),
            models.Index(fields=["tenant", "-happened_at", "-id"], name="notice_of_tenant"),
            models.Index(fields=["connection", "-happened_at"], name="notice_of_connection"),
        ]

    def __str__(self) -> str:
        return f"{self.field} · {self.event}"

    @staticmethod
    def needing_somebody() -> Q:
        """Restrictions, violations, refusals, changed PINs, and alerts that Meta itself calls more than information."""
        listed = [Q(field=field, event__in=events) for field, events in NEEDS_SOMEBODY.items()]
        alert = Q(field="account_alerts", value__alert_info__alert_severity__in=ALARMING)
        return reduce(or_, listed, alert) & ~Q(event="DISABLED_UPDATE", detail__startswith="REINSTATE")


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
