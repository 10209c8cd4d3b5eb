"""The Graph calls that connect a business: account, number, subscription, registration, synchronisation.

Knows nothing of tokens and of messages.
"""

import hashlib
import hmac
import re
import secrets
from typing import Any

from whatsapp.sandbox import grants
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.calls import Call
from whatsapp.sandbox.descriptions import asked, describe_account, describe_number
from whatsapp.sandbox.grants import App
from whatsapp.sandbox.refusals import Refusal
from whatsapp.sandbox.scenarios import SCENARIOS, Scenario

Json = dict[str, Any]
REGISTRATIONS, REGISTRATION_WINDOW = 10, 72 * 3600
SYNC_TYPES, SYNC_WINDOW = ("smb_app_state_sync", "history"), 24 * 3600


def me(call: Call, business: Business) -> Json:
    """Who the token speaks as, and for which business."""
    facts = {"client_business_id": business.client_business_id, "id": business.system_user_id, "name": business.name}
    return asked(facts, str(call.params.get("fields", "")), ["name"])


def read_account(call: Call, business: Business) -> Json:
    """The WhatsApp Business account."""
    default = ["name", "timezone_id", "message_template_namespace"]
    return asked(describe_account(business, call.memory), str(call.params.get("fields", "")), default)


def list_numbers(call: Call, business: Business) -> Json:
    """The account's phone numbers, as far as the token sees them."""
    lines = grants.open_token(call.app, call.memory, call.token).lines
    shared = [line for line in lines if line.waba_id == business.waba_id and line.phone_number_id]
    cursors = {"before": "QVFIUmJlZm9yZQZDZD", "after": "QVFIUmFmdGVyZQZDZD"}
    found = [read_number(call, line) for line in shared]
    return {"data": found, "paging": {"cursors": cursors}} if found else {"data": []}


def read_number(call: Call, business: Business) -> Json:
    """One phone number."""
    number = describe_number(business, call.memory, call.webhook_url)
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
    scenario = _scenario_of(call, business)
    _refuse_biz_app(scenario)
    _count_attempt(call, business)
    if call.required("messaging_product") != "whatsapp":
        raise Refusal(100, message="(#100) Param messaging_product must be one of {WHATSAPP}")
    pin = str(call.required("pin"))
    if not re.fullmatch(r"\d{6}", pin, re.ASCII):
        raise Refusal(100, message="(#100) Param pin must be 6 digits")
    if scenario.register_code:
        raise Refusal(scenario.register_code)
    _check_pin(call, business, pin, scenario)
    call.memory.record("registered", phone_number_id=business.phone_number_id, pin_digest=pin_digest(pin, call.app))
    return {"success": True}


def _scenario_of(call: Call, business: Business) -> Scenario:
    """What was chosen in the dialog; whoever waits long enough may register again."""
    name, at = call.memory.staged_at(business.phone_number_id)
    is_over = SCENARIOS[name].register_code == 133016 and call.memory.clock() > at + REGISTRATION_WINDOW
    return SCENARIOS["success" if is_over else name]


def _refuse_biz_app(scenario: Scenario) -> None:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-business-app-users."""
    if scenario.on_biz_app:
        raise Refusal(100, details="The number is in use in the WhatsApp Business app")


def _check_pin(call: Call, business: Business, pin: str, scenario: Scenario) -> None:
    known = pin_digest(scenario.pin, call.app) if scenario.pin else call.memory.registered.get(business.phone_number_id)
    if known not in (None, pin_digest(pin, call.app)):
        raise Refusal(133005, details="The two-step verification PIN does not match")


def deregister(call: Call, business: Business) -> Json:
    """The number cannot send any more."""
    _refuse_biz_app(_scenario_of(call, business))
    _count_attempt(call, business)
    call.memory.record("deregistered", phone_number_id=business.phone_number_id)
    return {"success": True}


def synchronise(call: Call, business: Business) -> Json:
    """Contacts and chats of the WhatsApp Business app, each once, within a day.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-business-app-users
    """
    sync_type = call.required("sync_type")
    if sync_type not in SYNC_TYPES or not _scenario_of(call, business).on_biz_app:
        raise Refusal(100, details=f"sync_type must be one of {SYNC_TYPES}, of a number of the WhatsApp Business app")
    if (business.phone_number_id, sync_type) in call.memory.synced:
        raise Refusal(2593107)
    if call.memory.clock() > call.memory.staged_at(business.phone_number_id)[1] + SYNC_WINDOW:
        raise Refusal(2593108)
    call.memory.record("synced", phone_number_id=business.phone_number_id, sync_type=sync_type)
    return {"messaging_product": "whatsapp", "request_id": secrets.token_hex(16)}


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
