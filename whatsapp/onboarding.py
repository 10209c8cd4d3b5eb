"""The story of a signup: state → code → token → assets → subscribe → register → CONNECTED.

Knows Meta's steps and what each refusal means; nothing of pages or requests. Each step is done once, however often
it is tried, so trying again is the repair.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.models import Tenant
from whatsapp.client import GraphClient, PhoneNumber, TokenFacts, dialog_url
from whatsapp.errors import GraphError, GraphUnavailable, OutcomeUnknown
from whatsapp.exchanges import keep_for, keep_for_signup
from whatsapp.models import EmbeddedSignupSession, Ending, WhatsappConnection
from whatsapp.templates import queue_sync

logger = logging.getLogger(__name__)

REQUIRED_SCOPES = frozenset({"whatsapp_business_management", "whatsapp_business_messaging"})

# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/registration
REGISTER_WINDOW = timedelta(hours=72)
OUR_SHARE_OF_TRIES = 5  # of Meta's ten: the tenant needs some for themselves
ENDING_OF_REGISTER_CODE = {
    133005: Ending.PIN_NEEDED,
    133008: Ending.REGISTER_LIMIT,
    133009: Ending.REGISTER_LIMIT,
    133016: Ending.REGISTER_LIMIT,
    133006: Ending.VERIFY_FIRST,
}


class SignupRefused(Exception):
    """A step that did not succeed: the ending, and for staff the reason."""

    def __init__(self, ending: Ending, reason: str) -> None:
        super().__init__(reason)
        self.ending = ending


def begin(tenant: Tenant) -> tuple[EmbeddedSignupSession, str]:
    """A new session for this tenant, and the URL at Meta that its people open."""
    session, state = EmbeddedSignupSession.begin(tenant)
    return session, dialog_url(state)


def grant(session: EmbeddedSignupSession, code: str, redirect_uri: str) -> Ending:
    """Somebody has come back from Meta with this code, or with none when they cancelled.

    The caller has claimed the session. `redirect_uri` is the dialog's, empty for the JavaScript popup. The code
    lives 30 seconds, so everything happens now; the ending is kept, and nothing that Meta refuses is raised.
    """
    if not code:
        session.ended(Ending.CANCELLED)
        return Ending.CANCELLED
    try:
        with _step(Ending.CODE_REFUSED):
            token = GraphClient(keep=keep_for_signup(session)).exchange_code(code, redirect_uri)
    except SignupRefused as refusal:
        return _ended(session, refusal)
    session.access_token, session.token_expires_at = token.value, token.expires_at
    session.save(update_fields=["access_token", "token_expires_at"])
    return go_on(session)


def go_on(session: EmbeddedSignupSession, phone_number_id: str = "", pin: str = "") -> Ending:
    """Everything after the token, as far as it can go: after the dialog, after a choice, or to try again.

    `phone_number_id` chooses among the numbers that were shared; one that was not shared is not taken. `pin` is
    the number's own. Of two callers at once one goes on, and the other is told how it stands.
    """
    if not session.can_go_on or not session.take_turn():
        return Ending(session.ending)
    try:
        connection = _connect(session, phone_number_id, pin)
    except SignupRefused as refusal:
        return _ended(session, refusal)
    session.connection = connection
    session.ended(Ending.CONNECTED)
    return Ending.CONNECTED


def finish(connection: WhatsappConnection, pin: str = "") -> None:
    """Subscribes and registers, whichever is still to be done, marks it CONNECTED, and has its templates read.

    Raises SignupRefused, naming the step by its ending. Also the repair of a connection.
    """
    client = GraphClient(connection.access_token, keep_for(connection))
    if connection.subscribed_at is None:
        with _step(Ending.REFUSED):
            client.subscribe_app(connection.business_account_id)
        _done(connection, "subscribed_at")
    with _step(Ending.REFUSED):
        number = client.phone_number(connection.phone_number_id)
    if number.is_coexistence:
        _sync_business_app(client, connection)
    elif not number.is_registered:
        _register(client, connection, pin)
    if connection.registered_at is None:
        _done(connection, "registered_at")
    connection.connected()
    queue_sync(connection)


def _connect(session: EmbeddedSignupSession, phone_number_id: str, pin: str) -> WhatsappConnection:
    keep = keep_for_signup(session)
    with _step(Ending.PERMISSIONS_MISSING):
        facts = GraphClient.of_the_app(keep).debug_token(session.access_token)
    check(facts)
    client = GraphClient(session.access_token, keep)
    with _step(Ending.NO_NUMBER):
        shared = shared_numbers(client, facts)
    business_account_id, number = _chosen(session, shared, phone_number_id or session.phone_number_id)
    portfolio_id = _portfolio(client, business_account_id, number)
    connection = hold(session, business_account_id, number, facts, portfolio_id)
    session.connection = connection
    session.save(update_fields=["connection"])
    finish(connection, pin)
    return connection


def check(facts: TokenFacts) -> None:
    """Is this token alive, ours, and allowed enough? Raises SignupRefused."""
    if not facts.is_valid:
        raise SignupRefused(Ending.CODE_REFUSED, "The token is not valid any more.")
    if facts.app_id != settings.META_APP_ID:
        raise SignupRefused(Ending.FOREIGN_TOKEN, f"The token is for app {facts.app_id}.")
    if missing := REQUIRED_SCOPES - facts.scopes:
        raise SignupRefused(Ending.PERMISSIONS_MISSING, f"Not granted: {', '.join(sorted(missing))}.")


def shared_numbers(client: GraphClient, facts: TokenFacts) -> list[tuple[str, PhoneNumber]]:
    """Every number of every WABA that was shared, with its WABA: what the server found, never what a browser said."""
    return [(waba, number) for waba in facts.business_account_ids for number in client.phone_numbers(waba)]


def _chosen(
    session: EmbeddedSignupSession, shared: list[tuple[str, PhoneNumber]], phone_number_id: str
) -> tuple[str, PhoneNumber]:
    """The one number there is, or the one that was chosen. Raises SignupRefused for none, or for several."""
    fitting = [pair for pair in shared if pair[1].id == phone_number_id] or shared
    if not fitting:
        raise SignupRefused(Ending.NO_NUMBER, "No WABA that was shared has a number.")
    if len(fitting) > 1:
        session.numbers = [{"business_account_id": waba, **asdict(number)} for waba, number in shared]
        raise SignupRefused(Ending.CHOICE_NEEDED, f"{len(shared)} numbers were shared.")
    session.phone_number_id = fitting[0][1].id
    session.save(update_fields=["phone_number_id"])
    return fitting[0]


def _portfolio(client: GraphClient, business_account_id: str, number: PhoneNumber) -> str:
    """The portfolio within which Meta's ids of this number's customers are the same; asked for a new number only.

    Where Meta refuses to tell, it is the number's account: that lies in one portfolio and so never mixes two.
    """
    if WhatsappConnection.objects.filter(phone_number_id=number.id).exists():
        return ""
    try:
        with _step(Ending.REFUSED):
            return client.client_business_id()
    except SignupRefused as refusal:
        if refusal.ending == Ending.META_UNAVAILABLE:
            raise
        logger.warning("number %s gets its account as its portfolio: %s", number.id, refusal)
        return business_account_id


def hold(
    session: EmbeddedSignupSession,
    business_account_id: str,
    number: PhoneNumber,
    facts: TokenFacts,
    portfolio_id: str,
) -> WhatsappConnection:
    """The tenant's row for this number, with the new token. Raises SignupRefused when another tenant has it.

    A number that is known keeps its portfolio, be it none: its customers are found by it.
    """
    try:
        with transaction.atomic():
            connection, _created = WhatsappConnection.objects.select_for_update().get_or_create(
                phone_number_id=number.id, defaults={"tenant": session.tenant, "portfolio_id": portfolio_id}
            )
            if connection.tenant_id != session.tenant_id:
                raise SignupRefused(Ending.NUMBER_TAKEN, f"{number.id} belongs to another tenant.")
            if connection.business_account_id != business_account_id:
                connection.business_account_id, connection.subscribed_at = business_account_id, None
            if connection.status == WhatsappConnection.Status.RECONNECT:
                connection.subscribed_at = None  # removing the app at Meta ended the subscription too
            connection.display_phone_number = number.display_phone_number
            connection.verified_name = number.verified_name
            connection.is_coexistence = number.is_coexistence
            connection.access_token = session.access_token
            connection.token_expires_at = session.token_expires_at or facts.expires_at
            connection.meta_user_id = facts.user_id
            connection.save()
    except IntegrityError as error:
        raise SignupRefused(Ending.NUMBER_TAKEN, f"{number.id} was connected twice at the same time.") from error
    return connection


def _register(client: GraphClient, connection: WhatsappConnection, pin: str) -> None:
    """Meta says that the number is not registered, so it is; ours is a share of Meta's ten calls in 72 hours.

    A try is counted before it is made, and the PIN is kept before it is set: a crash costs neither.
    """
    now = timezone.now()
    recent = [at for at in connection.register_tries if datetime.fromisoformat(at) > now - REGISTER_WINDOW]
    if len(recent) >= OUR_SHARE_OF_TRIES:
        raise SignupRefused(Ending.REGISTER_LIMIT, f"Tried {len(recent)} times in 72 hours.")
    connection.register_tries = [*recent, now.isoformat()]
    connection.pin = pin or connection.pin or f"{secrets.randbelow(10**6):06}"
    connection.save(update_fields=["register_tries", "pin"])
    try:
        with _step(Ending.REGISTRATION_REFUSED):
            client.register(connection.phone_number_id, connection.pin)
    except SignupRefused as refusal:
        if refusal.ending == Ending.PIN_NEEDED:  # it is not this one
            connection.pin = ""
            connection.save(update_fields=["pin"])
        raise


def _sync_business_app(client: GraphClient, connection: WhatsappConnection) -> None:
    """A number that stays in the WhatsApp Business app: its contacts and history are asked for once.

    The number works without them, so a failure does not end the signup; only what Meta has surely not heard is
    asked for again, with the next signup or repair.
    """
    if connection.synced_at is not None:
        return
    heard = True
    for sync_type in ("smb_app_state_sync", "history"):
        try:
            client.sync_business_app(connection.phone_number_id, sync_type)
        except GraphError as error:
            logger.warning("connection %s: %s was not synced: %s", connection.pk, sync_type, error)
            heard = heard and not isinstance(error, GraphUnavailable)
    if heard:
        _done(connection, "synced_at")


def _done(connection: WhatsappConnection, step: str) -> None:
    setattr(connection, step, timezone.now())
    connection.save(update_fields=[step])


def _ended(session: EmbeddedSignupSession, refusal: SignupRefused) -> Ending:
    logger.warning("signup %s stands at %s: %s", session.pk, refusal.ending, refusal)
    session.ended(refusal.ending, str(refusal))
    return refusal.ending


@contextmanager
def _step(ending: Ending) -> Iterator[None]:
    """Within it, what Meta refuses ends the signup with this ending; an outage ends it as an outage."""
    try:
        yield
    except (GraphUnavailable, OutcomeUnknown) as error:
        raise SignupRefused(Ending.META_UNAVAILABLE, str(error)) from error
    except GraphError as error:
        raise SignupRefused(ENDING_OF_REGISTER_CODE.get(error.code, ending), str(error)) from error
