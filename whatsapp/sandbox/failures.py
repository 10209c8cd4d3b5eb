"""Failures on demand: which calls they wait for, and how often.

Knows nothing of how a failure looks to the caller.
"""

import re
from dataclasses import dataclass

BEFORE_ANYTHING = {"refused", "html_500"}
# What can be wrong with the next file that is asked for: how it is answered is told in `media`.
MEDIA = {"media_gone", "media_expired", "media_broken", "media_huge", "media_foreign_host"}
KINDS = {*BEFORE_ANYTHING, *MEDIA, "timeout_after_accept", "slow"}


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
        if self.kind in MEDIA:
            self.pattern = self.pattern or "get_media"


def next_failure(armed: list[Armed], method_path: str) -> int | str:
    """How this call fails, if it does; what has failed often enough is taken off the list."""
    found = next((one for one in armed if re.search(one.pattern, method_path)), None)
    if found is None:
        return ""
    found.times -= 1
    armed[:] = [one for one in armed if one.times > 0]
    return found.kind
