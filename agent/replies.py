"""What the agent says next: the prompt in force, and the provider that speaks for it.

Knows prompts and the port; nothing of rows, WhatsApp or when to try again.
"""

import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from agent.models import SystemPrompt
from agent.ports import LlmError, LlmRefused, LlmUnavailable, NoPrompt, Reply, Turn
from agent.providers import get_provider
from tenants.models import Tenant

logger = logging.getLogger(__name__)

NOT_SHOWN = "[The file could not be shown to you.]"


@dataclass(frozen=True)
class Question:
    """Everything that the model is asked with: from here on nothing of the database is needed."""

    prompt: SystemPrompt
    turns: Sequence[Turn]
    customer: str


def question_of(tenant: Tenant, prompt: SystemPrompt | None, customer: str, turns: Sequence[Turn]) -> Question:
    """What to ask for the reply to the last turns, with the tenant's prompt in force.

    `customer` is our id of the person; the provider is given a pseudonym of it. Raises NoPrompt when the tenant has no
    active prompt: an agent that nobody has instructed says nothing.
    """
    if prompt is None:
        raise NoPrompt("The tenant has no active system prompt.")
    return Question(prompt, turns, _pseudonym(tenant, customer))


async def reply_to(question: Question) -> Reply:
    """The model's reply. Raises the errors of the port.

    Once more without the media when the provider will not have them: one broken image must not silence us.
    """
    provider, instructions, turns = get_provider(), question.prompt.text, question.turns
    try:
        return await provider.generate_reply(instructions, turns, question.customer)
    except (LlmUnavailable, LlmRefused):
        raise
    except LlmError as error:
        if not any(turn.media for turn in turns):
            raise
        logger.warning("asking again without the media: %s", error)
        plain = [_without_media(turn) for turn in turns]
        return await provider.generate_reply(instructions, plain, question.customer)


def _without_media(turn: Turn) -> Turn:
    return replace(turn, text=f"{turn.text}\n{NOT_SHOWN}", media=None) if turn.media else turn


def _pseudonym(tenant: Tenant, customer: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{tenant.pk}:{customer}".encode(), hashlib.sha256).hexdigest()
