"""What the agent is shown of a conversation: the last of it, in the order in which the agent came to know it.

Knows rows; nothing of when the agent speaks, or of what.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import F, Q

from agent.ports import Media, Speaker, Turn
from conversations import media
from conversations.models import Conversation, Message
from conversations.wording import agent_text
from tenants.prepared import Asked, Given, Prepared


def earlier(conversation: Conversation, unheard: Sequence[Message]) -> Asked[list[Message]]:
    """The last messages before what is unheard, the newest first: to be asked for together with other things."""
    last = _last(conversation.tenant.context_limit)
    return last.asked(conversation=conversation.pk, unheard=unheard[0].sequence)


@cache
def _last(limit: int) -> Prepared[Message]:
    of_conversation = Message.objects.filter(conversation=Given("conversation")).select_related("attachment__file")
    shown = of_conversation.exclude(Q(status=Message.Status.FAILED) | Q(reason=Message.Reason.RESENT))
    heard = shown.exclude(wants_answer=True, sequence__gte=Given("unheard"))
    in_order = heard.annotate(heard=F("in_reply_to__sequence")).order_by("-said_at", "-sequence")
    return Prepared(lambda: in_order[:limit])


def said(conversation: Conversation, earlier: Sequence[Message], unheard: Sequence[Message]) -> list[Turn]:
    """The last messages, as the model is shown them, and everything unheard at the end."""
    limit = conversation.tenant.context_limit
    last = earlier[: max(limit - len(unheard), 0)]
    new = sorted(unheard, key=lambda message: (message.said_at, message.sequence))
    in_order = [*_as_the_agent_knew_it(last), *new[-limit:]]
    shown = media.shown(in_order)
    return [_turn(message, shown.get(message.pk)) for message in in_order]


def _turn(message: Message, shown: Media | None) -> Turn:
    speaker = Speaker.AGENT if message.direction == Message.Direction.OUTBOUND else Speaker.CUSTOMER
    return Turn(speaker, agent_text(message, shown=shown is not None), shown)


def _as_the_agent_knew_it(messages: Sequence[Any]) -> list[Message]:
    """In the order they were said; but what came while the agent was thinking stands after that reply.

    The reply did not know of it, whenever it was said: `heard` is the number of the last message that it has heard.
    """
    replies = [(message.heard, message.said_at) for message in messages if message.heard]

    def place(message: Message) -> tuple[datetime, bool, datetime, int]:
        unknown_to = [said_at for heard, said_at in replies if heard < message.sequence]
        moved = message.wants_answer and unknown_to
        at = max(message.said_at, *unknown_to) if moved else message.said_at
        return at, message.direction == Message.Direction.INBOUND, message.said_at, message.sequence

    return sorted(messages, key=place)
