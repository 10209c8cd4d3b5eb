"""What the agent says next: the prompt in force, and the provider that speaks for it.

Knows prompts and the port; nothing of rows, WhatsApp or when to try again.
"""

import hashlib
import hmac
from collections.abc import Sequence

from django.conf import settings
from django.db import close_old_connections

from agent.models import SystemPrompt
from agent.ports import LlmError, Reply, Turn
from agent.providers import get_provider
from tenants.models import Tenant


def reply_to(tenant: Tenant, phone_number_id: str, customer: str, turns: Sequence[Turn]) -> tuple[Reply, SystemPrompt]:
    """The reply to the last turns, on this number of the tenant's, and the prompt it was made with.

    `customer` is our id of the person; the provider is given a pseudonym of it. Raises the errors of the port;
    LlmError also when the tenant has no active prompt: an agent that nobody has instructed says nothing.
    """
    prompt = SystemPrompt.active_for(tenant, phone_number_id)
    if prompt is None:
        raise LlmError("The tenant has no active system prompt.")
    close_old_connections()  # a model takes seconds; the database connection goes back to the pool meanwhile
    return get_provider().generate_reply(prompt.text, turns, _pseudonym(tenant, customer)), prompt


def _pseudonym(tenant: Tenant, customer: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{tenant.pk}:{customer}".encode(), hashlib.sha256).hexdigest()
