"""Who a customer is to a business, and how much of that a webhook says.

Knows nothing of what anybody says or does.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# Which of the two ids a webhook has. Whoever has a username may hide the phone number, and its keys are absent then:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
IDENTITIES = ("both", "phone", "user_id")


@dataclass(frozen=True)
class Person:
    """One customer, as one business sees them."""

    wa_id: str
    user_id: str
    name: str
    identity: str = "both"

    def __post_init__(self) -> None:
        """One of IDENTITIES."""
        if self.identity not in IDENTITIES:
            raise ValueError(f"An identity is one of {', '.join(IDENTITIES)}")

    def ids(self, phone: str, scoped: str) -> Json:
        """The ids that are known, under these keys: `from` and `from_user_id`, `to` and `to_user_id`, …"""
        said = {phone: self.wa_id, scoped: self.user_id}
        hidden = {"phone": scoped, "user_id": phone}.get(self.identity)
        return {key: value for key, value in said.items() if key != hidden}

    @property
    def card(self) -> Json:
        """The entry in `contacts`."""
        profile = {"name": self.name}
        if self.identity == "user_id":
            profile["username"] = username(self.name, self.wa_id)
        return {"profile": profile, **self.ids("wa_id", "user_id")}


def username(name: str, wa_id: str) -> str:
    """A name as WhatsApp could spell it: Latin letters and dots, or digits when there are none."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return ".".join(re.findall(r"[a-z]+", latin)) or f"user{wa_id[-4:]}"
