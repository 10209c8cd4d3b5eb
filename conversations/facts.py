"""What must be known before anything is done about what Meta says: all of it asked in one round trip.

By Meta's numbers alone, for whose they are is asked along with it. Knows rows; nothing of what is done with them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from conversations.models import Conversation, Message, WhatsappUser
from tenants.prepared import AnyGiven, AnyOf, Asked, Prepared
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import Item, Said, StatusUpdate

CHANGES = ("edit", "revoke")
OF_STATUS = ("status", "status_at", "wamid", "error_code", "error", "reason", "pricing")
OF_CONNECTION = ("tenant_id", "phone_number_id", "portfolio_id", "status", "last_webhook_at")
OF_MESSAGE = (
    *("tenant_id", "connection_id", "conversation_id", "sequence"),
    *("wamid", "type", "refers_to", "direction", "said_at"),
)
# Where nothing is looked for by its key: an empty list would let PostgreSQL read a whole index.
NO_ID = UUID(int=0)


class Known(NamedTuple):
    """What is known of messages and of who says them, as of the moment it was asked; the conversations are locked."""

    users: Sequence[WhatsappUser]
    conversations: Sequence[Conversation]
    messages: Sequence[Message]


def of_numbers(items: Iterable[Item]) -> Asked[list[WhatsappConnection]]:
    """The connections that the items are about; without their secrets, and without their tenants."""
    return _CONNECTIONS.asked(numbers=_numbers(items))


def of_said(items: Sequence[Said]) -> tuple[Asked[Any], ...]:
    """What `Known` consists of. In a transaction, for the conversations are locked, in one order.

    The messages come last: whoever stored one of them before us has held its conversation until then.
    """
    persons = [item.customer for item in items]
    given = {
        "numbers": _numbers(items),
        "phones": list({person.wa_id for person in persons if person.wa_id}),
        "ids": list({person.user_id for person in persons if person.user_id}),
        "wamids": list({item.wamid for item in items}),
    }
    return _USERS.asked(**given), _CONVERSATIONS.asked(**given), _MESSAGES.asked(**given)


def of_statuses(items: Sequence[StatusUpdate]) -> Asked[list[Message]]:
    """The messages of ours that the statuses are about, locked; by number and wamid, and by what we sent along.

    A status may be faster than the answer that tells us the wamid: then our own id is all that joins them.
    """
    ids = {own_id(item) for item in items} - {None}
    return _OURS.asked(numbers=_numbers(items), wamids=list({item.wamid for item in items}), ids=list(ids) or [NO_ID])


def own_id(item: StatusUpdate) -> UUID | None:
    """Our own id of the message, when we sent it along."""
    try:
        return UUID(item.callback_data) if item.callback_data else None
    except ValueError:
        return None


def _numbers(items: Iterable[Item | Said]) -> list[str]:
    return list({getattr(item, "phone_number_id", "") for item in items} - {""})


def _numbered() -> QuerySet[WhatsappConnection]:
    return WhatsappConnection.objects.filter(phone_number_id=AnyGiven("numbers"))


def _of_persons(**whose: Any) -> QuerySet[WhatsappUser]:
    """In each half of the OR, `whose` is a mere condition: never the index by which they are looked for."""
    return WhatsappUser.objects.filter(Q(wa_id=AnyGiven("phones"), **whose) | Q(user_id=AnyGiven("ids"), **whose))


_CONNECTIONS = Prepared(lambda: _numbered().only(*OF_CONNECTION))
_USERS = Prepared(lambda: _of_persons(tenant__in=_numbered().values("tenant")))
_CONVERSATIONS = Prepared(
    lambda: (
        Conversation.objects.select_for_update()
        .filter(connection=AnyOf(_numbered().values("pk")), whatsapp_user=AnyOf(_of_persons().values("pk")))
        .order_by("pk")
    )
)
# Those that we have, and the edits and deletions that came before the messages they are about.
_MESSAGES = Prepared(
    lambda: Message.objects.filter(
        Q(wamid=AnyGiven("wamids")) | Q(refers_to=AnyGiven("wamids"), type__in=CHANGES),
        connection=AnyOf(_numbered().values("pk")),
    ).only(*OF_MESSAGE)
)
_OURS = Prepared(
    lambda: (
        Message.objects.select_for_update()
        .filter(
            Q(wamid=AnyGiven("wamids")) | Q(pk=AnyGiven("ids"), wamid=None),
            direction=Message.Direction.OUTBOUND,
            connection=AnyOf(_numbered().values("pk")),
        )
        .only("connection_id", *OF_STATUS)
        .order_by("pk")
    )
)
