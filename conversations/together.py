"""Requests of one process that come while others are under way are done together: the next transaction is theirs.

Knows threads and bodies; nothing of what is done with them. The fast door has its own, without threads.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from conversations.accepting import MOST_BYTES

# Two, so that one that waits for a row does not keep everybody.
AT_ONCE = 2
# For one that is taken apart costs its neighbours time.
MOST_BODIES = 100

Do = Callable[[Sequence[bytes]], Sequence[Exception | None]]


@dataclass
class _Caller:
    """A thread with its body. It is woken when the body is done, or when it is its turn to do those that wait."""

    body: bytes
    leads: bool = False
    error: BaseException | None = None
    woken: Event = field(default_factory=Event)


class Together:
    """Does at once what comes alone. What comes while `AT_ONCE` threads are at it waits, and one of it does it all."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._lock = Lock()
        self._free = AT_ONCE
        self._waiting: deque[_Caller] = deque()

    def do(self, body: bytes) -> None:
        """This body is done when this returns. Raises what went wrong with it."""
        caller = _Caller(body)
        with self._lock:
            self._waiting.append(caller)
            if self._free:
                self._free -= 1
                caller.leads = True
        if not caller.leads:
            caller.woken.wait()
        if caller.leads:
            self._lead()
        if caller.error:
            raise caller.error

    def _lead(self) -> None:
        """The caller's own body, which is the first that waits, and those behind it. Whatever happens, all are told."""
        batch = self._next()
        errors: Sequence[BaseException | None] = ()
        try:
            errors = self._do([caller.body for caller in batch])
        except BaseException as gone:
            errors = [gone] * len(batch)
            raise
        finally:
            self._give_way()
            for caller, error in zip(batch, errors, strict=True):
                caller.error = error
                caller.woken.set()

    def _next(self) -> list[_Caller]:
        with self._lock:
            batch = [self._waiting.popleft()]
            room = MOST_BYTES - len(batch[0].body)
            while self._waiting and len(batch) < MOST_BODIES and (room := room - len(self._waiting[0].body)) >= 0:
                batch.append(self._waiting.popleft())
            return batch

    def _give_way(self) -> None:
        """Whoever waits longest now does what waits."""
        with self._lock:
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
            else:
                self._free += 1
