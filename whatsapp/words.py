"""What people are told at each ending of a signup: on the page, in the API and by staff, in the same words.

Knows the endings; nothing of how they come about. Meta's own words are never shown.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from whatsapp.models import Ending


class Words(NamedTuple):
    """A heading, what has happened, and what to do now."""

    title: Promise
    what: Promise
    to_do: Promise


START_AGAIN = _("Please start again from where you came.")
TRY_AGAIN = _("Try again now, or in a few minutes: what was granted at Meta is kept.")

ENDINGS = {
    Ending.PENDING: Words(
        _("The signup has begun"), _("Nobody has come back from Meta yet."), _("Open the link and follow Meta's steps.")
    ),
    Ending.CONNECTED: Words(
        _("Your number is connected"),
        _("It is now answered by your agent."),
        _("Write to it on WhatsApp to try it. You can close this page."),
    ),
    Ending.CANCELLED: Words(
        _("You cancelled at Meta"),
        _("Nothing was connected and nothing has changed."),
        _("To connect after all, start again from where you came."),
    ),
    Ending.CHOICE_NEEDED: Words(
        _("Which number shall be connected?"),
        _("Several numbers were shared with us."),
        _("Choose one. You can connect another one later in the same way."),
    ),
    Ending.CODE_REFUSED: Words(
        _("Meta did not confirm your permission"),
        _("Meta's permission is good for 30 seconds and for one use, and this one was not accepted."),
        START_AGAIN,
    ),
    Ending.FOREIGN_TOKEN: Words(
        _("Meta gave the access to another app"),
        _("What came back from Meta is not meant for this platform."),
        _("Please start again, and tell us if it happens once more."),
    ),
    Ending.PERMISSIONS_MISSING: Words(
        _("A permission is missing"),
        _("We need both permissions that Meta's dialog asks for: to manage and to send WhatsApp messages."),
        _("Please start again, and leave both of them switched on."),
    ),
    Ending.NO_NUMBER: Words(
        _("No phone number was shared"),
        _("The WhatsApp Business account you chose has no phone number that we may use."),
        _("Add a number to it at Meta and try again, or start again and choose another account."),
    ),
    Ending.NUMBER_TAKEN: Words(
        _("This number is connected to another account"),
        _("One number can be answered for one company only."),
        _("Choose another number, or ask us for help if this number is yours."),
    ),
    Ending.PIN_NEEDED: Words(
        _("This number has a PIN of its own"),
        _("Two-step verification is switched on for it, so Meta wants its six-digit PIN once."),
        _("Enter the PIN, or switch two-step verification off in WhatsApp Manager and try again without one."),
    ),
    Ending.VERIFY_FIRST: Words(
        _("This number has to be verified at Meta first"),
        _("Meta has not confirmed yet that the number is yours."),
        _("Verify it in WhatsApp Manager by SMS or call, then try again."),
    ),
    Ending.REGISTER_LIMIT: Words(
        _("Meta blocks the registration for now"),
        _("A number can be registered ten times in 72 hours, and this one has been tried too often."),
        _("Try again in three days: what was granted at Meta is kept."),
    ),
    Ending.REGISTRATION_REFUSED: Words(
        _("Meta did not register the number"),
        _("We have noted the reason."),
        _("Check the number in WhatsApp Manager and try again; if it happens once more, ask us for help."),
    ),
    Ending.META_UNAVAILABLE: Words(
        _("Meta does not answer at the moment"),
        _("The number is not connected yet. It is not your mistake."),
        TRY_AGAIN,
    ),
    Ending.REFUSED: Words(
        _("Meta refused the connection"),
        _("We have noted the reason, but it is not one that we can explain here."),
        _("Try again; if it happens once more, ask us for help."),
    ),
}

NOTHING_CONNECTED = _("Please start again from where you came; nothing was connected.")

# A link that does not lead into a signup at all.
UNKNOWN = Words(
    _("We do not know this link"),
    _("It is incomplete, or it was not made by us."),
    NOTHING_CONNECTED,
)
EXPIRED = Words(
    _("This link has expired"),
    _("A link is good for 15 minutes, and this one is older."),
    NOTHING_CONNECTED,
)
USED = Words(
    _("This link has been used already"),
    _("Each link works once."),
    _("There is nothing left to do here."),
)
ENDED = Words(
    _("This page is too old"),
    _("It could be answered for one hour."),
    START_AGAIN,
)
