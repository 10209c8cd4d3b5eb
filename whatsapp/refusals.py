"""What each of Meta's codes means: what we do next, and two sentences for the people who see it.

One table. Knows nothing of HTTP, of errors that are raised or of messages; Meta's own words are never among these.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Next(StrEnum):
    """What follows. `unknown` is no code of Meta's: it is when no clear answer came."""

    RETRY = "retry"
    RECONNECT = "reconnect"
    WINDOW = "window"
    TENANT_ACTION = "tenant_action"
    GIVE_UP = "give_up"
    UNKNOWN = "unknown"


class Throttle(StrEnum):
    """Who is to be slower: everything that goes out through the number, or what goes to this one customer."""

    NUMBER = "number"
    PAIR = "pair"


NOT_REACHABLE = _("The customer cannot be reached on WhatsApp")
BLOCKED = _("The customer is blocked")
NO_MARKETING = _("The customer wants no marketing")


class Refusal(NamedTuple):
    """What has happened and what to do now. `about` is what it tells of the customer, if anything.

    `few`: it may as well be the request itself, so after a few tries it is enough.
    """

    next: Next
    what: Promise
    to_do: Promise
    throttle: Throttle | None = None
    few: bool = False
    about: Promise | str = ""


BY_ITSELF = _("Nothing is to be done: it is tried again by itself.")
CONNECT_AGAIN = _("Connect the number again.")
GRANT_AGAIN = _("Connect the number again, and leave every permission switched on.")
REPAIR = _("Repair the connection; if that does not help, ask us.")
ASK_US = _("Ask us for help: this has to be mended on our side.")
WRITE_OTHERWISE = _("Contact the customer in another way.")
SAY_AGAIN = _("Ask the customer to send it again.")
REVIEW = _("Look in WhatsApp Manager for the reason, and ask for a review.")
OTHER_VALUES = _("Correct the template or what is filled into it, and send it again.")
OTHER_TEMPLATE = _("Choose another template, or mend this one in WhatsApp Manager.")
IN_THE_APP = _("Nothing is to be done: what is said from now on comes as usual.")

R, A, W, T, N = Next.RETRY, Next.RECONNECT, Next.WINDOW, Next.TENANT_ACTION, Next.GIVE_UP

