"""What the phone page's composer does: send anything, any status, any deed, in any way; let go what is held back.

Knows nothing of Meta's own shapes.
"""

from whatsapp.sandbox import chats, envelopes
from whatsapp.sandbox.api import LONGEST_TEXT, Json, Unusable, chosen, chosen_customer, with_json
from whatsapp.sandbox.businesses import Business
from whatsapp.sandbox.companies import DEEDS
from whatsapp.sandbox.memory import Memory, Message
from whatsapp.sandbox.sending import new_wamid
from whatsapp.sandbox.stage import Stage
from whatsapp.sandbox.webhooks import MODES

MOST_COPIES = 1000
OLD_MESSAGES = 12
STATUSES = ("sent", "delivered", "read", "played", "failed")
UNDELIVERABLE = 131026
LARGEST_CODE = 9_999_999


@with_json
def messages(stage: Stage, posted: Json) -> Json:
    """A customer sends something, or somebody writes in the business's app: once, or in copies that are one batch."""
    meta, mode, copies = stage.meta, _mode(posted), _copies(posted)
    with meta.lock:
        composed = [_composed(meta.memory, posted) for _ in range(copies)]
        if mode != "forged":
            for message in composed:
                meta.keep(message)
    if mode == "forged":  # a stranger wrote it: the phone knows nothing of it
        body = meta.combine(*(chats.body_of(meta.memory, message) for message in composed))
        return {"wamids": [], "status": stage.postman.forge(body, composed[0].body or composed[0].kind)}
    wamids = [message.wamid for message in composed]
    stage.postman.deliver(*wamids, mode=mode)
    return {"wamids": wamids}


def _composed(memory: Memory, posted: Json) -> Message:
    kind, text = str(posted.get("kind", "text")), str(posted.get("text", ""))
    if len(text) > LONGEST_TEXT or (kind == "text" and not text.strip()):
        raise Unusable(f"A text has 1 to {LONGEST_TEXT} characters")
    number, wa_id = chosen(posted).phone_number_id, chosen_customer(memory, posted)
    about, identity = str(posted.get("about", "")), str(posted.get("identity", "both"))
    if kind.startswith("app_"):
        return chats.echo(memory, number, wa_id, text, kind.removeprefix("app_"), about=about, identity=identity)
    return chats.customer(memory, number, wa_id, "", kind, text=text, about=about, identity=identity)


@with_json
def sync(stage: Stage, posted: Json) -> Json:
    """The WhatsApp Business app hands over its old chats or its address book."""
    meta, number, kind = stage.meta, chosen(posted).phone_number_id, str(posted.get("kind"))
    wa_id = chosen_customer(meta.memory, posted)
    bodies = {
        "history": lambda: meta.history(
            number, wa_id, _copies(posted, OLD_MESSAGES), str(posted.get("identity", "both"))
        ),
        "history_declined": lambda: meta.history_declined(number),
        "contacts_added": lambda: meta.contacts_sync(number, *meta.memory.customers),
        "contacts_removed": lambda: meta.contacts_sync(number, removed=[wa_id]),
    }
    if kind not in bodies:
        raise Unusable(f"The app hands over one of {', '.join(bodies)}")
    return {"status": stage.postman.announce(bodies[kind](), f"webhook.{kind}", mode=_mode(posted))}


@with_json
def deeds(stage: Stage, posted: Json) -> Json:
    """The company, Meta or a customer does something, and Meta tells the product; a stranger only says so."""
    business, deed, mode = chosen(posted), str(posted.get("deed")), _mode(posted)
    if deed not in DEEDS:
        raise Unusable(f"A deed is one of {', '.join(DEEDS)}")
    meta, wa_id = stage.meta, chosen_customer(stage.meta.memory, posted)
    forged = DEEDS[deed](meta.memory, business, wa_id)[0] if mode == "forged" else b""
    body = forged or meta.happens(deed, business, wa_id)
    return {"status": stage.postman.announce(body, f"webhook.{deed}", business.verified_name, mode)}


@with_json
def statuses(stage: Stage, posted: Json) -> Json:
    """Any status, of the last message of the business or of an unknown one; `recipient` is an identity or "nobody"."""
    status, code = str(posted.get("status")), _whole(posted.get("code", UNDELIVERABLE), LARGEST_CODE, "An error code")
    if status not in STATUSES:
        raise Unusable(f"A status is one of {', '.join(STATUSES)}")
    memory, business, wa_id = stage.meta.memory, chosen(posted), chosen_customer(stage.meta.memory, posted)
    named = str(posted.get("recipient", "both"))
    to = chats.person(memory, business, wa_id, identity=named) if named != "nobody" else None
    unknown = (new_wamid(), "", "service")
    wamid, opaque, price = unknown if posted.get("unknown") else _last(memory, business, wa_id)
    if status == "failed":
        body = envelopes.failed_update(business, to, wamid, code, opaque, memory.clock())
    else:
        body = envelopes.status_update(business, to, wamid, status, opaque, memory.clock(), price)
    return {"status": stage.postman.announce(body, f"webhook.{status}", mode=_mode(posted))}


def _last(memory: Memory, business: Business, wa_id: str) -> tuple[str, str, str]:
    chat = memory.chat(business.phone_number_id, wa_id)
    ours = [message for message in chat if not message.from_customer and message.kind not in chats.EVENTS]
    if not ours:
        raise Unusable("The business has not written in this chat yet: send the status for an unknown message")
    return ours[-1].wamid, ours[-1].opaque, ours[-1].price


@with_json
def window(stage: Stage, posted: Json) -> Json:
    """24 hours pass in one chat, and Meta lets only templates through, until the customer writes; nobody is told."""
    memory, number = stage.meta.memory, chosen(posted).phone_number_id
    wa_id = chosen_customer(memory, posted)
    with stage.meta.lock:
        memory.record("window_closed", phone_number_id=number, wa_id=wa_id)
    return {"closed": True}


@with_json
def release(stage: Stage, posted: Json) -> Json:
    """What is held back is delivered, the newest first or in order."""
    return {"released": stage.postman.release(newest_first=bool(posted.get("newest_first")))}


def _mode(posted: Json) -> str:
    mode = str(posted.get("mode", "normal"))
    if mode not in MODES:
        raise Unusable(f"A webhook is delivered in one of these ways: {', '.join(MODES)}")
    return mode


def _copies(posted: Json, usual: int = 1) -> int:
    return _whole(posted.get("copies", usual), MOST_COPIES, "The number of copies")


def _whole(value: object, most: int, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Unusable(f"{what} is a whole number from 1 to {most}")
    return value
