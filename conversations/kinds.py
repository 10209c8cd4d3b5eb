"""What each type of message means to us: whether it wants an answer, whether it opens the service window.

Knows Meta's types; nothing of rows or of how a message reads.
"""

from typing import NamedTuple

from whatsapp.payloads.items import Content


class Kind(NamedTuple):
    """`wants_answer`: the agent should say something to it. `opens_window`: we may write freely for 24 hours after it.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
    """

    wants_answer: bool
    opens_window: bool


SPOKEN = Kind(wants_answer=True, opens_window=True)
NOTED = Kind(wants_answer=False, opens_window=True)
# Meta does not say whether these open the window: to write to somebody without the right is worse than to wait.
SILENT = Kind(wants_answer=False, opens_window=False)

KINDS = {
    "text": SPOKEN,
    "image": SPOKEN,
    "video": SPOKEN,
    "audio": SPOKEN,
    "document": SPOKEN,
    "location": SPOKEN,
    "contacts": SPOKEN,
    "interactive": SPOKEN,
    "button": SPOKEN,
    "order": SPOKEN,
    "sticker": NOTED,
    "unsupported": SPOKEN,
    "edit": Kind(wants_answer=True, opens_window=False),
    "reaction": SILENT,
    "revoke": SILENT,
    "system": SILENT,
}


def kind_of(content: Content) -> Kind:
    """A type that Meta may invent tomorrow is a person who said something: it wants an answer."""
    if content.details.get("kind") == "call_permission_reply":  # an interactive reply in form only
        return SILENT
    return KINDS.get(content.type, SPOKEN)
