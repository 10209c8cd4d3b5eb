"""What the agent says next: the prompt in force, and the provider that speaks for it.

Knows prompts and the port; nothing of rows, WhatsApp or when to try again.
"""

import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.db import close_old_connections

from agent.models import SystemPrompt
from agent.ports import LlmError, LlmRefused, LlmUnavailable, Reply, Turn
from agent.providers import get_provider
from tenants.models import Tenant

logger = logging.getLogger(__name__)

NOT_SHOWN = "[The file could not be shown to you.]"


def reply_to(tenant: Tenant, phone_number_id: str, customer: str, turns: Sequence[Turn]) -> tuple[Reply, SystemPrompt]:
    """The reply to the last turns, on this number of the tenant's, and the prompt it was made with.

    `customer` is our id of the person; the provider is given a pseudonym of it. Raises the errors of the port;
    LlmError also when the tenant has no active prompt: an agent that nobody has instructed says nothing.
    """
    prompt = SystemPrompt.active_for(tenant, phone_number_id)
    if prompt is None:
        raise LlmError("The tenant has no active system prompt.")
    close_old_connections()  # a model takes seconds; the database connection goes back to the pool meanwhile
    return _generate(prompt.text, turns, _pseudonym(tenant, customer)), prompt


def _generate(instructions: str, turns: Sequence[Turn], customer: str) -> Reply:
    """Once more without the media when the provider will not have them: one broken image must not silence us."""
    try:
        return get_provider().generate_reply(instructions, turns, customer)
    except (LlmUnavailable, LlmRefused):
        raise
    except LlmError as error:
        if not any(turn.media for turn in turns):
            raise
        logger.warning("asking again without the media: %s", error)
        return get_provider().generate_reply(instructions, [_without_media(turn) for turn in turns], customer)


def _without_media(turn: Turn) -> Turn:
    return replace(turn, text=f"{turn.text}\n{NOT_SHOWN}", media=None) if turn.media else turn


def _pseudonym(tenant: Tenant, customer: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{tenant.pk}:{customer}".encode(), hashlib.sha256).hexdigest()
