"""What people are told is wrong with a connection as a whole, and what to do.

Knows the states of a connection; nothing of how they come about.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from whatsapp.models import Ending, WhatsappConnection
from whatsapp.words import ENDINGS

CONNECT_AGAIN = _("Connect the number again.")

PROBLEMS: dict[str, tuple[Promise, Promise]] = {
    "token_rejected": (_("Meta does not accept our access any more. What comes in is kept."), CONNECT_AGAIN),
    "app_removed": (_("Our app was removed at Meta. What comes in is kept."), CONNECT_AGAIN),
    "restricted": (
        _("Meta has restricted the account. What comes in is kept, and answered when the restriction ends."),
        _("Look in WhatsApp Manager for what Meta asks of you, and ask for a review."),
    ),
    "disabled": (
        _("Meta has disabled the account. What comes in is kept."),
        _("Ask for a review in WhatsApp Manager."),
    ),
    "account_deleted": (
        _("The WhatsApp Business account was deleted at Meta."),
        _("Connect a number of another account."),
    ),
    "offboarded": (_("The number was taken off the platform at Meta. What comes in is kept."), CONNECT_AGAIN),
    "pin_changed": (
        _("The number's PIN was changed at Meta. It still works, and the PIN is needed to register it again."),
        _("Keep the new PIN at hand."),
    ),
    "disconnected": (
        _("The number was disconnected."),
        _("To have it answered again, connect it again."),
    ),
    "signup_unfinished": (
        _("The signup has not come to its end."),
        _("Repair the connection, or connect the number again."),
    ),
}
PROBLEM_OF_STATUS = {
    WhatsappConnection.Status.PENDING: "signup_unfinished",
    WhatsappConnection.Status.RESTRICTED: "restricted",
    WhatsappConnection.Status.RECONNECT: "token_rejected",
    WhatsappConnection.Status.DISCONNECTED: "disconnected",
}


class Problem(NamedTuple):
    code: str
    what: str
    to_do: str


def problem_of(connection: WhatsappConnection) -> Problem | None:
    """What is wrong with it, in people's words; None when nothing is. A refused repair speaks as a signup does."""
    code = connection.problem or PROBLEM_OF_STATUS.get(WhatsappConnection.Status(connection.status), "")
    if not code:
        return None
    if code in PROBLEMS:
        what, to_do = PROBLEMS[code]
    else:
        words = ENDINGS[Ending(code) if code in Ending.values else Ending.REFUSED]
        what, to_do = words.what, words.to_do
    return Problem(code, str(what), str(to_do))
