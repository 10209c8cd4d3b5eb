"""Which Graph call is meant, and whether the caller may make it.

Knows nothing of HTTP statuses, headers, failures on demand or webhooks.
"""

import hmac
from collections.abc import Callable
from typing import Any

from whatsapp import signature
from whatsapp.sandbox import connecting, grants, media, sending, templates, tokens
from whatsapp.sandbox.businesses import LINES, Business
from whatsapp.sandbox.calls import Call, File
from whatsapp.sandbox.grants import Grant
from whatsapp.sandbox.refusals import Refusal, not_visible

Json = dict[str, Any]
Answerer = Callable[[Call, Business], Json]

IDS = {an_id for line in LINES for an_id in (line.waba_id, line.phone_number_id)}
APP_CALLS: dict[str, Callable[[Call], Json | File]] = {
    "oauth/access_token": tokens.exchange_code,
    "oauth/revoke": tokens.revoke_token,
    "debug_token": tokens.debug_token,
    media.DOWNLOADS: media.download,
}
NODE_CALLS: dict[tuple[str, str, str], Answerer] = {
    ("GET", "caller", ""): connecting.me,
    ("GET", "account", ""): connecting.read_account,
    ("GET", "account", "phone_numbers"): connecting.list_numbers,
    ("GET", "account", "message_templates"): templates.list_templates,
    ("GET", "account", "subscribed_apps"): connecting.list_subscriptions,
    ("POST", "account", "subscribed_apps"): connecting.subscribe,
    ("DELETE", "account", "subscribed_apps"): connecting.unsubscribe,
    ("GET", "number", ""): connecting.read_number,
    ("POST", "number", "register"): connecting.register,
    ("POST", "number", "deregister"): connecting.deregister,
    ("POST", "number", "smb_app_data"): connecting.synchronise,
    ("POST", "number", "messages"): sending.messages,
    ("GET", "media", ""): media.get_media,
    ("DELETE", "media", ""): media.delete_media,
}


def answer(call: Call) -> Json | File:
    """What is answered, or a Refusal."""
    if app_call := _app_call(call):
        return app_call(call)
    grant = _caller(call)
    object_id, _, edge = call.path.partition("/")
    kind, line = _object(call, grant, object_id)
    if (call.method, kind, edge) not in NODE_CALLS:
        raise not_visible(call.method, object_id)
    return NODE_CALLS[call.method, kind, edge](call, line)


def _app_call(call: Call) -> Callable[[Call], Json | File] | None:
    """The calls that no business makes; one address has two of them."""
    if call.path == "oauth/access_token" and call.params.get("grant_type") == "fb_exchange_token":
        return tokens.refresh_token
    return APP_CALLS.get(call.path)


def _object(call: Call, grant: Grant, object_id: str) -> tuple[str, Business]:
    """What is meant, as far as the token sees it: the caller, an account, a number, or a file that came to a number."""
    if object_id == "me":
        return "caller", grant.business
    message = call.memory.message_of(object_id)
    for line in grant.lines:
        if object_id == line.waba_id:
            return "account", line
        if object_id and object_id == line.phone_number_id:
            return "number", line
        if message and message.phone_number_id == line.phone_number_id:
            return "media", line
    return "", grant.business


def name_of(call: Call) -> str:
    """What to call the call when people are told of it, allowed or not."""
    if app_call := _app_call(call):
        return app_call.__name__
    object_id, _, edge = call.path.partition("/")
    if not edge and object_id.isdigit() and object_id not in IDS:
        return f"{call.method.lower()}_media"
    if edge == "messages":
        sends = "send_template" if call.params.get("type") == "template" else "send_text"
        return "mark_read" if call.params.get("status") == "read" else sends
    return f"{call.method} {edge}".strip().lower().replace(" ", "_")


def _caller(call: Call) -> Grant:
    """https://developers.facebook.com/docs/graph-api/guides/secure-requests: token first, then the proof of it."""
    if not call.token:
        raise Refusal(104)
    grant = grants.open_token(call.app, call.memory, call.token)
    proof = str(call.params.get("appsecret_proof", ""))
    if not proof:
        raise Refusal(100, message="API calls from the server require an appsecret_proof argument")
    if not hmac.compare_digest(proof.encode(), signature.appsecret_proof(call.token, call.app.app_secret).encode()):
        raise Refusal(100, message="Invalid appsecret_proof provided in the API argument")
    return grant
