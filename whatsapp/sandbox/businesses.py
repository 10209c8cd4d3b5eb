"""The make-believe businesses and customers.

Knows nothing of tokens, of calls or of what has been said.
"""

import hashlib
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Business:
    """One customer of Meta: a business portfolio with one WhatsApp Business account and one number."""

    name: str
    client_business_id: str
    waba_id: str
    phone_number_id: str
    display_phone_number: str
    verified_name: str

    @property
    def digits(self) -> str:
        """The number as webhooks spell it: digits only."""
        return "".join(character for character in self.display_phone_number if character.isdigit())

    @property
    def system_user_id(self) -> str:
        """Who the access token speaks as."""
        return "1220" + self.client_business_id[:11]

    def user_id(self, wa_id: str, changes: int = 0) -> str:
        """The customer's business-scoped id: another one for every portfolio, and after every change.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
        """
        seed = f"{self.client_business_id}:{wa_id}" + (f":{changes}" if changes else "")
        digest = hashlib.sha256(seed.encode()).digest()
        return f"ES.{int.from_bytes(digest[:8]):020d}"

    def without_number(self) -> "Business":
        """The account alone."""
        return replace(self, phone_number_id="", display_phone_number="", verified_name="")


CATALOGUE = (
    Business(
        "Café Alameda", "301700000000001", "201700000000001", "101700000000001", "+34 910 555 010", "Café Alameda"
    ),
    Business(
        "Clínica Dental Sonrisa",
        "301700000000002",
        "201700000000002",
        "101700000000002",
        "+34 931 555 020",
        "Clínica Dental Sonrisa",
    ),
    Business(
        "Northwind Bikes", "301700000000003", "201700000000003", "101700000000003", "+1 555-010-0130", "Northwind Bikes"
    ),
    Business(
        "Taller Hermanos Ruiz",
        "301700000000004",
        "201700000000004",
        "101700000000004",
        "+34 954 555 040",
        "Taller Hermanos Ruiz",
    ),
    Business(
        "Harbour Books", "301700000000005", "201700000000005", "101700000000005", "+1 555-010-0150", "Harbour Books"
    ),
)
DEMO = CATALOGUE[0]
DEMO_PIN = "424242"

# A name in a script that runs from right to left shows what the page and the product do with it.
CUSTOMERS = {
    "34600000101": "Lucía Fernández",
    "34600000102": "Marc Vidal",
    "447700900103": "Grace Bennett",
    "972500000104": "ליאור כהן",
}


def express(business: Business) -> Business:
    """The second number of the same WhatsApp Business account."""
    return _another_number(business, "102", "Express")


def plaza(business: Business) -> Business:
    """A second WhatsApp Business account of the same portfolio, with a number of its own."""
    number = _another_number(business, "103", "Plaza")
    return replace(number, name=number.verified_name, waba_id="202" + business.waba_id[3:])


def _another_number(business: Business, series: str, word: str) -> Business:
    return replace(
        business,
        phone_number_id=series + business.phone_number_id[3:],
        display_phone_number=business.display_phone_number[:-1] + series[-1],
        verified_name=f"{business.verified_name} {word}",
    )


LINES = (*CATALOGUE, *map(express, CATALOGUE), *map(plaza, CATALOGUE))


def business_with_number(phone_number_id: str) -> Business:
    """The business that owns a phone number id; KeyError when nobody does."""
    return {business.phone_number_id: business for business in LINES}[phone_number_id]


def business_with_id(client_business_id: str) -> Business | None:
    """The business a token or a code was issued for."""
    return next((business for business in CATALOGUE if business.client_business_id == client_business_id), None)
