"""Access tokens and authorization codes: for whom, for what, until when, and whether they still hold.

Knows nothing of the calls that they are shown for.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from whatsapp.sandbox.businesses import Business, business_with_id
from whatsapp.sandbox.keys import seal, unseal
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.refusals import Refusal
from whatsapp.sandbox.scenarios import SCENARIOS, SIXTY_DAYS, Lines, Scenario

Json = dict[str, Any]
# https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/implementation
CODE_LIVES = 30
ISSUED_AT = 1763800000  # tokens that never end are the same word every time


@dataclass(frozen=True)
class App:
    """The product, as Meta knows it."""

    app_id: str
    app_secret: str


@dataclass(frozen=True)
class Grant:
    """What an access token opens."""

    business: Business
    scenario_name: str
    issued_at: int
    expires_at: int  # 0: never
    after_removals: int  # how often the business had taken its permission back before

    @property
    def scenario(self) -> Scenario:
        """What had been chosen in the dialog."""
        return SCENARIOS[self.scenario_name]

    @property
    def lines(self) -> Lines:
        """The numbers that were shared, with their accounts."""
        return self.scenario.shares(self.business)


def digest(word: str) -> str:
    """A token or a code, fit to be written down."""
    return hashlib.sha256(word.encode()).hexdigest()


def token_for(app: App, memory: Memory, business: Business, scenario: str = "success") -> str:
    """The business's access token: the same one every time, over every restart, until it is revoked."""
    facts = _token_facts(memory, business, scenario)
    while digest(token := seal("EAA", facts, app.app_secret)) in memory.revoked:
        facts["again"] = facts.get("again", 0) + 1
    return token


def new_token(app: App, memory: Memory, business: Business, scenario: str) -> str:
    """What a code is exchanged for."""
    if SCENARIOS[scenario].token_lives:
        return passing_token(app, memory, business, scenario)
    return token_for(app, memory, business, scenario)


def passing_token(app: App, memory: Memory, business: Business, scenario: str) -> str:
    """A token for sixty days, never the same twice."""
    now = int(memory.clock())
    times = {"issued": now, "expires": now + SIXTY_DAYS, "nonce": secrets.token_hex(4)}
    return seal("EAA", _token_facts(memory, business, scenario) | times, app.app_secret)


def _token_facts(memory: Memory, business: Business, scenario: str) -> Json:
    facts: Json = {"business": business.client_business_id}
    if SCENARIOS[scenario].is_in_token:
        facts["scenario"] = scenario
    if removals := memory.removals[business.client_business_id]:
        facts["removals"] = removals
    return facts


def open_token(app: App, memory: Memory, token: str) -> Grant:
    """What it opens; refused when it is not ours, over or revoked."""
    facts = unseal("EAA", token, app.app_secret)
    business = business_with_id(facts["business"]) if facts else None
    if facts is None or business is None:
        raise _invalid("The access token is invalid.", 467)
    grant = Grant(
        business,
        facts.get("scenario", "success"),
        facts.get("issued", ISSUED_AT),
        facts.get("expires", 0),
        facts.get("removals", 0),
    )
    if digest(token) in memory.revoked or grant.after_removals < memory.removals[business.client_business_id]:
        raise _invalid("The session has been invalidated because the business removed the app.", 467)
    if 0 < grant.expires_at <= memory.clock():
        raise _invalid("Session has expired.", 463)
    return grant


def code_for(app: App, memory: Memory, business: Business, redirect_uri: str, scenario: str) -> str:
    """An authorization code, for one exchange within thirty seconds; or one that is too old, or used."""
    fate = SCENARIOS[scenario].code
    facts = {
        "business": business.client_business_id,
        "redirect_uri": redirect_uri,
        "scenario": scenario,
        "expires": memory.clock() + (-1 if fate == "expired" else CODE_LIVES),
        "nonce": secrets.token_hex(4),
    }
    code = seal("AQB", facts, app.app_secret)
    if fate == "used":
        memory.record("code_used", digest=digest(code))
    return code


def _invalid(why: str, subcode: int) -> Refusal:
    return Refusal(190, subcode=subcode, message=f"Error validating access token: {why}")
