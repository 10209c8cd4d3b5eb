"""Who receives which item, and how a failure of one costs no sibling.

Knows whose the items are and who does what they ask for; nothing of events, but that an item is of one.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from conversations import facts, messages, people, statuses
from conversations.accepting import UNREACHABLE
from conversations.facts import Known
from conversations.whose import Part
from tenants.prepared import Asked, together
from whatsapp import accounts
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import (
    AccountUpdate,
    ChangedIdentity,
    InboundMessage,
    Item,
    MarketingWish,
    Said,
    SavedContact,
    Skipped,
    StatusUpdate,
)

logger = logging.getLogger(__name__)


class Failed(NamedTuple):
    """Why an item was set aside."""

    reason: str


Word = str | Failed
# What `facts` has found for those who receive what comes first; None where they have to ask themselves.
Found = Sequence[Any] | None
Done = tuple[Sequence[Word], Sequence[Asked[Any]]]
Receive = Callable[[Sequence[Part], Found], Done]
CarryOut = Callable[[Receive, list[Part], Found], Done]


def receiver_of(part: Part) -> Receive:
    """Who does what the item asks for. Neighbours with the same one are done together."""
    match part.item:
        case Skipped():
            return _skip
        case AccountUpdate():
            return _hear
        case _ if part.connection is None:
            return _ignore_unknown
        case StatusUpdate():
            return _receive_statuses
        case _ if part.connection.status == WhatsappConnection.Status.DISCONNECTED:
            return _ignore_disconnected
        case InboundMessage(becomes=becomes) if becomes is not None:
            return _receive_news
        case Said():
            return _receive_messages
        case _:
            return _receive_about_persons


def at_once(receive: Receive, parts: list[Part], found: Found) -> Done:
    """What became of the parts, and what is still to be written."""
    return receive(parts, found)


def each(receive: Receive, parts: list[Part], found: Found = None, *, once_more: bool = True) -> Done:
    """What became of each part: all of them in one transaction, or, when that fails, each half in one of its own, so
    that the one that is poisoned ends up alone. It is tried once more there: perhaps it only lost a race."""
    try:
        with transaction.atomic():
            words, writes = receive(parts, None)
            together(*writes)
            return words, ()
    except UNREACHABLE:
        raise
    except Exception as error:
        if len(parts) == 1 and not (once_more and isinstance(error, IntegrityError)):
            logger.exception("event %s: an item failed", parts[0].event.pk)
            return [Failed(f"{type(error).__name__}: {error}")], ()
    middle = len(parts) // 2
    halves = (parts[:middle], parts[middle:]) if middle else (parts,)
    return [word for half in halves for word in each(receive, half, once_more=bool(middle))[0]], ()


def _skip(parts: Sequence[Part], _found: Found) -> Done:
    return [f"skipped: {part.item.what}" for part in parts], ()


def _hear(parts: Sequence[Part], _found: Found) -> Done:
    return [accounts.hear(part.item) for part in parts], ()


def _ignore_unknown(parts: Sequence[Part], _found: Found) -> Done:
    return ["ignored: the number is not connected"] * len(parts), ()


def _ignore_disconnected(parts: Sequence[Part], _found: Found) -> Done:
    return ["ignored: the tenant has disconnected the number"] * len(parts), ()


def _receive_statuses(parts: Sequence[Part], found: Found) -> Done:
    [ours] = found or together(facts.of_statuses([part.item for part in parts]))
    return statuses.receive([(part.item, part.connection) for part in parts], ours)


def _receive_messages(parts: Sequence[Part], found: Found) -> Done:
    known = Known(*(found or together(*facts.of_said([part.item for part in parts]))))
    return messages.receive(parts, known)


def _receive_news(parts: Sequence[Part], _found: Found) -> Done:
    """Messages that say that their sender goes by another identity from now on; said again, they change nothing."""
    words: list[Word] = []
    for part in parts:
        [word], writes = _receive_messages([part], None)
        together(*writes)
        if word == messages.NEW:
            people.become(people.Scope.of(part.connection), part.item.customer, part.item.becomes)
        words.append(word)
    return words, ()


def _receive_about_persons(parts: Sequence[Part], _found: Found) -> Done:
    return [ABOUT_PERSONS[type(part.item)](part.item, part.connection) for part in parts], ()


ABOUT_PERSONS: dict[type[Item], Callable[[Any, WhatsappConnection], str]] = {
    ChangedIdentity: people.hear_of_change,
    SavedContact: people.save_contact,
    MarketingWish: people.note_wish,
}
