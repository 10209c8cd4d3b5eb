"""How a message reads. Knows what each type holds; nothing of pages or of the model."""

from django.utils.translation import gettext

from conversations.models import Message


def transcript_text(message: Message) -> str:
    """What stands in the transcript, for staff and tenants, in their language."""
    if message.type == "text":
        return message.text
    return "\n".join(filter(None, [gettext("[%(type)s]") % {"type": message.type}, message.text]))
