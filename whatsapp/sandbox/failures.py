"""Failures on demand: which calls they wait for, and how often.

Knows nothing of how a failure looks to the caller.
"""

import re
from dataclasses import dataclass

BEFORE_ANYTHING = {"refused", "html_500"}
KINDS = {*BEFORE_ANYTHING, "timeout_after_accept", "slow"}


@dataclass
class Armed:
    """A failure that waits for the next calls that match."""

    kind: int | str
    times: int
    pattern: str
    by_dialog: bool = False

    def __post_init__(self) -> None:
        """A Graph error code, or one of KINDS."""
        if isinstance(self.kind, str) and self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is none of {sorted(KINDS)}")


def next_failure(armed: list[Armed], method_path: str) -> int | str | None:
    """How this call fails, if it does; what has failed often enough is taken off the list."""
    found = next((one for one in armed if re.search(one.pattern, method_path)), None)
    if found is None:
        return None
    found.times -= 1
    armed[:] = [one for one in armed if one.times > 0]
    return found.kind
