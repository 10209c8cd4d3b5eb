"""How a message reads to the agent, in English. Knows what the agent can see and hear, and says so honestly.

What is not the customer's own words stands in [square brackets]. So nobody else may use them: in what comes from
outside they become round, and nothing from outside breaks the line of a note.
"""

from collections.abc import Callable, Iterable

from conversations.models import Attachment, Message
from conversations.wording.parts import answers, attachment_of, contact, line, ordered, place, total

ROUND = str.maketrans("[]", "()")
# What each kind of media is called, and what the agent would do with it if it could.
MEDIA = {
    "image": ("an image", "see"),
    "video": ("a video", "watch"),
    "sticker": ("a sticker", "see"),
    "audio": ("an audio file", "hear"),
    "document": ("a document", "read"),
}
WHY_NOT: dict[str, str] = {
    Attachment.Status.PENDING: " It has not been fetched yet.",
    Attachment.Status.REFUSED: " It was not taken: it is too large, or of a type that is not accepted.",
    Attachment.Status.GONE: " WhatsApp does not have it any more.",
}


def agent_text(message: Message, *, shown: bool = False) -> str:
    """The message as a turn of the talk. `shown`: its media is given to the model beside these words."""
    if message.revoked_at:
        return note(f"{who(message)} deleted this message.")
    pieces = [*_around(message), _read(message.type, message, shown=shown)]
    if message.edited_at:
        pieces.append(note(f"{who(message)} edited this message later."))
    return "\n".join(filter(None, pieces))


def who(message: Message) -> str:
    """Whom a note speaks of. The agent itself sends nothing but text."""
    return "The customer" if message.direction == Message.Direction.INBOUND else "A colleague"


def note(words: str, lines: Iterable[str] = ()) -> str:
    """What is not the customer's words. The first words may quote somebody, but cannot end the note."""
    return f"[{chr(10).join((words, *lines)).translate(ROUND)}]"


def words_of(message: Message) -> str:
    """A customer's own words: they cannot look like a note. What the business said stands as it was said."""
    return message.text.translate(ROUND) if message.direction == Message.Direction.INBOUND else message.text


def _read(type_: str, message: Message, *, shown: bool) -> str:
    if type_ in MEDIA:
        return _media(type_, message, shown=shown)
    if type_ == "edit":
        return _edit(message, shown=shown)
    return READERS.get(type_, _unsupported)(message)


def _around(message: Message) -> list[str]:
    context, referral = message.content.get("context", {}), message.content.get("referral", {})
    notes = []
    if context.get("forwarded") or context.get("frequently_forwarded"):
        often = " many times" if context.get("frequently_forwarded") else ""
        notes.append(note(f"Forwarded{often}: somebody else may have written it."))
    if product := context.get("product"):
        notes.append(note(f"About the product {quoted(product.get('product_retailer_id'))} of the catalog."))
    elif message.refers_to and message.type in ("text", *MEDIA):
        notes.append(note("In reply to an earlier message."))
    if referral:
        notes.append(_referral(message, referral))
    return notes


def _referral(message: Message, referral: dict[str, str]) -> str:
    origin = "an ad" if referral.get("source_type") == "ad" else "a post"
    shown = [quoted(referral[key]) for key in ("headline", "body") if referral.get(key)]
    greeting = f" They were greeted with {quoted(referral['welcome'])}." if referral.get("welcome") else ""
    return note(f"{who(message)} comes from {' '.join((origin, *shown))}.{greeting}")


def quoted(value: object) -> str:
    """Words from outside within a note: they can end neither it nor their quotation."""
    return '"{}"'.format(line(value).replace('"', "'"))


def _media(type_: str, message: Message, *, shown: bool) -> str:
    attachment = attachment_of(message)
    name, verb = MEDIA[type_]
    if type_ == "audio" and message.content.get("voice"):
        name = "a voice note"
    if attachment and attachment.transcript:
        spoken = "Voice note" if message.content.get("voice") else "Audio file"
        return f"{note(f'{spoken}, transcribed:')} {attachment.transcript.translate(ROUND)}"
    if attachment and attachment.filename:
        name = f"{name} named {quoted(attachment.filename)}"
    return f"{note(_described(message, name, verb, attachment, shown=shown))} {words_of(message)}".strip()


