"""What the doctor can find at a connection, and the sentences that say so.

Knows the words alone; how something is found out is `health`. Meta's own words stay in `detail`, for staff.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OK, WARN, BAD, UNKNOWN = "ok", "warn", "bad", "unknown"

CHECKS = {
    "token": _("Access"),
    "permissions": _("Permissions"),
    "expiry": _("End of the access"),
    "subscription": _("Subscription"),
    "callback": _("Webhook address"),
    "number": _("Number"),
    "registration": _("Registration"),
    "quality": _("Quality"),
    "name": _("Display name"),
    "throughput": _("Throughput"),
    "payment": _("Payment method"),
    "webhooks": _("Last webhook"),
    "test_message": _("Test message"),
}


class Words(NamedTuple):
    """How it stands, what is the case, what to do about it, and whether `repair` does it."""

    state: str
    what: Promise
    fix: Promise | str = ""
    can_repair: bool = False


CONNECT_AGAIN = _("Connect the number again.")
LOOK_IN_MANAGER = _("Look in WhatsApp Manager for what Meta asks of you.")
REPAIR = _("Repair the connection.")

WORDS = {
    "unknown": Words(UNKNOWN, _("This could not be checked."), _("Check again in a few minutes.")),
    "not_asked": Words(UNKNOWN, _("This was not checked: Meta lets us look only with a valid access.")),
    "token_ok": Words(OK, _("Meta accepts our access.")),
    "token_rejected": Words(BAD, _("Meta does not accept our access any more."), CONNECT_AGAIN),
    "token_foreign": Words(BAD, _("The access is for another app."), CONNECT_AGAIN),
    "token_missing": Words(BAD, _("We have no access to this number."), CONNECT_AGAIN),
    "permissions_ok": Words(OK, _("Every permission is granted.")),
    "permissions_missing": Words(
        BAD, _("A permission is missing."), _("Connect the number again, and leave both permissions switched on.")
    ),
    "account_not_shared": Words(
        BAD,
        _("The number's WhatsApp Business account is not shared with us any more."),
        _("Connect the number again, and choose this account."),
    ),
    "expiry_never": Words(OK, _("The access does not end.")),
    "expiry_far": Words(OK, _("The access does not end soon, and is renewed in time.")),
    "expiry_soon": Words(WARN, _("The access ends in less than two weeks."), REPAIR, can_repair=True),
    "subscription_ok": Words(OK, _("Meta sends us this account's messages.")),
    "subscription_missing": Words(BAD, _("Meta does not send us this account's messages."), REPAIR, can_repair=True),
    "callback_none": Words(UNKNOWN, _("There is no subscription that could have an address.")),
    "callback_ok": Words(OK, _("They come to our address.")),
    "callback_foreign": Words(
        BAD, _("This account's messages are sent to an address that is not ours."), REPAIR, can_repair=True
    ),
    "number_ok": Words(OK, _("The number is in service.")),
    "number_pending": Words(BAD, _("The number is not in service yet."), REPAIR, can_repair=True),
    "number_limited": Words(
        WARN,
        _("Meta limits the number for now."),
        _("Send only what your customers asked for: Meta lifts this by itself."),
    ),
    "number_restricted": Words(BAD, _("Meta has restricted the number."), LOOK_IN_MANAGER),
    "number_gone": Words(BAD, _("The number does not exist at Meta any more."), _("Connect another number.")),
    "number_other": Words(WARN, _("The number is in a state that we do not know."), LOOK_IN_MANAGER),
    "registration_ok": Words(OK, _("The number is registered.")),
    "registration_in_app": Words(OK, _("The number stays in the WhatsApp Business app, and needs no registration.")),
    "registration_missing": Words(BAD, _("The number is not registered."), REPAIR, can_repair=True),
    "registration_limit": Words(
        BAD,
        _("The number is not registered, and has been tried too often."),
        _("Check in WhatsApp Manager that it is verified and has no PIN of its own. Then wait three days and repair."),
    ),
    "verify_first": Words(
        BAD,
        _("Meta has not confirmed yet that the number is yours."),
        _("Verify it in WhatsApp Manager by SMS or call, then repair the connection."),
    ),
    "pin_changed": Words(
        WARN,
        _("The number's PIN was changed at Meta. It still works, and the PIN is needed to register it again."),
        _("Keep the new PIN at hand."),
    ),
    "quality_ok": Words(OK, _("The quality is good.")),
    "quality_unrated": Words(OK, _("Meta has not rated the number yet.")),
    "quality_medium": Words(
        WARN, _("The quality is middling."), _("See in WhatsApp Manager why customers block or report the number.")
    ),
    "quality_low": Words(
        BAD, _("The quality is low."), _("See in WhatsApp Manager why customers block or report the number.")
    ),
    "name_ok": Words(OK, _("Customers see your name.")),
    "name_pending": Words(WARN, _("Meta has not approved the name yet."), _("Wait: Meta usually decides in a day.")),
    "name_declined": Words(BAD, _("Meta has declined the name."), _("Choose another name in WhatsApp Manager.")),
    "throughput_ok": Words(OK, _("The number can send as much as it needs.")),
    "throughput_none": Words(WARN, _("Meta has given the number no throughput."), LOOK_IN_MANAGER),
    "payment_ok": Words(OK, _("There is a payment method.")),
    "payment_missing": Words(
        WARN,
        _("There is no payment method: after the month's free messages Meta delivers no more."),
        _("Add a payment method in WhatsApp Manager."),
    ),
    "webhooks_ok": Words(OK, _("Meta has spoken to us about this number.")),
    "webhooks_none_yet": Words(OK, _("Nobody has written to this number yet.")),
    "webhooks_none": Words(
        WARN,
        _("For a week nothing has come from Meta for this number."),
        _("Write to the number yourself. If nothing arrives, repair the connection."),
    ),
    "test_ok": Words(OK, _("The last test message arrived.")),
    "test_on_its_way": Words(UNKNOWN, _("The last test message is on its way.")),
    "test_none": Words(UNKNOWN, _("No test message has been sent."), _("Send one to a phone of yours.")),
    "test_failed": Words(
        BAD,
        _("The last test message was not delivered."),
        _("Write to the number from that phone first: Meta lets us answer for 24 hours. Then test again."),
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `detail` is Meta's word for it."""

    check: str
    state: str
    code: str
    detail: str = ""

    @classmethod
    def of(cls, check: str, code: str, detail: str = "") -> Self:
        return cls(check, WORDS[code].state, code, detail[:300])

    @classmethod
    def read(cls, stored: Any) -> Self:
        return cls(stored["check"], stored["state"], stored["code"], stored.get("detail", ""))

    def stored(self) -> dict[str, str]:
        return asdict(self)

    @property
    def title(self) -> str:
        return str(CHECKS[self.check])

    @property
    def what(self) -> str:
        return str(WORDS[self.code].what)

    @property
    def fix(self) -> str:
        return str(WORDS[self.code].fix)

    @property
    def can_repair(self) -> bool:
        return WORDS[self.code].can_repair
