"""Keeps a handful of processes running beside each other: output prefixed, the dead restarted, all stopped in order.

Knows nothing of what they do, nor of the database beneath them.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from config.local import ROOT, CannotGoOn

GRACE_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
DEATHS_ALLOWED = 5
DEATHS_WITHIN_SECONDS = 30.0
COLOURS = (36, 35, 33, 32)  # cyan, magenta, yellow, green
PR_SET_PDEATHSIG = 1

Lifeline = Callable[[], None]


def dies_with_us(signal_number: int) -> Lifeline | None:
    """For Popen's preexec_fn: Linux sends the child this signal when we die, however we die. Elsewhere nothing does."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it died before the line was tied
            os._exit(1)

    return tie


class Child:
    """One process, in a session of its own so that Ctrl-C reaches only us, and its unfinished line of output."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.restart_at: float | None = None
        self._command = command
        self._environment = environment
        self._deaths: deque[float] = deque(maxlen=DEATHS_ALLOWED)
        self._line = b""
        self.process = self._start()

    def restart(self) -> None:
        self.close()
        self.restart_at = None
        self.process = self._start()

    def lines(self) -> list[str]:
        """What it has said since the last time, in whole lines."""
        with contextlib.suppress(BlockingIOError):  # nothing more for now
            while chunk := os.read(self._reader, 65536):
                self._line += chunk
        *whole, self._line = self._line.split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def last_lines(self) -> list[str]:
        """What a process that has ended leaves to say, whole lines or not."""
        lines = self.lines()
        rest, self._line = self._line.decode(errors="replace"), b""
        return [*lines, rest] if rest else lines

    def died(self) -> float:
        """Notes a death and returns the pause before the next start, longer each time."""
        self.kill()
        now = time.monotonic()
        self._deaths.append(now)
        recent = sum(now - death < DEATHS_WITHIN_SECONDS for death in self._deaths)
        if recent == DEATHS_ALLOWED:
            raise CannotGoOn(
                f"{self.name} ended {recent} times within {DEATHS_WITHIN_SECONDS:.0f} s, so everything stops. "
                "Its last lines above say why."
            )
        pause = FIRST_PAUSE_SECONDS * 2.0 ** (recent - 1)
        self.restart_at = now + pause
        return pause

    def kill(self) -> None:
        """Whatever is left of its session: a server's orphaned workers would keep the port."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        os.close(self._reader)

    def _start(self) -> subprocess.Popen[bytes]:
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        try:
            return subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
                preexec_fn=dies_with_us(signal.SIGTERM),
            )
        finally:
            os.close(writer)


class Supervisor:
    """Starts children and keeps them running until it stops them, in the order of `stop_order`, their names."""

    def __init__(self, stop_order: Sequence[str]) -> None:
        self._stop_order = stop_order
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._children.append(Child(name, command, environment))

    def tend(self, seconds: float = 0.1) -> None:
        """Passes on what was said for so long, and sees to the dead."""
        until = time.monotonic() + seconds
        while True:
            for child in self._children:
                self._say_all(child, child.lines())
                self._see_to(child)
            if time.monotonic() >= until:
                return
            time.sleep(0.1)

    def stop(self) -> None:
        """All of them, even when one cannot be stopped, or its last words cannot be shown."""
        in_order = sorted(self._children, key=lambda child: self._stop_order.index(child.name))
        with contextlib.ExitStack() as stack:
            for child in reversed(in_order):
                stack.callback(self._stop, child)

    def _see_to(self, child: Child) -> None:
        if child.restart_at is not None:
            if time.monotonic() >= child.restart_at:
                child.restart()
            return
        code = child.process.poll()
        if code is None:
            return
        self._say_all(child, child.last_lines())
        self._say(child, f"ended with code {code}.")
        self._say(child, f"Starting again in {child.died():.1f} s.")

    def _stop(self, child: Child) -> None:
        try:
            child.process.terminate()
            until = time.monotonic() + GRACE_SECONDS
            while child.process.poll() is None and time.monotonic() < until:
                for other in self._children:
                    self._say_all(other, other.lines())
                time.sleep(0.02)
            if child.process.poll() is None:
                self._say(child, f"did not stop within {GRACE_SECONDS:.0f} s and is killed.")
        finally:
            child.kill()
            child.process.wait()
            self._say_all(child, child.last_lines())
            child.close()
            self._children.remove(child)

    def _say_all(self, child: Child, lines: Sequence[str]) -> None:
        for line in lines:
            self._say(child, line)

    def _say(self, child: Child, line: str) -> None:
        prefix = f"{child.name:<8}|"
        if sys.stdout.isatty():
            prefix = f"\033[{COLOURS[self._stop_order.index(child.name) % len(COLOURS)]}m{prefix}\033[0m"
        print(prefix, line, flush=True)
