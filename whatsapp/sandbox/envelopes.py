r"""The exact bytes Meta posts to a webhook: escaped ASCII (`\u00fc`, `\/`), compact.

Knows nothing of who sends them or of what was remembered. Sources, the second one with `/status` after it too:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

import json
from datetime import UTC, datetime
from typing import Any

from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.people import Person

Json = dict[str, Any]
PARTNER_ID = "301700000000009"  # the product's own portfolio, for which Meta signs what happens to a partnership
MONTH = 30 * 24 * 3600
PRICE = {"billable": True, "pricing_model": "PMP", "type": "regular"}
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


def envelope(business: Business, value: Json, field: str = "messages", entry_id: str = "", at: float = 0) -> bytes:
    """One change of one WhatsApp Business account."""
    entry: Json = {"id": entry_id or business.waba_id, "changes": [{"field": field, "value": value}]}
    if at:
        entry["time"] = int(at)
    return dump({"object": "whatsapp_business_account", "entry": [entry]})


def combine(*bodies: bytes) -> bytes:
    """One POST instead of several: an entry per WhatsApp Business account, all of its changes within."""
    entries: dict[str, Json] = {}
    for entry in (entry for body in bodies for entry in json.loads(body)["entry"]):
        entries.setdefault(entry["id"], {**entry, "changes": []})["changes"] += entry["changes"]
    return dump({"object": "whatsapp_business_account", "entry": list(entries.values())})


def about_number(business: Business, value: Json, field: str) -> bytes:
    """One change of one number, named as all that is about a number names it."""
    metadata = {"display_phone_number": business.digits, "phone_number_id": business.phone_number_id}
    return envelope(business, {"messaging_product": "whatsapp", "metadata": metadata, **value}, field)


def status_update(
    business: Business,
    to: Person | None,
    wamid: str,
    status: str,
    opaque: str,
    at: float,
    price: str = "service",
) -> bytes:
    """What became of a message of the business, perhaps without saying to whom; the price comes once, with `sent`."""
    item = _status(wamid, status, opaque, at) | (to.ids("recipient_id", "recipient_user_id") if to else {})
    if status == "sent":
        item["pricing"] = PRICE | {"category": price}
    contacts = {"contacts": [to.ids("wa_id", "user_id")]} if to else {}
    return about_number(business, {**contacts, "statuses": [item]}, "messages")


def failed_update(business: Business, to: Person | None, wamid: str, code: int, opaque: str, at: float) -> bytes:
    """A message that was accepted and then came to nothing; no contacts and no business-scoped id here."""
    title = FAILURES.get(code, "Message failed to send")
    error = {"code": code, "title": title, "message": title, "error_data": {"details": title}}
    item = _status(wamid, "failed", opaque, at) | ({"recipient_id": to.wa_id} if to else {}) | {"errors": [error]}
    return about_number(business, {"statuses": [item]}, "messages")


def account_update(business: Business, event: str, at: float, **value: Any) -> bytes:
    """Something happened to the account; what is not said is filled in. A partnership's end is told to the partner.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
    """
    facts = {"event": event, **_usual(business, event, at), **value}
    entry_id = PARTNER_ID if event.startswith("PARTNER_") else business.waba_id
    return envelope(business, facts, "account_update", entry_id, at)


def _usual(business: Business, event: str, at: float) -> Json:
    waba_info = {"waba_id": business.waba_id, "owner_business_id": business.client_business_id}
    kinds = ("RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING")
    restrictions = [{"restriction_type": kind, "expiration": int(at) + MONTH} for kind in kinds]
    date = datetime.fromtimestamp(at, UTC).date().isoformat()
    usual: dict[str, Json] = {
        "PARTNER_REMOVED": {
            "waba_info": waba_info,
            "disconnection_info": {"reason": "BUSINESS_DISCONNECTED", "initiated_by": "BUSINESS"},
        },
        "ACCOUNT_RESTRICTION": {"restriction_info": restrictions},
        "DISABLED_UPDATE": {"ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": date}},
    }
    return usual.get(event, {})


def security(business: Business, event: str, at: float) -> bytes:
    """Somebody did something to the number's PIN.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/security
    """
    value = {"display_phone_number": business.digits, "event": event, "requester": business.system_user_id}
    return envelope(business, value, "security", at=at)


def _status(wamid: str, status: str, opaque: str, at: float) -> Json:
    item: Json = {"id": wamid, "status": status, "timestamp": str(int(at))}
    if opaque:
        item["biz_opaque_callback_data"] = opaque
    return item
