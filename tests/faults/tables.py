"""Many cases: every step that a role takes × every fault, tried one after another and told as a table.

Knows that steps are found by a run in which nothing happens; nothing of what a case is.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.faults.cases import QUIET, Case, Scene, try_out
from tests.faults.steps import CALLS, FILE, WHOLE, Fault
from tests.faults.world import World

Step = tuple[str, int]


def steps_of(world: World, role: str, directory: Path, scene: Scene = QUIET) -> list[Step]:
    """Every step that this role takes when nothing happens to it: each word, and the how-manieth of it."""
    found: list[Step] = []
    for _time in range(2):  # what is done by the way comes in any order
        written = directory / f"{world.number}.steps"
        case = try_out(world, role, None, scene, written)
        assert not case.wrongs, case
        counts: Counter[str] = Counter()
        for word in written.read_text().splitlines():
            counts[word] += 1
            if (word, counts[word]) not in found:
                found.append((word, counts[word]))
    print(len(found), "steps:", found, flush=True)  # noqa: T201
    return found


def at(steps: Iterable[Step], *kinds: str) -> list[Fault]:
    """These faults at all of these steps. Only what the database does can be lost."""
    outside = (*CALLS, FILE, WHOLE)
    every = [Fault(kind, *step) for kind in kinds for step in steps]
    return [fault for fault in every if fault.kind != "lose" or not fault.word.endswith(outside)]


def try_all(world: World, role: str, every: Iterable[Fault | None], path: Path, scene: Scene = QUIET) -> list[Case]:
    """One case for each fault, all of which held."""
    cases: list[Case] = []
    for fault in every:
        case = try_out(world, role, fault, scene)
        if fault and not case.struck and not case.wrongs:  # what comes by the way does not come every time
            case = try_out(world, role, fault, scene)
        cases.append(case)
        print(case, flush=True)  # noqa: T201  the table is what this is for
    report(cases, path / f"{role}.txt", print)
    assert not [case for case in cases if case.wrongs]
    return cases


def report(cases: list[Case], path: Path, say: Callable[[str], None]) -> None:
    """The table, in the order it was tried, and in a few lines."""
    lines = [str(case) for case in cases]
    summary: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for case in cases:
        counts = summary[f"{case.role}{case.scene}", case.fault.kind if case.fault else ""]
        counts["cases"] += 1
        counts[case.state] += 1
        counts.update(case.outcomes)
    for (role, kind), counts in summary.items():
        lines.append(f"{role:<30} {kind:<22} " + "  ".join(f"{word} {count}" for word, count in counts.items()))
    path.write_text("\n".join(lines) + "\n")
    for line in lines:
        say(line)
