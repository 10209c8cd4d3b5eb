"""What becomes of a connection after its signup: its token is renewed, its grant is taken back, it ends.

Knows connections and Meta's calls; nothing of conversations. What Meta says of an account is heard in `accounts`.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from whatsapp.client import GraphClient
from whatsapp.errors import GraphError
from whatsapp.exchanges import keep_for
from whatsapp.models import EmbeddedSignupSession, MessageTemplate, WhatsappConnection

logger = logging.getLogger(__name__)

Status = WhatsappConnection.Status
ALIVE = (Status.CONNECTED, Status.RESTRICTED)
REFRESH_BEFORE = timedelta(days=14)


def refresh_token(connection: WhatsappConnection) -> bool:
    """A new token when the old one ends soon. The old one stays until the new one is stored.

    https://developers.facebook.com/docs/business-management-apis/system-users/install-apps-and-generate-tokens
    """
    old, ends = connection.access_token, connection.token_expires_at
    if not old or ends is None or ends > timezone.now() + REFRESH_BEFORE:
        return False
    try:
        new = GraphClient(old, keep_for(connection)).extend_token()
    except GraphError as error:
        logger.warning("connection %s keeps its token: %s", connection.pk, error)
        return False
    with transaction.atomic():
        locked = WhatsappConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        if locked.access_token != old:  # connected again, or disconnected, meanwhile
            return False
        locked.access_token, locked.token_expires_at = new.value, new.expires_at
        locked.save(update_fields=["access_token", "token_expires_at"])
    connection.refresh_from_db(fields=["access_token", "token_expires_at"])
    return True


def disconnect(connection: WhatsappConnection) -> None:
    """Ends our access at Meta as far as Meta lets us, and wipes token and PIN in every case.

    What another number still needs is left: the subscription of a shared account, a shared token. The number stays
    registered: it is the tenant's.
    """
    token = connection.access_token
    failures: list[str] = []
    if token:
        client = GraphClient(token, keep_for(connection))
        others = WhatsappConnection.objects.filter(status__in=ALIVE).exclude(pk=connection.pk)
        if not others.filter(business_account_id=connection.business_account_id).exists():
            failures += _tried("unsubscribe", lambda: client.unsubscribe_app(connection.business_account_id))
        of_same_grant = Q(tenant=connection.tenant_id)
        if connection.meta_user_id:
            of_same_grant |= Q(meta_user_id=connection.meta_user_id)
        if not any(other.access_token == token for other in others.filter(of_same_grant)):
            failures += _tried("revoke", client.revoke_token)
    _wipe(connection, " ".join(failures))


def _tried(name: str, step: Callable[[], None]) -> list[str]:
    """Nothing, or what went wrong: a step that fails must not keep the secrets here."""
    try:
        step()
    except GraphError as error:
        logger.warning("%s failed: %s", name, error)
        return [f"{name}: {error}"]
    return []


def _wipe(connection: WhatsappConnection, reason: str) -> None:
    with transaction.atomic():
        connection.access_token = connection.pin = connection.meta_user_id = ""
        connection.token_expires_at = connection.subscribed_at = None
        connection.status, connection.problem, connection.status_reason = Status.DISCONNECTED, "", reason[:500]
        connection.findings = []
        connection.save(
            update_fields=[
                "access_token",
                "pin",
                "meta_user_id",
                "token_expires_at",
                "subscribed_at",
                "status",
                "problem",
                "status_reason",
                "findings",
            ]
        )
        EmbeddedSignupSession.objects.filter(connection=connection).update(access_token="", numbers=[])
        _forget_templates(connection)


def _forget_templates(connection: WhatsappConnection) -> None:
    """Of an account that the tenant has no number of any more; a new signup reads them again."""
    account = {"tenant": connection.tenant_id, "business_account_id": connection.business_account_id}
    if not WhatsappConnection.objects.filter(**account).exclude(status=Status.DISCONNECTED).exists():
        MessageTemplate.objects.filter(**account).delete()
        WhatsappConnection.objects.filter(**account).update(templates_synced_at=None, templates_error="")


def app_removed(meta_user_id: str) -> None:
    """The person, or system user, whose token we have has taken our permission back."""
    for connection in _of_meta_user(meta_user_id):
        connection.access_lost("Meta: the app was deauthorized.", "app_removed")


def forget(meta_user_id: str) -> None:
    """Every connection that this Meta user granted ends, and is wiped."""
    for connection in _of_meta_user(meta_user_id):
        disconnect(connection)


def _of_meta_user(meta_user_id: str) -> list[WhatsappConnection]:
    """Not those that nobody is known of."""
    if not meta_user_id:
        return []
    return list(WhatsappConnection.objects.filter(meta_user_id=meta_user_id).exclude(status=Status.DISCONNECTED))
