"""Messages of any kind become rows: a batch in a handful of statements, one message being the small case.

Knows who said it, what it does to earlier messages, and what follows for the conversation.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from conversations import media, statuses, trace
from conversations.facts import CHANGES, Known
from conversations.kinds import kind_of
from conversations.models import (
    PAUSE_FIELDS,
    SERVICE_WINDOW,
    Attachment,
    Conversation,
    Message,
    Through,
    Writer,
)
from conversations.tasks import queueing_answers
from conversations.whose import Part, conversations_of, said_at_of
from tenants.bulk import inserting, updating
from tenants.prepared import Asked, together
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import Echo, InboundMessage, PastMessage, Said

NEW = "message"
TOO_OLD = "message, too old to answer"
IMPORTED = {"imported": True}
# What messages change about their conversation.
OF_CONVERSATION = ("last_sequence", "last_message_at", "window_opened_at", "answer_due_at", *PAUSE_FIELDS)

Direction, Author, Status = Message.Direction, Message.Author, Message.Status


class Draft(NamedTuple):
    """A message on its way to become a row."""

    item: Said
    connection: WhatsappConnection
    row: Message


def receive(parts: Sequence[Part], known: Known) -> tuple[list[str], list[Asked[Any]]]:
    """Makes rows of what was said, once, and lets an answer be due where the customer wants one.

    In the order of Meta's time, then of arrival; `known` is what `facts.of_said` has found. Within the caller's
    transaction. Returns in a word what became of each, and the statements that write it. Somebody else who stores the
    same at this moment makes them raise IntegrityError: try again.
    """
    wamids = {part.item.wamid for part in parts}
    ours = {(row.connection_id, row.wamid or ""): row for row in known.messages}
    # Before anybody is looked for: who repeats an old message may not be known by its identity any more.
    new = {_key(part): part for part in reversed(parts) if _key(part) not in ours}  # of two alike, the first
    drafts = {_key(draft): draft for draft in _drafts([*reversed(new.values())], known)}
    words = [_word(drafts[_key(part)]) if new.get(_key(part)) is part else _again(part) for part in parts]
    trace.note_repeats([ours[_key(part)] for part in parts if _key(part) in ours])
    changes = [row for row in known.messages if row.type in CHANGES and row.refers_to in wamids]
    batch = sorted(drafts.values(), key=lambda draft: draft.row.said_at)
    return words, _written(batch, changes) if batch else []


def _key(part: Part | Draft) -> tuple[UUID, str]:
    return part.connection.pk, part.item.wamid


def _drafts(parts: Sequence[Part], known: Known) -> list[Draft]:
    if not parts:
        return []
    conversations = zip(parts, conversations_of(parts, known), strict=True)
    return [Draft(part.item, part.connection, _row(part, conversation)) for part, conversation in conversations]


# ── What becomes a row ───────────────────────────────────────────────────────────────────────────────────────────────


def _row(part: Part, conversation: Conversation) -> Message:
    item: Said = part.item
    from_business = isinstance(item, Echo) or (isinstance(item, PastMessage) and item.from_business)
    imported = IMPORTED if isinstance(item, PastMessage) else {}
    return Message(
        tenant_id=conversation.tenant_id,
        connection_id=conversation.connection_id,
        conversation=conversation,
        direction=Direction.OUTBOUND if from_business else Direction.INBOUND,
        author=Author.BUSINESS if from_business else Author.CUSTOMER,
        status=_status(item) if from_business else Status.RECEIVED,
        status_at=item.sent_at,
        said_at=said_at_of(item),
        sent_at=item.sent_at,
        type=item.content.type,
        text=item.content.text,
        content=item.content.details | imported,
        refers_to=item.content.refers_to,
        wants_answer=isinstance(item, InboundMessage) and kind_of(item.content).wants_answer,
        written_through=Through.ECHO if _is_by_person(item) else "",
        wamid=item.wamid,
        event=part.event,
    )


def _is_by_person(item: Said) -> bool:
    """Whether somebody of the business writes this now."""
    return isinstance(item, Echo) and not item.is_automatic


def _status(item: Said) -> str:
    """How far a message of the business had come. https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history."""
    word = item.status if isinstance(item, PastMessage) else ""
    known = {"delivered": Status.DELIVERED, "read": Status.READ, "played": Status.PLAYED, "error": Status.FAILED}
    return known.get(word, Status.SENT)


def _word(draft: Draft) -> str:
    match draft.item:
        case Echo():
            return "echo"
        case PastMessage():
            return "imported message"
        case _:
            return NEW if _is_answerable(draft.row) or not draft.row.wants_answer else TOO_OLD


def _again(part: Part) -> str:
    """A message that came before. Only a history says more the second time: the media that it had promised."""
    item, connection = part.item, part.connection
    if isinstance(item, PastMessage) and item.content.media:
        promised = Message.objects.filter(connection=connection, wamid=item.wamid, type="media_placeholder")
        if row := promised.first():
            row.type, row.text, row.content = item.content.type, item.content.text, item.content.details | IMPORTED
            row.save(update_fields=["type", "text", "content"])
            together(*_keeping_media([Draft(item, connection, row)]))
            return "imported media"
    return "duplicate message"


def _written(batch: Sequence[Draft], earlier_changes: Sequence[Message]) -> list[Asked[Any]]:
    """The statements that write these messages, and what they mean for their conversations."""
    for draft in batch:
        draft.row.conversation.last_sequence += 1
        draft.row.sequence = draft.row.conversation.last_sequence
    storing = [inserting([draft.row for draft in batch]), *_keeping_media(batch)]
    changes = [*earlier_changes, *(draft.row for draft in batch if draft.row.type in CHANGES)]
    if changes or any(draft.row.direction == Direction.OUTBOUND for draft in batch):
        together(*storing)  # at once, for what follows looks for them
        storing = []
    for change in changes:
        _change_earlier(change)
    return [*storing, *_going_on(batch)]


def _keeping_media(drafts: Sequence[Draft]) -> list[Asked[Any]]:
    attachments = [
        Attachment(
            tenant_id=draft.row.tenant_id,
            message=draft.row,
            media_id=reference.media_id,
            mime_type=reference.mime_type,
            filename=reference.filename,
            sha256=reference.sha256,
        )
        for draft in drafts
        if (reference := draft.item.content.media) is not None
    ]
    media.queue_fetch(attachments)
    return [inserting(attachments)] if attachments else []


def _change_earlier(change: Message) -> None:
    """An edit marks its author's message; a deletion takes its words and its media away, here too.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/revoke
    """
    meant = Message.objects.filter(connection=change.connection_id, wamid=change.refers_to)
    meant = meant.filter(conversation=change.conversation_id, direction=change.direction)
    if change.type == "edit":
        meant.update(edited_at=change.said_at)
        return
    media.forget(meant)
    meant.update(text="", content={}, revoked_at=change.said_at, wants_answer=False)


# ── What follows ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _going_on(batch: Sequence[Draft]) -> list[Asked[Any]]:
    """Each conversation goes on: its times, who is silent, and whether an answer is due."""
    said: dict[UUID, list[Draft]] = defaultdict(list)
    for draft in batch:
        said[draft.row.conversation_id].append(draft)
    conversations = [drafts[0].row.conversation for drafts in said.values()]
    due = [conversation for conversation in conversations if _note(conversation, said[conversation.pk])]
    return [updating(conversations, *OF_CONVERSATION), *([queueing_answers(due)] if due else [])]


def _note(conversation: Conversation, drafts: Sequence[Draft]) -> bool:
    """What these messages mean for their conversation. True when an answer is due, and was not before."""
    said = [draft.row.said_at for draft in drafts]
    opened = [draft.row.said_at for draft in drafts if _opens_window(draft)]
    conversation.last_message_at = max([conversation.last_message_at, *said])
    conversation.window_opened_at = max(filter(None, [conversation.window_opened_at, *opened]), default=None)
    _business_spoke(conversation, [draft for draft in drafts if draft.row.direction == Direction.OUTBOUND])
    if conversation.answer_due_at or not any(_is_answerable(draft.row) for draft in drafts):
        return False
    conversation.answer_due_at = timezone.now()
    return True


def _opens_window(draft: Draft) -> bool:
    return isinstance(draft.item, InboundMessage) and kind_of(draft.item.content).opens_window


def _is_answerable(row: Message) -> bool:
    return row.wants_answer and row.said_at > timezone.now() - SERVICE_WINDOW


def _business_spoke(conversation: Conversation, drafts: Sequence[Draft]) -> None:
    """A person of the business has a say now: the agent is silent for a while, and what they answered is answered."""
    if drafts:
        statuses.join(conversation.connection_id, [draft.item.wamid for draft in drafts])
    for draft in drafts:
        if _is_by_person(draft.item):
            conversation.person_spoke(draft.row.said_at, draft.connection.tenant.pause, Writer(Through.ECHO))
