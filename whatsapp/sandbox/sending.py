"""The Graph calls of a conversation: a message goes out, a message that came in is read.

Knows nothing of how a business got its token and its number.
"""

import secrets
from base64 import b64encode
from typing import Any

from whatsapp.sandbox import windows
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.calls import Call
from whatsapp.sandbox.refusals import Refusal
from whatsapp.sandbox.template_filling import filled
from whatsapp.sandbox.templates import templates_of

Json = dict[str, Any]
# https://developers.facebook.com/documentation/business-messaging/whatsapp/typing-indicators
TYPING_LIVES = 25
LONGEST_TEXT = 4096
LONGEST_OPAQUE = 512
UNSENDABLE = {"PAUSED": 132015, "DISABLED": 132016}
TOO_LATE = "More than 24 hours have passed since the customer last replied to this number."


def messages(call: Call, business: Business) -> Json:
    """One door for three calls: a text or a template goes out, or a message that came in is marked as read."""
    if call.required("messaging_product") != "whatsapp":
        raise Refusal(100, message="(#100) Param messaging_product must be one of {WHATSAPP}")
    if business.phone_number_id not in call.memory.registered:
        raise Refusal(133010, details="The phone number is not registered on the WhatsApp Business Platform")
    if call.params.get("status") == "read":
        return mark_read(call, business)
    return send_template(call, business) if call.params.get("type") == "template" else send_text(call, business)


def mark_read(call: Call, business: Business) -> Json:
    """This message and all before it are read; perhaps the business begins to type.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/typing-indicators
    """
    read = call.memory.messages.get(call.required("message_id"))
    if read is None or not read.from_customer or read.phone_number_id != business.phone_number_id:
        raise Refusal(100, message="(#100) Invalid parameter", details="message_id is not a message of this number")
    chat = call.memory.chat(read.phone_number_id, read.wa_id)
    for message in chat[: chat.index(read) + 1]:
        if message.from_customer and message.status != "failed":
            call.memory.advance(message.wamid, "read")
    if call.params.get("typing_indicator") == {"type": "text"}:
        call.typing[read.phone_number_id, read.wa_id] = call.memory.clock() + TYPING_LIVES
    return {"success": True}


def send_text(call: Call, business: Business) -> Json:
    """A text is accepted, which does not mean that it is sent; 24 hours after the customer's last message it is not.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
    """
    _check_account(call, business)
    to, opaque = _addressee(call), _opaque(call)
    body = _text(call)
    wa_id = _recipient(call, business, to)
    if not windows.is_open(call.memory, business.phone_number_id, wa_id):
        raise Refusal(131047, details=TOO_LATE)
    return _accepted(call, business, wa_id, to=to, opaque=opaque, body=body)


def send_template(call: Call, business: Business) -> Json:
    """A template is accepted at any time; it opens no window, which only the customer's answer does.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages
    """
    _check_account(call, business)
    to, opaque = _addressee(call), _opaque(call)
    template, components = _template(call, business)
    seen = filled(template, components)
    about = {name: template[name] for name in ("name", "language", "category")}
    value = {"template": about | {name: part for name, part in seen.items() if name != "body"}}
    wa_id = _recipient(call, business, to)
    said = {"body": seen["body"], "kind": "template", "value": value}
    return _accepted(call, business, wa_id, to=to, opaque=opaque, **said)


def _accepted(call: Call, business: Business, wa_id: str, *, to: str, **said: Any) -> Json:
    """From now on the message is on the phone."""
    wamid = new_wamid()
    call.memory.record(
        "message",
        wamid=wamid,
        phone_number_id=business.phone_number_id,
        wa_id=wa_id,
        from_customer=False,
        status="accepted",
        to=to,
        **said,
    )
    call.typing.pop((business.phone_number_id, wa_id), None)
    contact = {"input": to, "wa_id": wa_id} if call.params.get("to") else {"input": to, "user_id": to}
    accepted = {"id": wamid, "message_status": "accepted"}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]}


def _addressee(call: Call) -> str:
    to = call.params.get("to") or call.params.get("recipient")
    if not to:
        raise Refusal(131008, details="Parameter 'to' or 'recipient' is required")
    return str(to)


def _template(call: Call, business: Business) -> tuple[Json, Any]:
    """The template that is meant, if it may be sent, and the components with its values."""
    asked = call.params.get("template")
    if not isinstance(asked, dict):
        raise Refusal(131008, details="Parameter 'template' is required")
    language = asked.get("language")
    name, code = asked.get("name"), language.get("code") if isinstance(language, dict) else ""
    for parameter, value in {"template.name": name, "template.language.code": code}.items():
        if not value or not isinstance(value, str):
            raise Refusal(131008, details=f"Parameter '{parameter}' is required")
    known = {(one["name"], one["language"]): one for one in templates_of(call.memory, business)}
    template = known.get((name, code), {"status": "UNKNOWN"})
    if template["status"] in UNSENDABLE:
        raise Refusal(UNSENDABLE[template["status"]], details=f"template name ({name}) in {code}")
    if template["status"] != "APPROVED":  # one that is not approved is as good as none
        raise Refusal(132001, details=f"template name ({name}) does not exist in {code}")
    return template, asked.get("components")


def _check_account(call: Call, business: Business) -> None:
    if business.waba_id in call.memory.restricted:
        raise Refusal(131031, details="The WhatsApp Business account has been restricted")
    if business.waba_id in call.memory.unpaid:
        raise Refusal(131042, details="The WhatsApp Business account has no payment method")


def _text(call: Call) -> str:
    if call.params.get("type", "text") != "text":
        raise Refusal(131051, details="The sandbox sends texts and templates only")
    text = call.params.get("text")
    body = text.get("body") if isinstance(text, dict) else None
    if not body or not isinstance(body, str):
        raise Refusal(131008, details="Parameter 'text.body' is required")
    if len(body) > LONGEST_TEXT:
        raise Refusal(131009, details=f"Param text['body'] must be at most {LONGEST_TEXT} characters long")
    return body


def _opaque(call: Call) -> str:
    opaque = str(call.params.get("biz_opaque_callback_data") or "")
    if len(opaque) > LONGEST_OPAQUE:
        raise Refusal(131009, details=f"biz_opaque_callback_data must be at most {LONGEST_OPAQUE} characters long")
    return opaque


def _recipient(call: Call, business: Business, to: str) -> str:
    """The wa_id behind `to` or behind a business-scoped id; whoever is new becomes a customer."""
    by_user_id = {call.memory.user_id(business, wa_id): wa_id for wa_id in call.memory.customers}
    wa_id = by_user_id.get(to) or "".join(character for character in to if character.isdigit())
    if not wa_id or (to[:1].isalpha() and to not in by_user_id):
        raise Refusal(131009, details="The recipient is not a WhatsApp user")
    if wa_id not in call.memory.customers:
        call.memory.record("customer", wa_id=wa_id, name=f"+{wa_id}")
    return wa_id


def new_wamid() -> str:
    """A message id in Meta's shape."""
    return "wamid." + b64encode(b"\x1d" + secrets.token_bytes(38)).decode()
