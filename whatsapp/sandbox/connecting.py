"""The Graph calls that connect a business: code, token, account, number, subscription, registration.

Knows nothing of messages.
"""

import hashlib
import hmac
import re
from typing import Any

from whatsapp.sandbox.businesses import CATALOGUE, Business, asked, business_with_id, describe_account, describe_number
from whatsapp.sandbox.calls import App, Call
from whatsapp.sandbox.keys import unseal
from whatsapp.sandbox.refusals import Refusal

Json = dict[str, Any]
REGISTRATIONS, REGISTRATION_WINDOW = 10, 72 * 3600
SCOPES = ["whatsapp_business_management", "whatsapp_business_messaging"]


def exchange_code(call: Call) -> Json:
    """An authorization code becomes an access token.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-customers-as-a-tech-provider
    """
    if call.required("client_id") != call.app.app_id:
        raise Refusal(101)
    if call.required("client_secret") != call.app.app_secret:
        raise Refusal(1, message="Error validating client secret.")
    code = str(call.required("code"))
    facts = unseal("AQB", code, call.app.app_secret)
    if facts is None:
        raise Refusal(100, message="Invalid verification code format.")
    _use_code(call, code, facts)
    business = business_with_id(facts["business"]) or CATALOGUE[0]
    return {"access_token": call.app.token_for(business), "token_type": "bearer"}


def _use_code(call: Call, code: str, facts: Json) -> None:
    digest = hashlib.sha256(code.encode()).hexdigest()
    if digest in call.memory.used_codes:
        raise Refusal(100, subcode=36009, message="This authorization code has been used.")
    if call.memory.clock() > facts["expires"]:
        raise Refusal(100, subcode=36007, message="This authorization code has expired.")
    if call.params.get("redirect_uri", "") != facts["redirect_uri"]:
        text = "Error validating verification code. Please make sure your redirect_uri is identical to the one you used"
        raise Refusal(100, subcode=36008, message=f"{text} in the OAuth dialog request")
    call.memory.record("code_used", digest=digest)


def debug_token(call: Call) -> Json:
    """What a token is good for; asked with the app's own token, `APPID|SECRET`.

    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    if not call.token:
        raise Refusal(104)
    if call.token != f"{call.app.app_id}|{call.app.app_secret}":
        raise Refusal(100, message="(#100) You must provide an app access token, or a user access token of the app")
    business = call.app.business_of(str(call.required("input_token")))
    if business is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"data": {"is_valid": False, "error": error, "scopes": []}}
    return {"data": _token_facts(call, business)}


def _token_facts(call: Call, business: Business) -> Json:
    return {
        "app_id": call.app.app_id,
        "type": "SYSTEM_USER",
        "application": "Sandbox",
        "data_access_expires_at": 0,
        "expires_at": 0,
        "is_valid": True,
        "issued_at": 1763800000,
        "scopes": [*SCOPES, "public_profile"],
        "granular_scopes": [{"scope": scope, "target_ids": [business.waba_id]} for scope in SCOPES],
        "user_id": business.system_user_id,
    }


def me(call: Call, business: Business) -> Json:
    """Who the token speaks as, and for which business."""
    facts = {"client_business_id": business.client_business_id, "id": business.system_user_id, "name": business.name}
    return asked(facts, str(call.params.get("fields", "")), ["name"])


def read_account(call: Call, business: Business) -> Json:
    """The WhatsApp Business account."""
    default = ["name", "timezone_id", "message_template_namespace"]
    return asked(describe_account(business), str(call.params.get("fields", "")), default)


def list_numbers(call: Call, business: Business) -> Json:
    """The account's phone numbers: every business here has one."""
    cursors = {"before": "QVFIUmJlZm9yZQZDZD", "after": "QVFIUmFmdGVyZQZDZD"}
    return {"data": [read_number(call, business)], "paging": {"cursors": cursors}}


def read_number(call: Call, business: Business) -> Json:
    """One phone number."""
    number = describe_number(business, registered=business.phone_number_id in call.memory.registered)
    default = ["display_phone_number", "verified_name", "quality_rating", "code_verification_status"]
    return asked(number, str(call.params.get("fields", "")), default)


def subscribe(call: Call, business: Business) -> Json:
    """From now on the account's webhooks come to this app; twice is once."""
    call.memory.record("subscribed", waba_id=business.waba_id)
    return {"success": True}


def unsubscribe(call: Call, business: Business) -> Json:
    """No more webhooks of this account."""
    call.memory.record("unsubscribed", waba_id=business.waba_id)
    return {"success": True}


def list_subscriptions(call: Call, business: Business) -> Json:
    """Which apps get the account's webhooks."""
    link = f"https://www.facebook.com/games/?app_id={call.app.app_id}"
    app = {"id": call.app.app_id, "name": "Sandbox", "link": link}
    return {"data": [{"whatsapp_business_api_data": app}] if business.waba_id in call.memory.subscribed else []}


def register(call: Call, business: Business) -> Json:
    """The number can send; the first PIN is set, every later one must match.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/registration
    """
    _count_attempt(call, business)
    if call.required("messaging_product") != "whatsapp":
        raise Refusal(100, message="(#100) Param messaging_product must be one of {WHATSAPP}")
    pin = str(call.required("pin"))
    if not re.fullmatch(r"\d{6}", pin, re.ASCII):
        raise Refusal(100, message="(#100) Param pin must be 6 digits")
    known = call.memory.registered.get(business.phone_number_id)
    if known not in (None, pin_digest(pin, call.app)):
        raise Refusal(133005, details="The two-step verification PIN does not match")
    call.memory.record("registered", phone_number_id=business.phone_number_id, pin_digest=pin_digest(pin, call.app))
    return {"success": True}


def deregister(call: Call, business: Business) -> Json:
    """The number cannot send any more."""
    _count_attempt(call, business)
    call.memory.record("deregistered", phone_number_id=business.phone_number_id)
    return {"success": True}


def _count_attempt(call: Call, business: Business) -> None:
    edge = call.path.partition("/")[2]
    since = call.memory.clock() - REGISTRATION_WINDOW
    recent = [at for at in call.memory.attempts[edge, business.phone_number_id] if at > since]
    if len(recent) >= REGISTRATIONS:
        raise Refusal(133016, details="Too many attempts in 72 hours; wait 72 hours")
    call.memory.record("attempt", call=edge, phone_number_id=business.phone_number_id)


def pin_digest(pin: str, app: App) -> str:
    """A PIN, fit to be written down."""
    return hmac.new(app.app_secret.encode(), pin.encode(), hashlib.sha256).hexdigest()
