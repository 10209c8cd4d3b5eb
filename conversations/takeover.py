"""A person of the business takes a conversation over: writes, silences the agent, hands back.

Knows when one may write, and what it means for the agent. The caller's transaction holds the lock of the row, as
`locked` takes it.
"""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import PAUSE_FIELDS, Conversation, Message, Writer
from conversations.tasks import owe_answer, queue_answers, queue_drafts
from whatsapp.models import WhatsappConnection
from whatsapp.problems import Problem, problem_of

NOT_CONNECTED = "not_connected"
OUTSIDE_WINDOW = "outside_service_window"
CLOSED = _("The customer's last message is more than 24 hours old: WhatsApp takes only templates now.")
NEVER_OPENED = _("The customer has not written yet: WhatsApp takes only templates now.")
TEMPLATE = _("Send a template, or wait until the customer writes.")


class CannotWrite(Exception):
    """A person cannot write now; the problem says why, and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def locked(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """The rows for whoever changes them; without the secrets of their numbers."""
    whole = rows.select_related("tenant", "connection", "whatsapp_user").select_for_update(of=("self",))
    return whole.defer("connection__access_token", "connection__pin")


def unable_to_send(conversation: Conversation) -> Problem | None:
    """Why its number sends nothing now, and what to do; None when it can."""
    connection = conversation.connection
    if connection.status != WhatsappConnection.Status.CONNECTED and (problem := problem_of(connection)):
        return problem._replace(code=NOT_CONNECTED)
    return None


def obstacle(conversation: Conversation) -> Problem | None:
    """Why nobody can write here now in words of their own, and what to do; None when one can."""
    if problem := unable_to_send(conversation):
        return problem
    closes = conversation.window_closes_at
    if closes is None or closes <= timezone.now():
        return Problem(OUTSIDE_WINDOW, str(CLOSED if closes else NEVER_OPENED), str(TEMPLATE))
    return None


def say(conversation: Conversation, text: str, writer: Writer, **fields: Any) -> Message:
    """The person's words are on their way, and the agent is silent for the tenant's time. Raises CannotWrite.

    No answer is owed for them: their job sends them whether the agent is silent or not.
    """
    if problem := obstacle(conversation):
        raise CannotWrite(problem)
    message = draft(conversation, writer, text=text, **fields)
    conversation.person_spoke(message.said_at, conversation.tenant.pause, writer)
    conversation.save(update_fields=PAUSE_FIELDS)
    return message


def draft(conversation: Conversation, writer: Writer, **fields: Any) -> Message:
    """A person's message, and the job that sends it."""
    message = conversation.append(
        direction=Message.Direction.OUTBOUND,
        author=Message.Author.BUSINESS,
        status=Message.Status.DRAFTED,
        written_through=writer.through,
        written_by=writer.name[:150],
        **fields,
    )
    queue_drafts([conversation])
    return message


def silence(conversation: Conversation, minutes: int | None, writer: Writer) -> None:
    """The agent is silent for so long from now on, or for the tenant's time."""
    pause = conversation.tenant.handover_pause if minutes is None else timedelta(minutes=minutes)
    conversation.silence(timezone.now() + pause, writer)
    conversation.save(update_fields=PAUSE_FIELDS)


def hand_back(conversation: Conversation) -> None:
    """The agent may speak again, and answers what nobody has answered: with a new job when it was held."""
    was_held, conversation.answer_held = conversation.answer_held, False
    conversation.unsilence()
    conversation.save(update_fields=[*PAUSE_FIELDS, "answer_held"])
    if was_held:
        queue_answers([conversation])
    elif conversation.unheard().exists():
        owe_answer(conversation)
        conversation.refresh_from_db(fields=["answer_due_at"])
