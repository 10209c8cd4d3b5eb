"""The doctor: is this connection alive, what is wrong with it, and what of that a machine can put right.

Asks Meta and keeps what it found on the connection; the sentences are in `findings`, the steps in `onboarding`.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.utils import timezone

from whatsapp import lifecycle, onboarding
from whatsapp.client import GraphClient, PhoneNumber, TokenFacts
from whatsapp.errors import AccessTokenRejected, GraphError
from whatsapp.exchanges import keep_for
from whatsapp.findings import BAD, CHECKS, Finding
from whatsapp.models import Ending, WhatsappConnection
from whatsapp.onboarding import SignupRefused
from whatsapp.roundtrip import finding_of_test

__all__ = ["Finding", "Report", "examine", "findings_of", "repair", "report_of"]

logger = logging.getLogger(__name__)

Status = WhatsappConnection.Status
WEBHOOK_PATH = "/v1/webhooks/whatsapp"
SILENCE = timedelta(days=7)
TOKEN_IS_GONE = (0, 190)  # the other codes of a rejection may concern one field alone
NO_ACCESS = frozenset({"token_rejected", "token_foreign", "token_missing", "permissions_missing", "account_not_shared"})
CANNOT_BE_FINISHED = {"number_restricted", "number_gone", "registration_limit", "verify_first"}
IS_REGISTERED = ("registration_ok", "registration_in_app", "pin_changed")
OF_NUMBER = ("number", "registration", "quality", "name", "throughput")

# https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/whatsapp-business-account-phone-number-api
CODE_OF_STATUS = {
    "CONNECTED": "number_ok",
    "PENDING": "number_pending",
    "DISCONNECTED": "number_pending",
    "UNVERIFIED": "number_pending",
    "FLAGGED": "number_limited",
    "RATE_LIMITED": "number_limited",
    "RESTRICTED": "number_restricted",
    "BANNED": "number_restricted",
    "DELETED": "number_gone",
    "MIGRATED": "number_gone",
}
CODE_OF_QUALITY = {"GREEN": "quality_ok", "YELLOW": "quality_medium", "RED": "quality_low"}
CODE_OF_NAME = {
    "APPROVED": "name_ok",
    "AVAILABLE_WITHOUT_REVIEW": "name_ok",
    "DECLINED": "name_declined",
    "EXPIRED": "name_declined",
}


@dataclass(frozen=True)
class Report:
    """What was found when, for who shows it elsewhere."""

    status: str
    checked_at: datetime | None
    findings: list[Finding]


def examine(connection: WhatsappConnection) -> list[Finding]:
    """Looks at everything, keeps what was found, and moves the connection where Meta leaves no doubt.

    A call that fails makes its own findings unknown and no others. Never raises for what Meta says.
    """
    token = connection.access_token
    findings = _of_token(connection, token)
    if findings[0].state == BAD:
        asked = ("token", "permissions", "expiry", "webhooks", "test_message")
        findings += [Finding.of(check, "not_asked") for check in CHECKS if check not in asked]
    else:
        client = GraphClient(token, keep_for(connection))
        findings += _of_subscription(connection, client)
        findings += _unless_refused(OF_NUMBER, connection, lambda: _of_number(connection, client))
        findings += _unless_refused(("payment",), connection, lambda: _of_payment(connection, client))
    connection.refresh_from_db(fields=["last_webhook_at", "test_status", "findings"])  # they move while Meta is asked
    findings += [_of_webhooks(connection), finding_of_test(connection)]
    _keep(connection, findings)
    return findings


def findings_of(connection: WhatsappConnection) -> list[Finding]:
    """What was found the last time, without asking Meta."""
    return [Finding.read(stored) for stored in connection.findings]


def report_of(phone_number_id: str) -> Report | None:
    """The last findings at this number, or None when it is not one of ours."""
    connection = WhatsappConnection.objects.filter(phone_number_id=phone_number_id).first()
    if connection is None:
        return None
    return Report(connection.status, connection.last_checked_at, findings_of(connection))


def repair(connection: WhatsappConnection, pin: str = "") -> list[Finding]:
    """Does what a machine can about what is found, and looks again. `pin` is the number's own.

    What Meta refuses stays on the connection as its problem. A number that was disconnected stays so.
    """
    findings = examine(connection)
    codes = {finding.code for finding in findings}
    if codes & NO_ACCESS or connection.status == Status.DISCONNECTED:
        return findings
    if "expiry_soon" in codes:
        lifecycle.refresh_token(connection)
    if codes & {"subscription_missing", "callback_foreign"}:
        _subscribe(connection)
    if _can_be_finished(connection, codes, pin):
        _finish(connection, pin)
    return examine(connection)


def _subscribe(connection: WhatsappConnection) -> None:
    """Plainly, which takes back an address that was set for this account alone.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
    """
    try:
        GraphClient(connection.access_token, keep_for(connection)).subscribe_app(connection.business_account_id)
    except GraphError as error:  # the next examination finds it missing still
        logger.warning("connection %s was not subscribed: %s", connection.pk, error)
    else:
        connection.subscribed_at = timezone.now()
        connection.save(update_fields=["subscribed_at"])


def _can_be_finished(connection: WhatsappConnection, codes: set[str], pin: str) -> bool:
    """Whether a step of the signup is missing; not while Meta restricts the number, nor when its limit is used up."""
    if connection.status == Status.RESTRICTED or codes & CANNOT_BE_FINISHED:
        return False
    unwell = connection.status in (Status.PENDING, Status.RECONNECT)
    return unwell or bool(pin) or bool(codes & {"registration_missing", "number_pending"})


def _finish(connection: WhatsappConnection, pin: str) -> None:
    try:
        onboarding.finish(connection, pin)
    except SignupRefused as refusal:
        logger.warning("connection %s was not repaired: %s", connection.pk, refusal)
        if refusal.ending != Ending.META_UNAVAILABLE:
            connection.problem, connection.status_reason = refusal.ending, str(refusal)[:500]
            connection.save(update_fields=["problem", "status_reason"])


def _unless_refused(
    checks: Iterable[str], connection: WhatsappConnection, look: Callable[[], list[Finding]]
) -> list[Finding]:
    try:
        return look()
    except GraphError as error:
        if isinstance(error, AccessTokenRejected) and error.code in TOKEN_IS_GONE:
            _lose(connection, connection.access_token, str(error))
        return [Finding.of(check, "unknown", str(error)) for check in checks]


def _of_token(connection: WhatsappConnection, token: str) -> list[Finding]:
    """Asked with the app's own token: a refusal of this call says nothing about the tenant's."""
    checks = ("token", "permissions", "expiry")
    if not token:
        return [Finding.of("token", "token_missing"), *(Finding.of(check, "not_asked") for check in checks[1:])]
    try:
        facts = GraphClient.of_the_app(keep_for(connection)).debug_token(token)
    except GraphError as error:
        return [Finding.of(check, "unknown", str(error)) for check in checks]
    if not facts.is_valid:
        _lose(connection, token, "Meta says that the token is not valid any more.")
        return [Finding.of("token", "token_rejected"), *(Finding.of(check, "not_asked") for check in checks[1:])]
    if facts.expires_at != connection.token_expires_at:
        connection.token_expires_at = facts.expires_at
        connection.save(update_fields=["token_expires_at"])
    foreign = facts.app_id != settings.META_APP_ID
    is_ours = Finding.of("token", "token_foreign", facts.app_id) if foreign else Finding.of("token", "token_ok")
    return [is_ours, _of_permissions(connection, facts), _of_expiry(facts)]


def _of_permissions(connection: WhatsappConnection, facts: TokenFacts) -> Finding:
    if missing := onboarding.REQUIRED_SCOPES - facts.scopes:
        return Finding.of("permissions", "permissions_missing", ", ".join(sorted(missing)))
    if facts.business_account_ids and connection.business_account_id not in facts.business_account_ids:
        return Finding.of("permissions", "account_not_shared", connection.business_account_id)
    return Finding.of("permissions", "permissions_ok")


def _of_expiry(facts: TokenFacts) -> Finding:
    if facts.expires_at is None:
        return Finding.of("expiry", "expiry_never")
    soon = facts.expires_at < timezone.now() + lifecycle.REFRESH_BEFORE
    return Finding.of("expiry", "expiry_soon" if soon else "expiry_far", f"{facts.expires_at:%Y-%m-%d}")


def _of_subscription(connection: WhatsappConnection, client: GraphClient) -> list[Finding]:
    def look() -> list[Finding]:
        callbacks = client.subscriptions(connection.business_account_id)
        if settings.META_APP_ID not in callbacks:
            return [Finding.of("subscription", "subscription_missing"), Finding.of("callback", "callback_none")]
        callback = callbacks[settings.META_APP_ID]
        ours = callback in ("", urljoin(settings.META_REDIRECT_URI, WEBHOOK_PATH))
        code = "callback_ok" if ours else "callback_foreign"
        return [Finding.of("subscription", "subscription_ok"), Finding.of("callback", code, callback)]

    return _unless_refused(("subscription", "callback"), connection, look)


def _of_number(connection: WhatsappConnection, client: GraphClient) -> list[Finding]:
    number = client.phone_number(connection.phone_number_id)
    name_code = CODE_OF_NAME.get(number.name_status, "name_pending")
    throughput_code = "throughput_none" if number.throughput in ("", "NOT_APPLICABLE") else "throughput_ok"
    code = CODE_OF_STATUS.get(number.status, "number_other")
    if code == "number_ok" and connection.status == Status.RESTRICTED and number.can_send == "BLOCKED":
        code = "number_limited"  # the number is well, its account is still restricted
    return [
        Finding.of("number", code, number.status),
        _of_registration(connection, number),
        Finding.of("quality", CODE_OF_QUALITY.get(number.quality_rating, "quality_unrated"), number.quality_rating),
        Finding.of("name", name_code, number.name_status),
        Finding.of("throughput", throughput_code, number.throughput),
    ]


def _of_registration(connection: WhatsappConnection, number: PhoneNumber) -> Finding:
    """By the platform that speaks for it: a restricted number is registered all the same."""
    if number.is_coexistence:
        return Finding.of("registration", "registration_in_app")
    if number.platform_type == "CLOUD_API" and CODE_OF_STATUS.get(number.status) != "number_pending":
        return Finding.of("registration", "pin_changed" if connection.problem == "pin_changed" else "registration_ok")
    if number.code_verification_status in ("NOT_VERIFIED", "EXPIRED"):
        return Finding.of("registration", "verify_first", number.code_verification_status)
    since = timezone.now() - onboarding.REGISTER_WINDOW
    recent = [at for at in connection.register_tries if datetime.fromisoformat(at) > since]
    used_up = len(recent) >= onboarding.OUR_SHARE_OF_TRIES
    return Finding.of("registration", "registration_limit" if used_up else "registration_missing", number.platform_type)


def _of_payment(connection: WhatsappConnection, client: GraphClient) -> list[Finding]:
    paid = client.has_payment_method(connection.business_account_id)
    return [Finding.of("payment", "payment_ok" if paid else "payment_missing")]


def _of_webhooks(connection: WhatsappConnection) -> Finding:
    if connection.last_webhook_at:
        return Finding.of("webhooks", "webhooks_ok", f"{connection.last_webhook_at:%Y-%m-%d %H:%M}")
    silent = connection.subscribed_at is not None and connection.subscribed_at < timezone.now() - SILENCE
    return Finding.of("webhooks", "webhooks_none" if silent else "webhooks_none_yet")


def _lose(connection: WhatsappConnection, token: str, reason: str) -> None:
    """The token is gone, unless the connection has a new one since, or is known to be without."""
    connection.refresh_from_db(fields=["access_token", "status"])
    if connection.access_token == token and connection.status not in (Status.RECONNECT, Status.DISCONNECTED):
        connection.access_lost(reason)


def _keep(connection: WhatsappConnection, findings: list[Finding]) -> None:
    """Writes down what was found, and takes back what turns out not to be so any more."""
    connection.findings = [finding.stored() for finding in findings]
    connection.last_checked_at = timezone.now()
    connection.save(update_fields=["findings", "last_checked_at"])
    connection.refresh_from_db(fields=["status", "problem"])
    found = {finding.check: finding for finding in findings}
    number = found["number"].code
    if number == "number_restricted" and connection.status == Status.CONNECTED:
        connection.restricted(f"The number is {found['number'].detail}.")
    elif number == "number_ok" and connection.status == Status.RESTRICTED:
        connection.unrestricted()
    elif connection.problem in Ending.values and found["registration"].code in IS_REGISTERED:
        connection.problem = connection.status_reason = ""
        connection.save(update_fields=["problem", "status_reason"])
