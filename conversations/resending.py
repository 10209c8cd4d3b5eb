"""What follows when Meta never says what became of a message: it is left for a person, or sent once more.

Knows the tenant's wish and when it must not be followed; what is to be sent once more becomes a draft of its own.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from conversations.models import SERVICE_WINDOW, UNDECIDED, Conversation, Message
from conversations.tasks import owe_answer

BATCH = 100
# Half the window: then the first one is still here (a tenant keeps messages for a day at least) when it is asked
# whether the second one may go again.
LATEST = SERVICE_WINDOW / 2
WORDS = ("direction", "author", "written_through", "written_by", "type", "text", "content", "refers_to")


def decide_overdue() -> None:
    """Messages of unknown end that have waited long enough for a status: each is decided about once."""
    grace = timedelta(minutes=settings.UNKNOWN_GRACE_MINUTES)
    overdue = Message.objects.filter(UNDECIDED, status_at__lt=timezone.now() - grace).order_by("status_at")
    for message_id, conversation_id in overdue.values_list("pk", "conversation_id")[:BATCH]:
        _decide(message_id, conversation_id)


def _decide(message_id: UUID, conversation_id: UUID) -> None:
    """Under the locks of both rows: a status that comes at the same moment is either seen, or comes afterwards."""
    with transaction.atomic():
        conversations = Conversation.objects.select_for_update(of=("self",)).select_related("tenant")
        conversation = conversations.filter(pk=conversation_id).first()
        if conversation is None:
            return
        message = conversation.messages.select_for_update().filter(UNDECIDED, pk=message_id).first()
        if message is None:
            return
        again = _may_go_again(message, conversation)
        reason = Message.Reason.RESENT if again else Message.Reason.LEFT_UNKNOWN
        Message.objects.filter(pk=message.pk).update(reason=reason)
        if again:
            _draft_again(message, conversation)


def _may_go_again(message: Message, conversation: Conversation) -> bool:
    """Once, when the tenant wishes it, in the window, and only while it is the last word and not of long ago."""
    return (
        conversation.tenant.resend_unknown
        and message.resends_id is None
        and not conversation.is_paused
        and timezone.now() < _latest(message, conversation)
        and not conversation.messages.filter(sequence__gt=message.sequence).exists()
    )


def _latest(message: Message, conversation: Conversation) -> datetime:
    """A template needs no window; without one, anything else cannot go again at all."""
    closes = conversation.window_closes_at or message.said_at
    latest = message.said_at + LATEST
    return latest if message.type == Message.TEMPLATE else min(closes, latest)


def _draft_again(message: Message, conversation: Conversation) -> None:
    """A row of its own, so that each is handed to Meta once, and a status tells which of the two it is about."""
    words = {name: getattr(message, name) for name in WORDS}
    conversation.append(**words, status=Message.Status.DRAFTED, resends=message)
    owe_answer(conversation)
