"""Which Graph call is meant, and whether the caller may make it.

Knows nothing of HTTP statuses, headers, failures on demand or webhooks.
"""

import hmac
from collections.abc import Callable
from typing import Any

from whatsapp import signature
from whatsapp.sandbox import connecting, sending
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.calls import Call
from whatsapp.sandbox.refusals import Refusal, not_visible

Json = dict[str, Any]
Answerer = Callable[[Call, Business], Json]

APP_CALLS: dict[str, Callable[[Call], Json]] = {
    "oauth/access_token": connecting.exchange_code,
    "debug_token": connecting.debug_token,
}
NODE_CALLS: dict[tuple[str, str, str], Answerer] = {
    ("GET", "caller", ""): connecting.me,
    ("GET", "account", ""): connecting.read_account,
    ("GET", "account", "phone_numbers"): connecting.list_numbers,
    ("GET", "account", "subscribed_apps"): connecting.list_subscriptions,
    ("POST", "account", "subscribed_apps"): connecting.subscribe,
    ("DELETE", "account", "subscribed_apps"): connecting.unsubscribe,
    ("GET", "number", ""): connecting.read_number,
    ("POST", "number", "register"): connecting.register,
    ("POST", "number", "deregister"): connecting.deregister,
    ("POST", "number", "messages"): sending.messages,
}


def answer(call: Call) -> Json:
    """What is answered, or a Refusal."""
    if call.path in APP_CALLS:
        return APP_CALLS[call.path](call)
    business = _caller(call)
    object_id, _, edge = call.path.partition("/")
    objects = {"me": "caller", business.waba_id: "account", business.phone_number_id: "number"}
    node = (call.method, objects.get(object_id, ""), edge)
    if node not in NODE_CALLS:
        raise not_visible(call.method, object_id)
    return NODE_CALLS[node](call, business)


def name_of(call: Call) -> str:
    """What to call the call when people are told of it, allowed or not."""
    if call.path in APP_CALLS:
        return APP_CALLS[call.path].__name__
    edge = call.path.partition("/")[2]
    if edge == "messages":
        return "mark_read" if call.params.get("status") == "read" else "send_text"
    return f"{call.method} {edge}".strip().lower().replace(" ", "_")


def _caller(call: Call) -> Business:
    """https://developers.facebook.com/docs/graph-api/guides/secure-requests: token first, then the proof of it."""
    if not call.token:
        raise Refusal(104)
    business = call.app.business_of(call.token)
    if business is None:
        raise Refusal(190, subcode=467, message="Error validating access token: The access token is invalid.")
    proof = str(call.params.get("appsecret_proof", ""))
    if not proof:
        raise Refusal(100, message="API calls from the server require an appsecret_proof argument")
    if not hmac.compare_digest(proof.encode(), signature.appsecret_proof(call.token, call.app.app_secret).encode()):
        raise Refusal(100, message="Invalid appsecret_proof provided in the API argument")
    return business
