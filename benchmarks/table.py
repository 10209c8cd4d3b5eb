"""The table that is printed, in the Markdown of README.md; and what is said while it runs, which is no part of it.

Knows values and targets; nothing of how they are measured.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from benchmarks.sizes import Sizes

HEAD = "| | measured | target | |\n|---|---|---|---|"


class Row(NamedTuple):
    """One thing that was measured. Without a target nothing is said of whether it is good."""

    what: str
    measured: str
    target: str = ""
    is_met: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "ok", False: "**missed**"}[self.is_met]
        return f"| {self.what} | {self.measured} | {self.target} | {verdict} |"


Part = Callable[[Sizes], Iterator[Row]]


@dataclass(frozen=True)
class Table:
    """A block of rows for each part."""

    machine: str

    def begin(self) -> None:
        print(f"{self.machine}\n\n{HEAD}", flush=True)

    def add(self, title: str, rows: Iterable[Row]) -> None:
        print(f"| **{title}** | | | |", flush=True)
        for row in rows:
            print(row, flush=True)


def at_least(what: str, value: float, target: float, unit: str = "") -> Row:
    return Row(what, number(value, unit), f"≥ {number(target, unit)}", value >= target)


def at_most(what: str, value: float, target: float, unit: str = "") -> Row:
    return Row(what, number(value, unit), f"≤ {number(target, unit)}", value <= target)


def number(value: float, unit: str = "") -> str:
    """Three digits that count, and no more."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}".rstrip()


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share does not exceed."""
    in_order = sorted(values)
    return in_order[min(int(share * len(in_order)), len(in_order) - 1)]


def middle(values: Iterable[float]) -> float:
    return median(values)


def say(text: str) -> None:
    """Progress, for whoever waits: not in the table."""
    print(f"  … {text}", file=sys.stderr, flush=True)
