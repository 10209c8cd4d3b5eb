"""What can be seen of a case, on the phones and in the rows, and what must be true of it whatever was done.

Knows what customers and rows look like; nothing of processes, nor of how an answer is made.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection as database
from django.db.models import Q

from conversations.models import Attachment, Conversation, MediaFile, Message, WebhookEvent
from whatsapp.sandbox.samples import SAMPLES

Json = dict[str, Any]
Phone = list[Json]
SEEN = ("sent", "delivered", "read", "played")
# What the clock defers, again and again: of these there is always one.
PERIODIC = ("sweep", "retry_jobs_of_dead_workers")


def jobs() -> list[str]:
    """What is in the queue, but for the clock's."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT task_name || ' ' || status || ' ' || attempts FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') AND task_name <> ALL(%s)",
            [list(PERIODIC)],
        )
        return [row[0] for row in cursor.fetchall()]


def workers_at_work() -> int:
    """How many workers answer just now."""
    with database.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT worker_id) FROM procrastinate_jobs WHERE status = 'doing'")
        count: int = cursor.fetchone()[0]
    return count


def unsettled(phone: Phone, expected: int) -> str:
    """What is still to come, in words; so many messages were written."""
    said = [message for message in phone if message["from_customer"]]
    ours = Message.objects.filter(direction="outbound")
    left = {
        "not on the phone": expected - len(said),
        "undelivered": sum(message["status"] == "accepted" for message in phone),
        "unstored": len(said) - Message.objects.filter(direction="inbound").count(),
        "due": Conversation.objects.filter(answer_due_at__isnull=False).count(),
        "jobs": jobs(),
        "on their way": list(ours.filter(status__in=["drafted", "sending"]).values_list("status", flat=True)),
        "unprocessed": WebhookEvent.objects.filter(processed_at=None).count(),
        "statuses to come": sum(message["status"] != "read" for message in phone if not message["from_customer"]),
        "ticks to come": ours.filter(status__in=["sent", "delivered"]).count(),
        "to be fetched": Attachment.objects.filter(status="pending").count(),
    }
    return ", ".join(f"{name}: {what}" for name, what in left.items() if what)


def outcomes(phone: Phone) -> Counter[str]:
    """What the agent's answers have come to, and how many of them speak of what was sent with it."""
    words = Counter(Message.objects.filter(direction="outbound").values_list("status", flat=True))
    words["saw it"] = sum("You sent 1 " in said["body"] for said in phone if not said["from_customer"])
    return +words


def wrongs(phone: Phone) -> list[str]:
    """Every promise that was broken, in words."""
    return [*_lost_or_double(phone), *_answers(phone), *_once(phone), *_order(phone), *_media(phone)]


def _lost_or_double(phone: Phone) -> Iterator[str]:
    stored = Counter(Message.objects.filter(direction="inbound").values_list("wamid", flat=True))
    for message in phone:
        if message["from_customer"] and stored[message["wamid"]] != 1:
            yield f"{message['body']} is stored {stored[message['wamid']]} times"
    posted = Counter(message["opaque"] for message in phone if not message["from_customer"])
    yield from (f"draft {draft} was sent {count} times" for draft, count in posted.items() if count > 1)
    errors = WebhookEvent.objects.exclude(error="").values_list("error", flat=True)
    yield from (f"an event has an error: {error}" for error in errors)


def _answers(phone: Phone) -> Iterator[str]:
    """Each answer is on the phone, or says why it is not or may not be."""
    on_phone = {message["opaque"] for message in phone if not message["from_customer"]}
    for conversation in Conversation.objects.all():
        if conversation.unheard().exists():
            yield f"{conversation} is unheard"
    for reply in Message.objects.filter(direction="outbound", author="agent"):
        is_there = str(reply.pk) in on_phone
        if is_there != (reply.status in SEEN) and reply.status != "unknown":
            yield f"{reply.pk} is {reply.status}, and {'' if is_there else 'not '}on the phone"
        if reply.status in ("failed", "unknown") and not reply.error:
            yield f"{reply.pk} is {reply.status} without a reason"


def _once(phone: Phone) -> Iterator[str]:
    """Each message is heard by one answer: the simulated model quotes what it was asked."""
    bodies = [message["body"] for message in phone if not message["from_customer"]]
    quoted = Counter(text for body in bodies for text in re.findall(r"<[\d.]+>", body))
    for message in Message.objects.filter(direction="inbound"):
        later = Message.objects.filter(
            conversation=message.conversation_id, in_reply_to__sequence__gte=message.sequence
        )
        answer = later.order_by("sequence").first()
        # A note: something else was said instead of an answer.
        is_excused = answer is not None and (answer.status in ("failed", "unknown") or answer.note)
        if quoted[message.text] != 1 and not (is_excused and quoted[message.text] == 0):
            yield f"{message.text} is answered {quoted[message.text]} times on the phone"


def _order(phone: Phone) -> Iterator[str]:
    """On each phone the answers stand in the order of what they answer."""
    places = {message["opaque"]: place for place, message in enumerate(phone) if not message["from_customer"]}
    for conversation in Conversation.objects.all():
        replies = conversation.messages.filter(~Q(in_reply_to=None)).order_by("sequence")
        heard = list(replies.values_list("in_reply_to__sequence", flat=True))
        there = [places[str(reply.pk)] for reply in replies if str(reply.pk) in places]
        if heard != sorted(set(heard)) or there != sorted(there):
            yield f"the order is broken: {heard}, on the phone {there}"


def _media(phone: Phone) -> Iterator[str]:
    """What came with a message is stored with it, whole, and the same bytes once."""
    sent = {m["wamid"]: m["kind"] for m in phone if m["from_customer"] and m["kind"] != "text"}
    stored = Attachment.objects.filter(message__wamid__in=sent).select_related("file", "message")
    if len(stored) != len(sent):
        yield f"{len(sent)} came with something, and of {len(stored)} it is known"
    for attachment in stored:
        if _bytes_of(attachment) != SAMPLES[sent[attachment.message.wamid or ""]].content:
            yield f"{attachment} is {attachment.status}, and not what was sent: {attachment.error}"
    if MediaFile.objects.count() != len(set(sent.values())):
        yield f"{MediaFile.objects.count()} files are kept of {len(set(sent.values()))}"


def _bytes_of(attachment: Attachment) -> bytes:
    if attachment.file is None:
        return b""
    with attachment.file.open() as file:
        content: bytes = file.read()
    return content
