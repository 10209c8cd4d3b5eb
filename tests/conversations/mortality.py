"""A process that dies at any step, within the process of the tests: nothing that it does later is done.

Knows steps and lives; nothing of what is lived for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import psycopg
import requests

from tests.faults.steps import Watch, watch_calls, watch_queue, watch_sql, watched


class Death(psycopg.OperationalError):
    """The process is dead: whoever catches this can neither write nor call any more, and what was begun is undone."""


class Mortal(Watch):
    """Dies at the step that it is told, and stays dead until it is born again."""

    def __init__(self) -> None:
        self.somebody = True
        self.born(0)

    def born(self, steps: int) -> None:
        """Lives for so many steps; 0 stands for ever."""
        self.left, self.is_dead = steps, False

    def before(self, word: str) -> bool:
        self.is_dead = self.is_dead or self.left == 1
        if self.is_dead:
            raise Death(word)
        self.left -= 1
        return False


@contextmanager
def mortality() -> Iterator[Mortal]:
    """All of this process, which takes steps as a worker and as a web process does."""
    patched = [
        (psycopg.Cursor, "execute"),
        (psycopg.Connection, "commit"),
        (psycopg.AsyncCursor, "execute"),
        (psycopg.AsyncConnection, "commit"),
        (requests.Session, "send"),
        (aiohttp.ClientSession, "_request"),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name in patched]
    mortal = Mortal()
    watch_sql(mortal)
    watch_queue(mortal)
    watch_calls(mortal)
    yield mortal
    for owner, name, former in before:
        setattr(owner, name, former)


class Life:
    """Of a process: every step is counted, and whatever is said of its death is not heard."""

    is_over = False

    def __init__(self, mortal: Mortal, steps: int) -> None:
        self.mortal, self.steps = mortal, steps

    def __enter__(self) -> "Life":
        self.mortal.born(self.steps)
        self.token = watched.set(True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        watched.reset(self.token)
        self.is_over = self.mortal.is_dead or _is_of_death(error)  # another life may have begun within this one
        self.mortal.born(0)
        return self.is_over


def _is_of_death(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, Death):
        error = error.__cause__ or error.__context__
    return error is not None
