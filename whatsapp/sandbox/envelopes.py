r"""The exact bytes Meta posts to a webhook: escaped ASCII (`\u00fc`, `\/`), compact.

Knows nothing of who sends them or of what was remembered. Sources, the second one with `/status` after it too:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

import json
from typing import Any

from whatsapp.sandbox.businesses import Business

Json = dict[str, Any]
SERVICE_PRICE = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}
FAILURES = {
    131026: "Message undeliverable",
    131042: "Business eligibility payment issue",
    131047: "Re-engagement message",
    131049: "This message was not delivered to maintain healthy ecosystem engagement.",
}


def dump(payload: Json) -> bytes:
    """The bytes as sent, which are the bytes that are signed: parse and dump again, and the signature is gone."""
    text = json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", r"\/").encode("ascii")


def envelope(business: Business, value: Json, field: str = "messages") -> bytes:
    """One change of one WhatsApp Business account."""
    change = {"field": field, "value": value}
    return dump({"object": "whatsapp_business_account", "entry": [{"id": business.waba_id, "changes": [change]}]})


def combine(*bodies: bytes) -> bytes:
    """One POST instead of several: an entry per WhatsApp Business account, all of its changes within."""
    changes: dict[str, list[Json]] = {}
    for entry in (entry for body in bodies for entry in json.loads(body)["entry"]):
        changes.setdefault(entry["id"], []).extend(entry["changes"])
    entries = [{"id": waba_id, "changes": items} for waba_id, items in changes.items()]
    return dump({"object": "whatsapp_business_account", "entry": entries})


def text_message(business: Business, wa_id: str, name: str, text: str, wamid: str, at: float) -> bytes:
    """A customer wrote."""
    message = {
        "from": wa_id,
        "from_user_id": business.user_id(wa_id),
        "id": wamid,
        "timestamp": str(int(at)),
        "type": "text",
        "text": {"body": text},
    }
    contact = {"profile": {"name": name}, "wa_id": wa_id, "user_id": business.user_id(wa_id)}
    return envelope(business, {**_head(business), "contacts": [contact], "messages": [message]})


def status_update(business: Business, wa_id: str, wamid: str, status: str, opaque: str, at: float) -> bytes:
    """What became of a message of the business; the price comes once, with `sent`."""
    item = _status(wa_id, wamid, status, opaque, at) | {"recipient_user_id": business.user_id(wa_id)}
    if status == "sent":
        item["pricing"] = SERVICE_PRICE
    contact = {"wa_id": wa_id, "user_id": business.user_id(wa_id)}
    return envelope(business, {**_head(business), "contacts": [contact], "statuses": [item]})


def failed_update(business: Business, wa_id: str, wamid: str, code: int, opaque: str, at: float) -> bytes:
    """A message that was accepted and then came to nothing; no contacts and no business-scoped id here."""
    title = FAILURES.get(code, "Message failed to send")
    error = {"code": code, "title": title, "message": title, "error_data": {"details": title}}
    item = _status(wa_id, wamid, "failed", opaque, at) | {"errors": [error]}
    return envelope(business, {**_head(business), "statuses": [item]})


def _head(business: Business) -> Json:
    metadata = {"display_phone_number": business.digits, "phone_number_id": business.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata}


def _status(wa_id: str, wamid: str, status: str, opaque: str, at: float) -> Json:
    item: Json = {"id": wamid, "status": status, "timestamp": str(int(at)), "recipient_id": wa_id}
    if opaque:
        item["biz_opaque_callback_data"] = opaque
    return item
