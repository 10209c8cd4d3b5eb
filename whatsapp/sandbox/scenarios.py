"""What can happen when somebody is asked to connect a business: one table for the dialog, the codes and the tests.

Knows nothing of how any of it is answered; the words that people read are in `words`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from whatsapp.sandbox.businesses import DEMO, Business, express, plaza

SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")
OWN_PIN = "135790"
SIXTY_DAYS = 60 * 24 * 3600
Lines = tuple[Business, ...]


def _only_number(business: Business) -> Lines:
    return (business,)


def _two_accounts(business: Business) -> Lines:
    return business, plaza(business)


def _two_numbers(business: Business) -> Lines:
    return business, express(business)


def _no_number(business: Business) -> Lines:
    return (business.without_number(),)


@dataclass(frozen=True)
class Scenario:
    """One thing that can happen. Everything that is not said goes well."""

    cancels: bool = False
    code: str = "fresh"  # or "expired", "used"
    token_lives: int = 0  # seconds; 0: for ever
    scopes: tuple[str, ...] = SCOPES
    of_another_app: bool = False
    shares: Callable[[Business], Lines] = _only_number
    always: Business | None = None  # this business, whichever was chosen
    register_code: int = 0  # what `register` is refused with
    pin: str = ""  # set by somebody else, before us
    on_biz_app: bool = False  # coexistence
    failure: int | str = ""  # a kind of `Meta.fail_next` …
    times: int = 1
    calls: str = ""  # … and the calls it is for

    @property
    def is_in_token(self) -> bool:
        """Whether the access token is another one than usual."""
        return (self.scopes, self.of_another_app, self.shares) != (SCOPES, False, _only_number)


def _down(calls: str) -> Scenario:
    return Scenario(failure=2, calls=calls)


SCENARIOS = {
    "success": Scenario(),
    "sixty_days": Scenario(token_lives=SIXTY_DAYS),
    "coexistence": Scenario(on_biz_app=True),
    "cancel": Scenario(cancels=True),
    "expired_code": Scenario(code="expired"),
    "used_code": Scenario(code="used"),
    "missing_scope": Scenario(scopes=SCOPES[:1]),
    "other_app": Scenario(of_another_app=True),
    "several_accounts": Scenario(shares=_two_accounts),
    "several_numbers": Scenario(shares=_two_numbers),
    "no_number": Scenario(shares=_no_number),
    "already_connected": Scenario(always=DEMO),
    "own_pin": Scenario(pin=OWN_PIN),
    "register_limit": Scenario(register_code=133016),
    "verify_first": Scenario(register_code=133006),
    "slow": Scenario(failure="slow", times=3, calls="exchange_code|debug_token|get_phone_numbers"),
    "down_exchange": _down("exchange_code"),
    "down_debug_token": _down("debug_token"),
    "down_phone_numbers": _down("get_phone_numbers"),
    "down_subscribe": _down("post_subscribed_apps"),
    "down_register": _down("post_register"),
}
