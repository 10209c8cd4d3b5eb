"""Two rows turn out to be one person: their conversations become one, and nothing that was said is lost.

Knows what hangs on a customer and on a conversation; nothing of how it was found out.
"""

from datetime import datetime

from django.db import connection as database
from django.db.models import Q

from conversations.models import PAUSE_FIELDS, Conversation, Decision, WhatsappUser, Writer
from conversations.tasks import owe_answer

# Heard or not wanting an answer first, then in the order it was said: so that what waits for an answer stays behind
# what our replies have heard. Numbers above all that were given, for they are unique while rows move one by one.
RENUMBER = """
    WITH numbered AS (
        SELECT id, row_number() OVER (ORDER BY wants_answer, said_at, sequence) AS place
        FROM conversations_message WHERE conversation_id IN (%(kept)s, %(lost)s)
    )
    UPDATE conversations_message SET conversation_id = %(kept)s, sequence = %(above)s + numbered.place
    FROM numbered WHERE conversations_message.id = numbered.id
"""


def merge(kept: WhatsappUser, lost: WhatsappUser) -> None:
    """Everything of `lost` is of `kept` from now on, what it is known by too; `lost` is deleted.

    Within the caller's transaction. Conversations of both with the same number become one.
    """
    both = Q(whatsapp_user__in=[kept, lost])
    locked = list(Conversation.objects.select_for_update().filter(both).order_by("pk"))
    ours = {
        conversation.connection_id: conversation for conversation in locked if conversation.whatsapp_user_id == kept.pk
    }
    for conversation in locked:
        if conversation.whatsapp_user_id == lost.pk:
            twin = ours.get(conversation.connection_id)
            if twin is None:
                Conversation.objects.filter(pk=conversation.pk).update(whatsapp_user=kept)
            else:
                _join(twin, conversation)
    lost.delete()
    for name in ("wa_id", "user_id", "name", "username", "contact_name", "contact_at", "marketing", "marketing_at"):
        setattr(kept, name, getattr(kept, name) or getattr(lost, name))
    kept.save()


def _join(kept: Conversation, lost: Conversation) -> None:
    Decision.objects.filter(conversation=kept).delete()  # they speak of numbers that are given anew
    for conversation in (kept, lost):
        answered = conversation.messages.filter(wants_answer=True).exclude(pk__in=conversation.unheard())
        answered.update(wants_answer=False)
    above = max(kept.last_sequence, lost.last_sequence)
    with database.cursor() as cursor:
        cursor.execute(RENUMBER, {"kept": kept.pk, "lost": lost.pk, "above": above})
        kept.last_sequence = above + cursor.rowcount
    kept.last_message_at = max(kept.last_message_at, lost.last_message_at)
    kept.window_opened_at = _later(kept.window_opened_at, lost.window_opened_at)
    if lost.agent_paused_until and lost.agent_paused_until == _later(kept.agent_paused_until, lost.agent_paused_until):
        kept.silence(lost.agent_paused_until, Writer(lost.paused_by, lost.paused_by_name), lost.paused_reason)
    kept.person_due_at = kept.person_due_at or lost.person_due_at
    kept.save(update_fields=["last_sequence", "last_message_at", "window_opened_at", *PAUSE_FIELDS])
    lost.delete()
    if lost.answer_due_at is not None:
        owe_answer(kept)


def _later(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
