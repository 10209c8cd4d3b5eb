"""A message to a phone of the tenant's own, and what became of it: the proof that a number can speak.

Knows one message at a time, the last; the conversations know nothing of it.
"""

from django.utils import timezone

from whatsapp.client import GraphClient
from whatsapp.errors import AccessTokenRejected, GraphError, OutcomeUnknown
from whatsapp.exchanges import keep_for
from whatsapp.findings import Finding
from whatsapp.models import WhatsappConnection

TAG = "test:"
SENDING, ACCEPTED, FAILED, LOST = "sending", "accepted", "failed", "unknown"
# What may have been before; like a message's, a test's status only moves forward.
BEFORE = {
    "sent": (SENDING, ACCEPTED, LOST),
    "delivered": (SENDING, ACCEPTED, LOST, "sent"),
    "read": (SENDING, ACCEPTED, LOST, "sent", "delivered"),
    "failed": (SENDING, ACCEPTED, LOST, "sent"),
}
CODE_OF_STATUS = {"": "test_none", "delivered": "test_ok", "read": "test_ok", FAILED: "test_failed"}


def send_test(connection: WhatsappConnection, to: str, text: str) -> None:
    """Sends it. What Meta refuses is kept as the finding and not raised."""
    connection.test_status, connection.test_at = SENDING, timezone.now()
    connection.save(update_fields=["test_status", "test_at"])
    client = GraphClient(connection.access_token, keep_for(connection))
    try:
        client.send_text(connection.phone_number_id, {"to": to}, text, f"{TAG}{connection.pk}")
    except OutcomeUnknown as error:
        _move(connection, LOST, (SENDING,), str(error))
    except GraphError as error:
        _move(connection, FAILED, (SENDING,), str(error))
        if isinstance(error, AccessTokenRejected):
            connection.access_lost(str(error))
    else:
        _move(connection, ACCEPTED, (SENDING,))


def is_of_test(callback_data: str, connection: WhatsappConnection) -> bool:
    """Whether a status with this callback data is about this connection's test message."""
    return callback_data == f"{TAG}{connection.pk}"


def advance_test(connection: WhatsappConnection, status: str, detail: str = "") -> bool:
    """Meta says what became of it. False when that is not forward."""
    return _move(connection, status, BEFORE.get(status, ()), detail)


def finding_of_test(connection: WhatsappConnection) -> Finding:
    """As it stands now; why a test failed is remembered from when it did."""
    code = CODE_OF_STATUS.get(connection.test_status, "test_on_its_way")
    known = [stored for stored in connection.findings if stored["code"] == code and stored["check"] == "test_message"]
    return Finding.read(known[0]) if known else Finding.of("test_message", code)


def _move(connection: WhatsappConnection, status: str, before: tuple[str, ...], detail: str = "") -> bool:
    rows = WhatsappConnection.objects.filter(pk=connection.pk, test_status__in=before)
    moved = bool(rows.update(test_status=status))
    connection.refresh_from_db(fields=["test_status", "findings"])
    if moved:
        others = [stored for stored in connection.findings if stored["check"] != "test_message"]
        finding = Finding.of("test_message", CODE_OF_STATUS.get(status, "test_on_its_way"), detail)
        connection.findings = [*others, finding.stored()]
        connection.save(update_fields=["findings"])
    return moved
