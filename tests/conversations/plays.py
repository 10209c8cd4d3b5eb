"""One interleaving: what each of the players can do, and what must be true after it.

Knows customers, people of the business, Meta and the clock; nothing of the order in which they act.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import connection as database
from django.utils import timezone

from conversations.models import Conversation, Message, WebhookEvent, WhatsappUser
from tenants.queue import queue
from tests.conftest import jobs
from tests.conversations.mortality import Life
from whatsapp.sandbox.meta import DEMO

CUSTOMERS = ("34600000101", "34600000102")
RANKS = {"drafted": 0, "sending": 0, "unknown": 1, "sent": 2, "delivered": 3, "read": 4, "played": 5}
SWEEPS = ("retry_jobs_of_dead_workers", "sweep")
number = count()


class Play:
    """One interleaving: what each of the players can do, and what is seen of it."""

    def __init__(self, **fixtures: Any) -> None:
        self.meta, self.model, self.mortal = fixtures["meta"], fixtures["model"], fixtures["mortal"]
        self._deliver, self._run_jobs = fixtures["deliver"], fixtures["run_jobs"]
        self.bodies: list[bytes] = []
        self.held: list[bytes] = []
        self.said: list[str] = []
        self.statuses: dict[Any, str] = {}
        self.wrongs: list[str] = []
        self.first = len(self.meta.sent)
        self.meta.when_accepted[:] = [self.is_allowed]
        self.model.observe = None
        self.forget_failures()
        for model in (WebhookEvent, WhatsappUser):
            model.objects.all().delete()
        with database.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")

    def forget_failures(self) -> None:
        self.meta.armed.clear()
        self.model._failures.clear()

    @property
    def sent(self) -> list[Any]:
        """What the customers' phones show of ours."""
        return [message for message in self.meta.sent[self.first :] if not message.is_echo]

    def is_allowed(self, wamid: str) -> None:
        """Meta takes a message: nobody of the business may be speaking."""
        draft = Message.objects.select_related("conversation").get(pk=self.meta.memory.messages[wamid].opaque)
        if draft.status != "sending":
            self.wrongs.append(f"{draft.pk} is sent while it is {draft.status}")

    # ── What the players do ──────────────────────────────────────────────────────────────────────────────────────────

    def arrives(self, body: bytes, dies: int = 0) -> None:
        """A body is posted; when the web process dies of it, Meta posts it again later."""
        with Life(self.mortal, dies) as life:
            assert self._deliver(body) == 200
        if life.is_over:
            self.held.append(body)

    def writes(self, customer: int, ago: int, hold: bool, dies: int) -> None:
        text = f"<{next(number)}>"
        self.said.append(text)
        at = timezone.now().timestamp() - ago
        body = self.meta.customer_sends(DEMO.phone_number_id, CUSTOMERS[customer], "Lucía", "text", text=text, at=at)
        self.bodies.append(body)
        if hold:
            self.held.append(body)
        else:
            self.arrives(body, dies)

    def releases(self, newest: bool, together: bool) -> None:
        held, self.held = self.held[::-1] if newest else self.held, []
        if together and held:
            held = [self.meta.combine(*held)]
        for body in held:
            self.arrives(body)

    def repeats(self, which: int, in_another_body: bool) -> None:
        if self.bodies:
            body = self.bodies[which % len(self.bodies)]
            self.arrives(body + b" " * next(number) if in_another_body else body)

    def status(self, which: int, word: str) -> None:
        if sent := self.sent:
            wamid = sent[which % len(sent)].wamid
            failed = word == "failed"
            self.arrives(self.meta.failed_update(wamid, 131026) if failed else self.meta.status_update(wamid, word))

    def echo(self, customer: int) -> None:
        self.arrives(self.meta.business_app_writes(DEMO.phone_number_id, CUSTOMERS[customer], "I do it"))

    def pauses_end(self) -> None:
        past = timezone.now() - timedelta(minutes=1)
        Conversation.objects.filter(agent_paused_until__isnull=False).update(agent_paused_until=past)

    def works(self, dies: int, meta: str, model: str, meanwhile: int) -> None:
        """A worker does what is in the queue; perhaps Meta or the model fail, somebody speaks meanwhile, or it dies."""
        if meta:
            self.meta.fail_next(int(meta) if meta.isdigit() else meta, method_path_regex="send_text")
        if model:
            self.model.fail_next(int(model) if model.isdigit() else model)
        self.model.observe = self._meanwhile(meanwhile) if meanwhile else None
        with Life(self.mortal, dies):
            self._run_jobs()
        self.model.observe = None
        self.forget_failures()

    def _meanwhile(self, what: int) -> Any:
        left = [what]

        def observe(*facts: object) -> None:
            if left:
                deed = left.pop()
                self.echo(0) if deed == 1 else self.writes(deed % 2, 0, hold=False, dies=0)
                database.close()  # this is the model's thread

        return observe

    def time_passes(self) -> None:
        """A minute later, the clock strikes: what was left lying is taken up."""
        with database.cursor() as cursor:
            for table, column in (
                ("conversations_message", "status_at"),
                ("conversations_webhookevent", "received_at"),
                ("conversations_conversation", "answer_due_at"),
                ("procrastinate_workers", "last_heartbeat"),
                ("procrastinate_jobs", "scheduled_at"),
                ("whatsapp_whatsappconnection", "throttled_until"),
            ):
                cursor.execute(f"UPDATE {table} SET {column} = {column} - interval '11 minutes'")  # noqa: S608
        for task in SWEEPS:
            queue().configure_task(task).defer(timestamp=0)

    # ── What must be true ────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """No message of ours ever goes back."""
        for pk, status in Message.objects.filter(direction="outbound").values_list("pk", "status"):
            before = self.statuses.get(pk, status)
            if before == "failed" != status or RANKS.get(status, 9) < RANKS.get(before, 0):
                self.wrongs.append(f"{pk} was {before} and is {status}")
            self.statuses[pk] = status

    def settles(self) -> None:
        self.forget_failures()
        self.releases(newest=False, together=False)
        self.pauses_end()
        for _round in range(6):
            self.time_passes()
            self.works(0, "", "", 0)
            self.look()
            if not self.is_left():
                break

    def is_left(self) -> bool:
        """Whether there is something to do yet."""
        due = Conversation.objects.filter(answer_due_at__isnull=False)
        unsent = Message.objects.filter(status__in=["drafted", "sending"])
        return due.exists() or unsent.exists() or WebhookEvent.objects.filter(processed_at=None).exists() or jobs() > 0

    def judge(self) -> list[str]:
        replies = Message.objects.filter(direction="outbound", author="agent")
        posted = Counter(message.opaque for message in self.sent)
        stored = Counter(Message.objects.filter(direction="inbound").values_list("text", flat=True))
        heard = [list(_heard(conversation)) for conversation in Conversation.objects.all()]
        wrongs = [f"{text} is stored {stored[text]} times" for text in self.said if stored[text] != 1]
        wrongs += [f"{draft} was posted {times} times" for draft, times in posted.items() if times > 1]
        wrongs += [f"{row.pk} is {row.status}" for row in replies if row.status in ("drafted", "sending")]
        wrongs += [f"no reason: {row.pk}" for row in replies if row.status in ("failed", "unknown") and not row.error]
        wrongs += [f"heard in the order {order}" for order in heard if order != sorted(set(order))]
        wrongs += [f"{row} is unheard" for row in Conversation.objects.all() if row.unheard().exists()]
        wrongs += [f"{row} is due" for row in Conversation.objects.filter(answer_due_at__isnull=False)]
        wrongs += [f"not on the phone: {row.pk}" for row in replies if row.wamid and str(row.pk) not in posted]
        wrongs += WebhookEvent.objects.exclude(error="").values_list("error", flat=True)
        return [*self.wrongs, *wrongs, *self._said_twice()]

    def _said_twice(self) -> Iterator[str]:
        """What a customer said is answered once: no two replies that reached the phone quote it."""
        failed = {str(pk) for pk in Message.objects.filter(status="failed").values_list("pk", flat=True)}
        arrived = [message.body for message in self.sent if message.opaque not in failed]
        quoted = Counter(text for body in arrived for text in re.findall(r"<\d+>", body))
        yield from (f"{text} is answered {times} times" for text, times in quoted.items() if times > 1)


def _heard(conversation: Conversation) -> Iterator[int]:
    replies = conversation.messages.filter(in_reply_to__isnull=False).order_by("sequence")
    yield from replies.values_list("in_reply_to__sequence", flat=True)
