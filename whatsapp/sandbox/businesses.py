"""The make-believe businesses and customers, and how the Graph API describes a business.

Knows nothing of tokens, of calls or of what has been said.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


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

    def user_id(self, wa_id: str) -> str:
        """The customer's business-scoped id: another one for every portfolio.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
        """
        digest = hashlib.sha256(f"{self.client_business_id}:{wa_id}".encode()).digest()
        return f"ES.{int.from_bytes(digest[:8]):020d}"


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


def business_with_number(phone_number_id: str) -> Business:
    """The business that owns a phone number id; KeyError when nobody does."""
    return {business.phone_number_id: business for business in CATALOGUE}[phone_number_id]


def business_with_id(client_business_id: str) -> Business | None:
    """The business a token or a code was issued for."""
    return next((business for business in CATALOGUE if business.client_business_id == client_business_id), None)


def describe_account(business: Business) -> Json:
    """Every field of a WhatsApp Business account that can be asked for.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-account/whatsapp-business-account-api
    """
    return {
        "id": business.waba_id,
        "name": business.name,
        "currency": "EUR",
        "timezone_id": "1",
        "message_template_namespace": hashlib.sha256(business.waba_id.encode()).hexdigest()[:32],
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "ownership_type": "CLIENT_OWNED",
        "primary_funding_id": "7" + business.waba_id[1:],
        "owner_business_info": {"id": business.client_business_id, "name": business.name},
        "health_status": _health("WABA", business.waba_id),
    }


def describe_number(business: Business, *, registered: bool) -> Json:
    """Every field of a business phone number that can be asked for.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/whatsapp-business-account-phone-number-api
    """
    return {
        "id": business.phone_number_id,
        "display_phone_number": business.display_phone_number,
        "verified_name": business.verified_name,
        "quality_rating": "GREEN",
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "status": "CONNECTED" if registered else "PENDING",
        "platform_type": "CLOUD_API" if registered else "NOT_APPLICABLE",
        "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_250",
        "is_pin_enabled": registered,
        "is_on_biz_app": False,
        "is_official_business_account": False,
        "account_mode": "LIVE",
        "last_onboarded_time": "2026-11-20T10:11:12+0000",
        "health_status": _health("PHONE_NUMBER", business.phone_number_id),
    }


def asked(description: Json, fields: str, default: Iterable[str]) -> Json:
    """Only what was asked for, and the id always, as the Graph API does."""
    wanted = [field.strip() for field in fields.split(",") if field.strip()] or list(default)
    return {field: description[field] for field in [*wanted, "id"] if field in description}


def _health(entity: str, entity_id: str) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status."""
    return {
        "can_send_message": "AVAILABLE",
        "entities": [{"entity_type": entity, "id": entity_id, "can_send_message": "AVAILABLE"}],
    }
