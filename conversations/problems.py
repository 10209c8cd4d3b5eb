"""What people are told when a message of ours did not go out, or may not have: what has happened, and what to do now.

Knows our own reasons; Meta's codes are explained by `whatsapp.refusals`. Meta's own words are not among these.
"""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from conversations.models import Message
from whatsapp.refusals import BY_ITSELF, Next, Refusal, refusal_of

Reason, Status = Message.Reason, Message.Status

ASK_FIRST = _("Look on the phone or ask the customer whether it has arrived, before you say it again.")
WAIT_FOR_META = _("Wait some minutes: Meta may still say what became of it.")
NOT_AGAIN = _("It is not tried again by itself: write to the customer if it still matters.")
NOTHING = _("Nothing is to be done.")

REASONS = {
    Reason.WINDOW_CLOSED: Refusal(
        Next.WINDOW,
        _("The 24 hours in which one may answer freely were over."),
        _("Wait until the customer writes, or send a template that Meta has approved."),
    ),
    Reason.TOO_LATE: Refusal(
        Next.GIVE_UP,
        _("It could not be sent for a day, and was not sent after that."),
        _("Send it again if it is still true."),
    ),
    Reason.TAKEN_OVER: Refusal(
        Next.GIVE_UP, _("A person of the business has spoken meanwhile, so the agent kept silent."), NOTHING
    ),
    Reason.NO_PROMPT: Refusal(
        Next.TENANT_ACTION,
        _("Nobody has told the agent what it is to say: no system prompt is active."),
        _("Activate a system prompt, and answer this customer yourself."),
    ),
    Reason.MODEL_REFUSED: Refusal(
        Next.GIVE_UP, _("The model declined to answer this."), _("Read the conversation, and answer yourself.")
    ),
    Reason.MODEL_ERROR: Refusal(
        Next.GIVE_UP,
        _("The model gave no answer that can be used."),
        _("Answer this customer yourself; if it happens again, ask us."),
    ),
    Reason.UNREACHABLE: Refusal(Next.RETRY, _("Meta could not be reached."), BY_ITSELF),
    Reason.THROTTLED: Refusal(
        Next.RETRY, _("Meta has asked us to wait with everything that this number sends."), BY_ITSELF
    ),
    Reason.NO_ANSWER: Refusal(Next.UNKNOWN, _("Meta gave no clear answer: it may have been sent."), WAIT_FOR_META),
    Reason.WORKER_DIED: Refusal(
        Next.UNKNOWN, _("We were interrupted while sending: it may have been sent."), WAIT_FOR_META
    ),
    Reason.LEFT_UNKNOWN: Refusal(
        Next.UNKNOWN, _("Meta has never said whether it was sent, so it was not sent once more."), ASK_FIRST
    ),
    Reason.RESENT: Refusal(
        Next.UNKNOWN,
        _("Meta has never said whether it was sent, so it is sent once more, as this business wishes."),
        _("Nothing is to be done: the customer may have it twice."),
    ),
    Reason.NOT_NEEDED: Refusal(
        Next.GIVE_UP, _("It was not sent once more, for Meta has said what became of the first one."), NOTHING
    ),
}


NOT_SENT = Refusal(Next.GIVE_UP, _("It was not sent."), _("What we know of it stands beside it, in our own words."))


class Problem(NamedTuple):
    """`code` is Meta's; `about` is what it tells of the customer, or empty."""

    code: int | None
    kind: Next
    what: str
    to_do: str
    about: str


def problem_of(message: Message) -> Problem | None:
    """What is wrong with it, in people's words; None when nothing is."""
    silent = message.status == Status.DRAFTED and not message.reason and message.error_code is None
    if silent or message.status not in (Status.DRAFTED, Status.UNKNOWN, Status.FAILED):
        return None
    told = _as_it_stands(_told(message), message.status)
    return Problem(message.error_code, told.next, str(told.what), str(told.to_do), str(told.about))


def _told(message: Message) -> Refusal:
    if message.reason in REASONS:
        return REASONS[Reason(message.reason)]
    if message.error_code is not None:
        return refusal_of(message.error_code)
    return REASONS[Reason.NO_ANSWER] if message.status == Status.UNKNOWN else NOT_SENT


def _as_it_stands(told: Refusal, status: str) -> Refusal:
    """Only a draft is tried again; and a draft is, though nobody knows the code, when Meta said that it passes."""
    if status == Status.FAILED and told.next == Next.RETRY:
        return told._replace(next=Next.GIVE_UP, to_do=NOT_AGAIN)
    if status == Status.DRAFTED and told.next == Next.GIVE_UP:
        return told._replace(next=Next.RETRY, to_do=BY_ITSELF)
    return told