# https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
# By `code` alone: Meta says that HTTP status, title and subcode are not to be relied on.
ROWS: tuple[tuple[Iterable[int], Refusal], ...] = (
    # ── It passes ────────────────────────────────────────────────────────────────────────────────────────────────────
    ((1, 131000), Refusal(R, _("Something went wrong at Meta."), BY_ITSELF, few=True)),
    ((2, 131016, 133004), Refusal(R, _("Meta's service is not available at the moment."), BY_ITSELF)),
    (
        (4, 613, 80007),
        Refusal(R, _("Meta was called very often in a short time, and asks us to wait."), BY_ITSELF, Throttle.NUMBER),
    ),
    ((130429,), Refusal(R, _("The number sends faster than Meta allows."), BY_ITSELF, Throttle.NUMBER)),
    (
        (131056,),
        Refusal(
            R, _("This customer was sent much in a short time, and Meta asks us to wait."), BY_ITSELF, Throttle.PAIR
        ),
    ),
    ((131057,), Refusal(R, _("Meta is working on this number; it can send again in a few minutes."), BY_ITSELF)),
    ((132069,), Refusal(R, _("The form is used so much that Meta asks us to wait."), BY_ITSELF)),
    ((133015,), Refusal(R, _("The number was deleted at Meta a moment ago; that takes a few minutes."), BY_ITSELF)),
    # ── Our access is gone or too small ──────────────────────────────────────────────────────────────────────────────
    ((0, 190), Refusal(A, _("Meta does not accept our access any more."), CONNECT_AGAIN)),
    ((3, 10, 131005, *range(200, 300)), Refusal(A, _("Our access lacks a permission for this."), GRANT_AGAIN)),
    # ── Not now to this customer ─────────────────────────────────────────────────────────────────────────────────────
    (
        (131047,),
        Refusal(
            W,
            _("More than 24 hours have passed since the customer's last message."),
            _("Wait until the customer writes, or send a template that Meta has approved."),
        ),
    ),
    (
        (131049,),
        Refusal(
            W,
            _("Meta did not deliver it, so that the customer does not get too many messages of businesses."),
            _("Wait at least 24 hours before you send it again."),
        ),
    ),
    (
        (137000,),
        Refusal(
            W,
            _("The customer's phone or account has changed, and nobody has confirmed yet who it is."),
            _("Make sure who it is when the customer writes next."),
        ),
    ),
    # ── The tenant must act ──────────────────────────────────────────────────────────────────────────────────────────
    ((368,), Refusal(T, _("Meta has blocked the account for a while because of its policies."), REVIEW)),
    ((131031,), Refusal(T, _("Meta has locked the account."), REVIEW)),
    (
        (131037,),
        Refusal(
            T,
            _("The number has no display name that Meta has approved."),
            _("Choose its display name in WhatsApp Manager."),
        ),
    ),
    (
        (131042, 131044),
        Refusal(
            T,
            _("Meta could not charge for it."),
            _("Check the payment method of the account in WhatsApp Manager, then write to the customer again."),
        ),
    ),
    (
        (131048,),
        Refusal(
            T,
            _("Customers have reported or blocked the number, and Meta lets it send less for a while."),
            _("Look at the number's quality in WhatsApp Manager, and send nothing unasked for some hours."),
        ),
    ),
    (
        (131063,),
        Refusal(
            T,
            _("Marketing templates are switched off for this account."),
            _("Switch them on in WhatsApp Manager, or send another template."),
        ),
    ),
    (
        (131064,),
        Refusal(
            T,
            _("Meta limits the account, because templates were filed under a wrong category."),
            _("Correct their category in WhatsApp Manager, and wait until the limit ends."),
        ),
    ),
    ((132001,), Refusal(T, _("The template does not exist in this language, or is not approved."), OTHER_TEMPLATE)),
    ((132007,), Refusal(T, _("The template goes against Meta's policies."), OTHER_TEMPLATE)),
    ((132015,), Refusal(T, _("Meta has paused the template because of its quality."), OTHER_TEMPLATE)),
    (
        (132068,),
        Refusal(T, _("Meta has blocked the form."), _("Look at the form in WhatsApp Manager for what is wrong.")),
    ),
    ((131045, 133010), Refusal(T, _("The number is not registered at Meta."), REPAIR)),
    ((133000,), Refusal(T, _("The number is not wholly free of where it was registered before."), REPAIR)),
    (
        (133005,),
        Refusal(
            T,
            _("The PIN that we have is not the number's."),
            _("Repair the connection with its PIN, or switch two-step verification off in WhatsApp Manager."),
        ),
    ),
    (
        (133006,),
        Refusal(T, _("The number has to be verified again."), _("Verify it in WhatsApp Manager by SMS or call.")),
    ),
    (
        (133008, 133009),
        Refusal(T, _("A wrong PIN was given too often."), _("Wait as long as Meta says, then give the right PIN.")),
    ),
    (
        (133016,),
        Refusal(
            T,
            _("The number was registered or taken off too often in 72 hours."),
            _("Try again in three days."),
        ),
    ),
    (
        (134011,),
        Refusal(T, _("The terms of WhatsApp Payments are not accepted."), _("Accept them in WhatsApp Manager.")),
    ),
    # ── It is of no use to ask again: the customer, the number ───────────────────────────────────────────────────────
    (
        (131026,),
        Refusal(
            N,
            _("WhatsApp cannot deliver to this customer: no WhatsApp, a very old one, or its terms not accepted."),
            WRITE_OTHERWISE,
            about=NOT_REACHABLE,
        ),
    ),
    (
        (130403,),
        Refusal(
            N,
            _("The business has blocked this customer."),
            _("Unblock the customer first, if you want to write."),
            about=BLOCKED,
        ),
    ),
    (
        (131050,),
        Refusal(
            N,
            _("The customer has asked for no more marketing messages."),
            _("Send this customer no marketing; answers to what they write still arrive."),
            about=NO_MARKETING,
        ),
    ),
    (
        (130472,),
        Refusal(N, _("Meta delivers no marketing to this customer, as part of an experiment."), WRITE_OTHERWISE),
    ),
    ((130497,), Refusal(N, _("Meta does not let this business write to customers in this country."), WRITE_OTHERWISE)),
    ((131021,), Refusal(N, _("The number cannot write to itself."), _("Write to another number."))),
    (
        (131030,),
        Refusal(
            N,
            _("This is one of Meta's test numbers, which writes only to numbers on its list."),
            _("Put the customer's number on the list in the app's dashboard at Meta, or connect a real number."),
        ),
    ),
    (
        (33,),
        Refusal(N, _("The number was deleted at Meta."), _("Check the connection, or connect another number.")),
    ),
    # ── … what came in, and the business app ─────────────────────────────────────────────────────────────────────────
    ((131052,), Refusal(N, _("Meta could not download what the customer sent."), SAY_AGAIN)),
    ((131035, 131060), Refusal(N, _("Meta could not give us what the customer sent."), SAY_AGAIN)),
    (
        (2593107, 2593108),
        Refusal(N, _("What was said in the WhatsApp Business app before can be fetched once, and soon."), IN_THE_APP),
    ),
    ((2593109,), Refusal(N, _("The business has chosen not to share its earlier messages."), IN_THE_APP)),
    # ── … how we asked ───────────────────────────────────────────────────────────────────────────────────────────────
    ((100, 131008, 131009, 131051, 131055, 135000), Refusal(N, _("We asked Meta in a way it does not take."), ASK_US)),
    ((101, 104), Refusal(N, _("Meta does not know our platform as it should."), ASK_US)),
    (
        (131053,),
        Refusal(
            N,
            _("Meta did not take the file: its type or its size is not allowed."),
            _("Send it as another type, or smaller."),
        ),
    ),
    (
        (131062,),
        Refusal(
            N,
            _("This kind of message needs the customer's phone number, which we do not know."),
            _("Ask the customer for the phone number."),
        ),
    ),
    ((132000, 132008, 132012, 132018), Refusal(N, _("What was filled in does not fit the template."), OTHER_VALUES)),
    ((132005,), Refusal(N, _("With what was filled in, the template is too long."), OTHER_VALUES)),
    ((132016,), Refusal(N, _("Meta has switched the template off for good."), OTHER_TEMPLATE)),
    (
        range(139100, 139104),
        Refusal(
            N, _("Meta did not block or unblock this customer."), _("Try it in the WhatsApp Business app or ask us.")
        ),
    ),
)

REFUSALS: dict[int, Refusal] = {code: refusal for codes, refusal in ROWS for code in codes}

NOBODY_KNOWS = Refusal(
    N,
    _("Meta refused it for a reason that we do not know yet."),
    _("Look at Meta's own words; if they do not help, ask us."),
)


def refusal_of(code: int) -> Refusal:
    """What this code means; of a code that nobody knows, that."""
    return REFUSALS.get(code, NOBODY_KNOWS)
