"""What must be true of every run before its numbers mean anything: nothing lost, nothing done twice.

Knows names and how often they were found; nothing of where.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

SHOWN = 3


def exactly_once(expected: Iterable[str], found: Iterable[str], what: str) -> None:
    """Raises SystemExit with a sentence when something expected was not found, or anything was found twice."""
    counts = Counter(found)
    lost = [name for name in expected if not counts[name]]
    doubled = [name for name, count in counts.items() if count > 1]
    if lost or doubled:
        raise SystemExit(f"{what}: {_some(lost)} lost, {_some(doubled)} doubled. The numbers mean nothing.")


def answered_once(expected: Collection[str], sent: Mapping[str, int], unknown: Collection[str] = ()) -> None:
    """The same of answers that reached Meta. One whose outcome is `unknown` may be missing, never be there twice."""
    reached = [name for name, count in sent.items() for _ in range(count)]
    exactly_once(set(expected) - set(unknown), reached, f"Of {len(expected)} answers")


def taken_at_once(repeats: int, what: str) -> None:
    """Raises SystemExit when a body had to be posted again where nothing was broken on purpose."""
    if repeats:
        raise SystemExit(f"{what}: {repeats} posts were refused or not answered. The numbers mean nothing.")


def _some(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(names[:SHOWN])})" if names else "0"
