"""One Graph call as it arrives, and the app it is made for.

Knows nothing of what any call does.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from whatsapp.sandbox.businesses import Business, business_with_id
from whatsapp.sandbox.keys import seal, unseal
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.refusals import parameter_missing

Json = dict[str, Any]
# https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/implementation
CODE_LIVES = 30


@dataclass(frozen=True)
class App:
    """The product, as Meta knows it."""

    app_id: str
    app_secret: str

    def token_for(self, business: Business) -> str:
        """The business's access token: the same one every time, over every restart."""
        return seal("EAA", {"business": business.client_business_id}, self.app_secret)

    def code_for(self, business: Business, redirect_uri: str, now: float) -> str:
        """An authorization code, for one exchange within thirty seconds."""
        facts = {
            "business": business.client_business_id,
            "redirect_uri": redirect_uri,
            "expires": now + CODE_LIVES,
            "nonce": secrets.token_hex(4),
        }
        return seal("AQB", facts, self.app_secret)

    def business_of(self, token: str) -> Business | None:
        """Whose access token this is, if we gave it."""
        facts = unseal("EAA", token, self.app_secret)
        return business_with_id(facts["business"]) if facts else None


@dataclass(frozen=True)
class Call:
    """One request, ready to be judged."""

    method: str
    path: str
    params: Json
    bearer: str
    app: App
    memory: Memory
    typing: dict[tuple[str, str], float]

    @property
    def token(self) -> str:
        """The access token, from the header or the parameter."""
        return self.bearer or str(self.params.get("access_token", ""))

    def required(self, name: str) -> Any:
        """A parameter that must be there."""
        if not self.params.get(name):
            raise parameter_missing(name)
        return self.params[name]
