"""The story of a signup: state → code → token → assets → subscribe → register → CONNECTED.

Knows Meta's steps and what each refusal means to the person in the browser; nothing of pages or requests.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import IntegrityError, transaction

from tenants.models import Tenant
from whatsapp.client import GraphClient, PhoneNumber, TokenFacts, dialog_url
from whatsapp.errors import GraphError, GraphUnavailable, OutcomeUnknown
from whatsapp.models import EmbeddedSignupSession, WhatsappConnection

logger = logging.getLogger(__name__)

REQUIRED_SCOPES = frozenset({"whatsapp_business_management", "whatsapp_business_messaging"})


class Ending(StrEnum):
    """Every way a signup can end; each has its words on the page that the person sees."""

    CONNECTED = "connected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    CODE_REFUSED = "code_refused"
    PERMISSIONS_MISSING = "permissions_missing"
    NO_NUMBER = "no_number"
    NUMBER_TAKEN = "number_taken"
    REGISTRATION_REFUSED = "registration_refused"
    META_UNAVAILABLE = "meta_unavailable"
    REFUSED = "refused"


@dataclass(frozen=True)
class Signup:
    """How it ended, and the connection it led to or, for a used link, had led to."""

    ending: Ending
    connection: WhatsappConnection | None = None


class SignupRefused(Exception):
    """A step that will not succeed as things are: the ending, and for staff the reason."""

    def __init__(self, ending: Ending, reason: str) -> None:
        super().__init__(reason)
        self.ending = ending


def begin(tenant: Tenant) -> tuple[EmbeddedSignupSession, str]:
    """A new session for this tenant, and the URL at Meta that its people open."""
    session, state = EmbeddedSignupSession.begin(tenant)
    return session, dialog_url(state)


def come_back(state: str, code: str) -> Signup:
    """Somebody has come back from Meta, with a code, or without one when they cancelled.

    Uses up the session, keeps the ending on it, and never raises for what Meta refuses. The code lives
    30 seconds, so everything happens now.
    """
    session = EmbeddedSignupSession.find(state)
    if session is None:
        return Signup(Ending.UNKNOWN)
    if not session.claim():
        session.refresh_from_db()
        return Signup(Ending.USED if session.used_at else Ending.EXPIRED, session.connection)
    if not code:
        session.ended(EmbeddedSignupSession.Outcome.CANCELLED)
        return Signup(Ending.CANCELLED)
    try:
        session.connection = connect(session.tenant, code)
    except SignupRefused as refusal:
        logger.warning("signup %s ended with %s: %s", session.pk, refusal.ending, refusal)
        session.ended(EmbeddedSignupSession.Outcome.FAILED, f"{refusal.ending}: {refusal}")
        return Signup(refusal.ending)
    session.ended(EmbeddedSignupSession.Outcome.CONNECTED)
    return Signup(Ending.CONNECTED, session.connection)


def connect(tenant: Tenant, code: str) -> WhatsappConnection:
    """The tenant's connection, CONNECTED. Raises SignupRefused, naming the step that failed by its ending."""
    with _step(Ending.CODE_REFUSED):
        access_token = GraphClient().exchange_code(code)
    with _step(Ending.PERMISSIONS_MISSING):
        facts = GraphClient.of_the_app().debug_token(access_token)
    check(facts)
    client = GraphClient(access_token)
    with _step(Ending.NO_NUMBER):
        business_account_id, number = newest_number(client, facts)
    connection = hold(tenant, business_account_id, number, access_token)
    with _step(Ending.REFUSED):
        client.subscribe_app(business_account_id)
    if connection.connected_at is None:  # registering again would only use up Meta's ten calls in 72 hours
        with _step(Ending.REGISTRATION_REFUSED):
            client.register(number.id, connection.pin)
    connection.connected()
    return connection


@contextmanager
def _step(ending: Ending) -> Iterator[None]:
    """Within it, what Meta refuses ends the signup with this ending; an outage ends it as an outage."""
    try:
        yield
    except (GraphUnavailable, OutcomeUnknown) as error:
        raise SignupRefused(Ending.META_UNAVAILABLE, str(error)) from error
    except GraphError as error:
        raise SignupRefused(ending, str(error)) from error


def check(facts: TokenFacts) -> None:
    """Is this token alive, ours, and allowed enough? Raises SignupRefused."""
    if not facts.is_valid or facts.app_id != settings.META_APP_ID:
        raise SignupRefused(Ending.CODE_REFUSED, "The token is not valid for our app.")
    if missing := REQUIRED_SCOPES - facts.scopes:
        raise SignupRefused(Ending.PERMISSIONS_MISSING, f"Not granted: {', '.join(sorted(missing))}.")


def newest_number(client: GraphClient, facts: TokenFacts) -> tuple[str, PhoneNumber]:
    """The WABA and the number that were just set up: Meta lists the newest first. Raises SignupRefused."""
    for business_account_id in facts.business_account_ids:
        for number in client.phone_numbers(business_account_id):
            return business_account_id, number
    raise SignupRefused(Ending.NO_NUMBER, "No WABA that was shared has a number.")


def hold(tenant: Tenant, business_account_id: str, number: PhoneNumber, access_token: str) -> WhatsappConnection:
    """The tenant's row for this number, with the new token. Raises SignupRefused when another tenant has it."""
    try:
        with transaction.atomic():
            connection, _created = WhatsappConnection.objects.select_for_update().get_or_create(
                phone_number_id=number.id,
                defaults={"tenant": tenant, "pin": f"{secrets.randbelow(10**6):06}", "access_token": access_token},
            )
            if connection.tenant_id != tenant.pk:
                raise SignupRefused(Ending.NUMBER_TAKEN, f"{number.id} belongs to another tenant.")
            connection.business_account_id = business_account_id
            connection.display_phone_number = number.display_phone_number
            connection.verified_name = number.verified_name
            connection.access_token = access_token
            connection.save()
    except IntegrityError as error:
        raise SignupRefused(Ending.NUMBER_TAKEN, f"{number.id} was connected twice at the same time.") from error
    return connection