def _described(message: Message, name: str, verb: str, attachment: Attachment | None, *, shown: bool) -> str:
    if shown:
        return f"{who(message)} sent {name}; it is shown to you."
    why = WHY_NOT.get(attachment.status, "") if attachment else ""
    return f"{who(message)} sent {name} that you cannot {verb}.{why}"


def _location(message: Message) -> str:
    return note(f"{who(message)} shared a location: {place(message.content) or 'unknown'}")


def _contacts(message: Message) -> str:
    cards = [f"- {contact(card)}" for card in message.content.get("contacts", ())]
    return note(f"{who(message)} shared contacts:", cards)


def _interactive(message: Message) -> str:
    content = message.content
    response = content.get("response", {})
    match content.get("kind"):
        case "button_reply":
            return f"{note(f'{who(message)} pressed a button:')} {words_of(message)}"
        case "list_reply":
            description = f" {note(line(content['description']))}" if content.get("description") else ""
            return f"{note(f'{who(message)} chose from a list:')} {words_of(message)}{description}"
        case "nfm_reply":
            return note(f"{who(message)} filled in a form:", answers(response))
        case "call_permission_reply":
            verb = "allowed" if response.get("response") == "accept" else "refused"
            return note(f"{who(message)} {verb} calls from the business.")
    return f"{note(f'{who(message)} answered an interactive message:', answers(response))} {words_of(message)}".strip()


def _button(message: Message) -> str:
    return (
        f"{note(f'{who(message)} pressed a button:')} {words_of(message) or note(line(message.content.get('payload')))}"
    )


def _reaction(message: Message) -> str:
    if not message.text:
        return note(f"{who(message)} took back a reaction.")
    return note(f"{who(message)} reacted with {line(message.text)} to an earlier message.")


def _order(message: Message) -> str:
    items = message.content.get("items", [])
    sum_ = total(items)
    lines = [*(f"- {article}" for article in ordered(items)), *([f"Total: {sum_}"] if sum_ else [])]
    return f"{note(f'{who(message)} ordered from the catalog:', lines)} {words_of(message)}".strip()


def _system(message: Message) -> str:
    match message.content.get("kind"):
        case "user_changed_number":
            return note(f"{who(message)} has a new phone number.")
        case "user_changed_user_id":
            return note(f"{who(message)} has a new WhatsApp identity.")
    return note(f"WhatsApp says: {line(message.text)}")


def _edit(message: Message, *, shown: bool) -> str:
    inner = message.content.get("type", "text")
    now = words_of(message) if inner == "edit" else _read(inner, message, shown=shown)
    return f"{note(f'{who(message)} edited an earlier message. It reads now:')} {now}"


def _revoke(message: Message) -> str:
    return note(f"{who(message)} deleted an earlier message.")


def _placeholder(message: Message) -> str:
    return note(f"{who(message)} sent media that you cannot see. WhatsApp has not sent it yet.")


def _unsupported(message: Message) -> str:
    """Also for a type that nobody knows yet; its words, if it has any, are shown."""
    kind = line(message.content.get("kind") or message.type)
    named = "" if kind in ("unsupported", "unknown") else f" (of the type {quoted(kind)})"
    unseen = note(f"{who(message)} sent something{named} that cannot be shown here. You cannot see it.")
    return f"{unseen} {words_of(message)}".strip()


def _template(message: Message) -> str:
    """As the customer reads it. One from elsewhere may come without its words."""
    return words_of(message) or _unsupported(message)


READERS: dict[str, Callable[[Message], str]] = {
    "text": words_of,
    "template": _template,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "revoke": _revoke,
    "media_placeholder": _placeholder,
}
