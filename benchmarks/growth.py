"""Reading, writing and deleting as the tables grow: the product's own pages and calls, in this process."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from django.test import Client, override_settings

from benchmarks.bodies import Block, wamid
from benchmarks.filling import HUGE, HUGE_EVERY, TENANTS, Archive, id_of, size_of
from benchmarks.sizes import Sizes
from benchmarks.table import Row, middle, number, say
from conversations import context, retention
from conversations.standing import standing_of
from tenants.models import ApiKey, Tenant
from whatsapp.signature import sign

PLAIN_STATIC_FILES = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WEBHOOK = "/v1/webhooks/whatsapp"
STAFF = "/admin/conversations"
SLOWEST = 50.0  # milliseconds
NOTHING_TOO_OLD = 100_000  # days
DEEP_PAGES = 50
PURGES = 2  # thousands of rows that are deleted before all of it is undone


class Look(NamedTuple):
    """Something that is done at every level, each time at another place; `most` is how much longer it may take.

    Who measures only a part of what it does returns that, in seconds.
    """

    what: str
    do: Callable[[int], float | None]
    most: float = 0


class Took(NamedTuple):
    """Milliseconds, and how many of them PostgreSQL was waited for."""

    whole: float
    in_postgres: float


def growth(sizes: Sizes) -> Iterator[Row]:
    """Medians at each level. All of it happens in this process, without gunicorn: Django, DRF, SQL."""
    storages = {**settings.STORAGES, "staticfiles": PLAIN_STATIC_FILES}
    with override_settings(STORAGES=storages, EVENT_LOG_DAYS=NOTHING_TOO_OLD):
        archive, taken, gigabytes = Archive(), dict[str, list[Took]](), []
        for level in sizes.levels:
            archive.grow_to(level)
            gigabytes.append(archive.gigabytes())
            for look in Places(archive).looks():
                say(f"{level:,} messages: {look.what}")
                taken.setdefault(look.what, []).append(_took(look, sizes.looks if look.most else sizes.looks // 4))
        yield Row("messages", " → ".join(f"{level:,}" for level in sizes.levels))
        yield Row("the database, GB", _growing(gigabytes))
        for look in Places(archive).looks():
            yield _row(look, taken[look.what])


def _took(look: Look, looks: int) -> Took:
    """Medians. The first look warms up."""
    times = [_one(look, place) for place in range(looks + 1)][1:]
    return Took(middle(time.whole for time in times), middle(time.in_postgres for time in times))


def _one(look: Look, place: int) -> Took:
    waited = 0.0

    def wait(execute: Callable[..., object], *args: object) -> object:
        nonlocal waited
        asked = time.perf_counter()
        try:
            return execute(*args)
        finally:
            waited += time.perf_counter() - asked

    started = time.perf_counter()
    with database.execute_wrapper(wait):
        own = look.do(place)
    whole = time.perf_counter() - started if own is None else own
    return Took(whole * 1000, waited * 1000)


def _row(look: Look, times: Sequence[Took]) -> Row:
    whole, in_postgres = zip(*times, strict=True)
    if not look.most:
        return Row(look.what, f"{_growing(whole)} ms")
    told = f"{_growing(whole)} ms, SQL {_growing(in_postgres)}"
    fast = f"≤ {number(SLOWEST)} ms"
    if len(times) == 1:
        return Row(look.what, told, fast, max(whole) <= SLOWEST)
    longer = whole[-1] / whole[0]
    is_met = longer <= look.most and max(whole) <= SLOWEST
    return Row(look.what, f"{told} ({number(longer)} ×)", f"≤ {number(look.most)} ×, {fast}", is_met)


def _growing(values: Sequence[float]) -> str:
    return " → ".join(map(number, values))


class Places:
    """Where to look in an archive of this size: conversations of every age, and huge ones."""

    def __init__(self, archive: Archive) -> None:
        self._tenant = archive.connections[0].tenant
        self._staff = Client()
        self._staff.force_login(User.objects.get_or_create(username="staff", is_staff=True, is_superuser=True)[0])
        key = ApiKey(tenant=self._tenant, name="benchmark")
        self._api = Client(headers={"Authorization": f"Bearer {key.make_secret()}"})
        key.save()
        mine = range(0, archive.talks, TENANTS)
        # An odd number of messages: the last one is the customer's, and waits for an answer.
        self._owed = [talk for talk in mine if talk % HUGE_EVERY != HUGE and size_of(talk) % 2]
        self._said = archive.messages * 100  # more at each level, that no message is said twice

    def looks(self) -> list[Look]:
        deep = self._deep_page()
        return [
            Look("API: list of conversations (10)", lambda n: self._read("/v1/conversations?limit=10"), 2),
            Look("API: history, the newest page (20)", lambda n: self._read(self._history(n)), 2),
            Look("API: history of a huge conversation, a page 1,000 messages back", lambda n: self._read(deep), 2),
            Look("context of a turn: what is unheard, and the last messages", self._context, 2),
            Look("webhook with a new message", lambda n: self._post(n, 0), 2),
            Look("webhook with a message that is known (dedupe)", lambda n: self._post(n, 1), 2),
            Look("staff: messages", lambda n: self._page(f"{STAFF}/message/"), 3),
            Look(
                "staff: messages of one tenant", lambda n: self._page(f"{STAFF}/message/?tenant={self._tenant.pk}"), 3
            ),
            Look(
                "staff: messages that failed or are unknown",
                lambda n: self._page(f"{STAFF}/message/?status=troubled"),
                3,
            ),
            Look("staff: conversations", lambda n: self._page(f"{STAFF}/conversation/"), 3),
            Look(
                "staff: conversations, searched by phone", lambda n: self._page(f"{STAFF}/conversation/?q=34{n:09d}"), 3
            ),
            Look("staff: events", lambda n: self._page(f"{STAFF}/webhookevent/"), 3),
            Look(
                "staff: a conversation's page", lambda n: self._page(f"{STAFF}/conversation/{self._talk(n)}/change/"), 3
            ),
            Look("staff: the first page", lambda n: self._page("/admin/"), 3),
            Look("purge of a thousand messages", lambda n: self._purge(of_messages=True)),
            Look("purge of a thousand events", lambda n: self._purge(of_messages=False)),
        ]

    def _talk(self, place: int) -> str:
        """Conversations from the oldest to the newest, in steps that reach the end."""
        return str(id_of(self._owed[place * 7919 % len(self._owed)]))

    def _history(self, place: int) -> str:
        return f"/v1/conversations/{self._talk(place)}/messages?limit=20"

    def _deep_page(self) -> str:
        """Where one gets from page to page."""
        path = f"/v1/conversations/{id_of(HUGE)}/messages?limit=20"
        page = self._api.get(path).json()
        for _page in range(DEEP_PAGES):
            deep = f"{path}&cursor={page['next_cursor']}"
            page = self._api.get(deep).json()
        return deep

    def _read(self, path: str) -> None:
        _expect(self._api.get(path).status_code, path)

    def _page(self, path: str) -> None:
        _expect(self._staff.get(path).status_code, path)

    def _context(self, place: int) -> None:
        standing = standing_of(self._talk(place))
        assert standing is not None  # noqa: S101
        conversation, _drafts, unheard = standing
        context.said(conversation, context.earlier(conversation, unheard).now(), unheard)

    def _post(self, place: int, later: int) -> None:
        """A customer whom we know says something; a second later, Meta says it again in other bytes."""
        talk = self._owed[place % len(self._owed)]
        [body] = Block("message", talk, 1).bodies(int(time.time()) - 60 + later)
        said = wamid("message", self._said + place)
        body = body.replace(wamid("message", talk).encode(), said.encode())
        headers = {"X-Hub-Signature-256": sign(body, settings.META_APP_SECRET)}
        answer = self._api.post(WEBHOOK, body, content_type="application/json", headers=headers)
        _expect(answer.status_code, WEBHOOK)

    def _purge(self, *, of_messages: bool) -> float:
        """The mean of some steps of the purge, which are undone. Their foreign keys are looked at as at a commit."""
        times: list[float] = []
        days = {"EVENT_LOG_DAYS": NOTHING_TOO_OLD if of_messages else 1}
        with override_settings(**days), transaction.atomic(), database.cursor() as cursor:
            Tenant.objects.filter(pk=self._tenant.pk).update(retention_days=1 if of_messages else None)
            started = time.perf_counter()

            def is_over() -> bool:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
                times.append(time.perf_counter() - started)
                return len(times) == PURGES

            retention.purge_until(is_over)
            transaction.set_rollback(True)
        return times[-1] / len(times)


def _expect(status: int, path: str) -> None:
    if status != 200:
        raise SystemExit(f"growth: {path} answers {status}.")
