"""The agent hands a conversation over to a person: when the customer asks for one, or when the agent has to.

Knows the phrases and what follows; whether the model wants it, somebody else finds out.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from conversations import outbound
from conversations.models import PAUSE_FIELDS, Conversation, Message, Through, Writer
from conversations.wording.parts import attachment_of
from tenants.models import Tenant

PHRASES = (
    *("human agent", "human being", "human please", "a real person", "real human", "live agent"),
    *("speak to a person", "speak with a person", "talk to a person", "talk with a person"),
    *("speak to a human", "speak with a human", "talk to a human", "talk with a human"),
    *("speak to someone", "talk to someone", "speak to somebody", "talk to somebody"),
    *("agente humano", "un humano", "una persona real", "persona de verdad", "atención humana"),
    *("hablar con una persona", "hablar con un humano", "hablar con un agente", "hablar con alguien"),
    *("hablar con un asesor", "hablar con una asesora", "hablar con un operador", "hablar con una operadora"),
    *("que me atienda una persona", "que me atienda alguien"),
)


def is_asked_for(messages: Sequence[Message], tenant: Tenant) -> bool:
    """Whether one of these messages of the customer's asks for a person, in the tenant's phrases or the usual ones."""
    phrases = _phrases(tenant.handover_phrases)
    return any(phrase in words for words in map(_plain, _said(messages)) for phrase in phrases)


def hand_over(conversation: Conversation, heard: Message, reason: str) -> None:
    """The customer is told that a person comes, as the reply to what was heard; then the agent is silent.

    Does nothing when a person has taken over already: what was heard is theirs to answer.
    """
    with transaction.atomic():
        row = Conversation.locked(conversation.pk)
        if row is None or row.is_paused:
            return
        outbound.draft(row, heard, text=_sentence(row.tenant), note=reason, written_through=Through.HANDOVER)
        row.silence(timezone.now() + row.tenant.handover_pause, Writer(Through.HANDOVER), reason)
        row.person_due_at = timezone.now()
        row.save(update_fields=PAUSE_FIELDS)


@lru_cache
def _phrases(own: str) -> list[str]:
    """A tenant's own, or the usual ones."""
    return [phrase for phrase in map(_plain, own.splitlines()) if phrase.strip()] or [*map(_plain, PHRASES)]


def _said(messages: Sequence[Message]) -> Iterable[str]:
    """The words in them; of a voice note what was made out."""
    for message in messages:
        yield message.text
        if message.type == "audio" and (attachment := attachment_of(message)):
            yield attachment.transcript


def _plain(text: str) -> str:
    """Only its words, without case and accents, each between two spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = " ".join(re.findall(r"\w+", bare))
    return f" {words} "


def _sentence(tenant: Tenant) -> str:
    if own := tenant.handover_message.strip():
        return own
    with translation.override(tenant.language):
        return gettext("A person of our team will answer you here. Please wait a moment.")
