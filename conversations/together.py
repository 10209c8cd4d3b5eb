"""Requests of one process that come while others are under way are done together: the next transaction is theirs.

Knows threads and bodies; nothing of what is done with them. The fast door has its own, without threads.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from conversations.accepting import MOST_BYTES

# Whoever waits longer than this finds that those before are held up, by a row that somebody keeps: then others go on.
PATIENCE_SECONDS = 0.1
MOST_LEADERS = 4
# For one that must be taken apart costs its neighbours time.
MOST_BODIES = 100

Do = Callable[[Sequence[bytes]], Sequence[Exception | None]]


@dataclass
class _Caller:
    """A thread with its body. It is woken when the body is done, or to do a batch, its own body first."""

    body: bytes
    batch: "list[_Caller]" = field(default_factory=list)
    error: BaseException | None = None
    woken: Event = field(default_factory=Event)


class Together:
    """Does a body that comes alone at once. What comes meanwhile waits, and then whoever came first does it all."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._lock = Lock()
        self._leaders = 0
        self._waiting: deque[_Caller] = deque()

    def do(self, body: bytes) -> None:
        """This body is done when this returns. Raises what went wrong with it."""
        caller = _Caller(body)
        with self._lock:
            self._waiting.append(caller)
            self._appoint(1)
        while not caller.woken.wait(PATIENCE_SECONDS):
            with self._lock:
                self._appoint(MOST_LEADERS)
        if caller.batch:
            self._lead(caller.batch)
        if caller.error:
            raise caller.error

    def _lead(self, batch: Sequence[_Caller]) -> None:
        """Whatever happens, all are told, and there is somebody for those that wait."""
        errors: Sequence[BaseException | None] = ()
        try:
            errors = self._do([caller.body for caller in batch])
        except BaseException as gone:
            errors = [gone] * len(batch)
            raise
        finally:
            with self._lock:
                self._leaders -= 1
                self._appoint(1)
            for caller, error in zip(batch, errors, strict=True):
                caller.error = error
                caller.woken.set()

    def _appoint(self, most: int) -> None:
        """Whoever waits longest does what waits, unless so many are at it already."""
        if self._waiting and self._leaders < most:
            self._leaders += 1
            batch = self._next()
            batch[0].batch = batch
            batch[0].woken.set()

    def _next(self) -> list[_Caller]:
        batch = [self._waiting.popleft()]
        room = MOST_BYTES - len(batch[0].body)
        while self._waiting and len(batch) < MOST_BODIES and (room := room - len(self._waiting[0].body)) >= 0:
            batch.append(self._waiting.popleft())
        return batch
