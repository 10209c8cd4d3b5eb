"""The rows of this app: connections, signups, templates, and the records beside them."""

from whatsapp.models.connections import WhatsappConnection
from whatsapp.models.records import AccountNotice, DataDeletionRequest, GraphExchange
from whatsapp.models.signups import LONGEST_TURN, SETTLED, SIGNUP_LIFETIME, EmbeddedSignupSession, Ending
from whatsapp.models.templates import MessageTemplate

__all__ = [
    "LONGEST_TURN",
    "SETTLED",
    "SIGNUP_LIFETIME",
    "AccountNotice",
    "DataDeletionRequest",
    "EmbeddedSignupSession",
    "Ending",
    "GraphExchange",
    "MessageTemplate",
    "WhatsappConnection",
]
