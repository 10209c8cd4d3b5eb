"""How the Graph API describes an account and a number, as they stand.

Knows nothing of how they came to stand so.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.scenarios import SCENARIOS

Json = dict[str, Any]
UNPAID = {
    "error_code": 141006,
    "error_description": "There is an error with the payment method. This will block business initiated conversations.",
    "possible_solution": "Add a payment method to the WhatsApp Business account.",
}
LOCKED = {
    "error_code": 131031,
    "error_description": "The WhatsApp Business account has been restricted for violating a policy.",
    "possible_solution": "Request a review in the Business Support Home.",
}


def describe_account(business: Business, memory: Memory) -> Json:
    """Every field of a WhatsApp Business account that can be asked for; who does not pay has no funding id.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-account/whatsapp-business-account-api
    """
    funding = {} if business.waba_id in memory.unpaid else {"primary_funding_id": "7" + business.waba_id[1:]}
    return {
        "id": business.waba_id,
        "name": business.name,
        "currency": "EUR",
        "timezone_id": "1",
        "message_template_namespace": hashlib.sha256(business.waba_id.encode()).hexdigest()[:32],
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "ownership_type": "CLIENT_OWNED",
        **funding,
        "owner_business_info": {"id": business.client_business_id, "name": business.name},
        "health_status": _health(business, memory),
    }


def describe_number(business: Business, memory: Memory, webhook_url: str) -> Json:
    """Every field of a business phone number that can be asked for.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/whatsapp-business-account-phone-number-api
    """
    registered = business.phone_number_id in memory.registered
    scenario = SCENARIOS[memory.staged_at(business.phone_number_id)[0]]
    return {
        "id": business.phone_number_id,
        "display_phone_number": business.display_phone_number,
        "verified_name": business.verified_name,
        "quality_rating": "GREEN",
        "code_verification_status": "NOT_VERIFIED" if scenario.register_code == 133006 else "VERIFIED",
        "name_status": "APPROVED",
        "status": _status(business, memory) if registered else "PENDING",
        "platform_type": "CLOUD_API" if registered else "NOT_APPLICABLE",
        "throughput": {"level": "STANDARD" if registered else "NOT_APPLICABLE"},
        "whatsapp_business_manager_messaging_limit": "TIER_250",
        "is_pin_enabled": bool(scenario.pin or memory.registered.get(business.phone_number_id)),
        "is_on_biz_app": scenario.on_biz_app,
        "is_official_business_account": False,
        "account_mode": "LIVE",
        "last_onboarded_time": "2026-11-20T10:11:12+0000",
        "webhook_configuration": {"application": webhook_url},
        "health_status": _health(business, memory, of_number=True),
    }


def asked(description: Json, fields: str, default: Iterable[str]) -> Json:
    """Only what was asked for, and the id always, as the Graph API does."""
    wanted = [field.strip() for field in fields.split(",") if field.strip()] or list(default)
    return {field: description[field] for field in [*wanted, "id"] if field in description}


def _status(business: Business, memory: Memory) -> str:
    return "RESTRICTED" if business.waba_id in memory.restricted else "CONNECTED"


def _health(business: Business, memory: Memory, *, of_number: bool = False) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status."""
    errors = [LOCKED] if business.waba_id in memory.restricted else []
    errors += [UNPAID] if business.waba_id in memory.unpaid else []
    number = {"entity_type": "PHONE_NUMBER", "id": business.phone_number_id, "can_send_message": "AVAILABLE"}
    can_send = "BLOCKED" if errors else "AVAILABLE"
    account: Json = {"entity_type": "WABA", "id": business.waba_id, "can_send_message": can_send}
    if errors:
        account["errors"] = errors
    return {"can_send_message": can_send, "entities": [number, account] if of_number else [account]}
