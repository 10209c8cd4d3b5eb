"""How long to wait before Meta is asked the same again, and when it was often enough.

Knows codes and numbers of tries; nothing of who waits or of what is asked.
"""

import random

from whatsapp.client import wire
from whatsapp.errors import GraphError
from whatsapp.refusals import REFUSALS, Refusal, Throttle

FEW_TRIES = 5
FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 600


def pause_after(error: GraphError, tries: int) -> float | None:
    """The seconds until the next try, after so many; None when nothing speaks for any number.

    For one customer 4^X, as Meta asks: https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
    """
    match throttle_of(error):
        case Throttle.PAIR:
            return float(min(4 ** min(tries, 10), wire.LONGEST_WAIT_SECONDS))
        case Throttle.NUMBER:
            return error.retry_after or _growing(tries)
        case _:
            return error.retry_after


def throttle_of(error: GraphError) -> Throttle | None:
    """Who is to be slower, if anybody."""
    refusal = _refusal(error)
    return refusal.throttle if refusal else None


def is_enough(error: GraphError, tries: int) -> bool:
    """Whether asking once more is of no use: it may be the request itself."""
    refusal = _refusal(error)
    return refusal is not None and refusal.few and tries >= FEW_TRIES


def spread(seconds: float) -> float:
    """A little more than that, each time another: so that not everybody who waits knocks at once."""
    return seconds + random.uniform(0, max(1, seconds / 4))  # noqa: S311 (no secret)


def _growing(tries: int) -> float:
    longest: int = min(FIRST_PAUSE_SECONDS * 2 ** min(tries, 10), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (no secret)


def _refusal(error: GraphError) -> Refusal | None:
    """None also without a code: 0 is one of Meta's, and it is not tried again."""
    return REFUSALS.get(error.code) if error.code else None
