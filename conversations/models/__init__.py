"""The rows of this app: events, customers, conversations, messages, media."""

from conversations.models.conversation import PAUSE_FIELDS, SERVICE_WINDOW, Conversation, Through, Writer
from conversations.models.decisions import Decision
from conversations.models.events import ParkedStatus, WebhookEvent
from conversations.models.media import Attachment, MediaFile, media_storage
from conversations.models.message import UNDECIDED, Message
from conversations.models.people import WhatsappUser

__all__ = [
    "PAUSE_FIELDS",
    "SERVICE_WINDOW",
    "UNDECIDED",
    "Attachment",
    "Conversation",
    "Decision",
    "MediaFile",
    "Message",
    "ParkedStatus",
    "Through",
    "WebhookEvent",
    "WhatsappUser",
    "Writer",
    "media_storage",
]
