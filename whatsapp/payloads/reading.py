"""Lenient reading of JSON: whatever stands there, out comes what was asked for, or its empty value.

Knows nothing of Meta. What comes out can be stored in PostgreSQL as it is.
"""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

JSON = dict[str, Any]

DEEPEST = 60  # levels; Meta needs a dozen, and PostgreSQL and Python both have an end
LONGEST_INTEGER = 30  # digits; Python refuses to write the longest
REST_OF_SECOND = timedelta(microseconds=999_999)
END_OF_TIME = 4_102_444_800  # 2100: beyond it no clock is to be believed
# So JSON spells NUL and half a surrogate pair, and each half of an emoji.
PERHAPS_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
NO_DIGITS = re.compile("[^0-9]+")
NESTS = (dict, list)


class Unreadable(Exception):
    """What keeps an item from being used, in words."""


def load(source: str) -> Any:
    """The JSON in this text, storable. Raises ValueError when there is none.

    PostgreSQL refuses NUL, half a surrogate pair, NaN and infinity, which Python reads without a word.
    """
    try:
        loaded = DECODER.decode(source)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return loaded if _is_storable(source, loaded) else _storable(loaded)


def _integer(spelled: str) -> int | str:
    return int(spelled) if len(spelled) <= LONGEST_INTEGER else spelled


def _finite(spelled: str) -> float | None:
    value = float(spelled)
    return value if math.isfinite(value) else None


DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_finite, parse_constant=lambda _name: None)


def _is_storable(source: str, loaded: Any) -> bool:
    """Whether all of it is, for sure; asked about every body, so what most of them have is told at a glance."""
    if not source.isascii() or PERHAPS_UNSTORABLE.search(source):
        return False
    return source.count("{") + source.count("[") <= DEEPEST or _is_shallow(loaded)


def _is_shallow(loaded: Any) -> bool:
    nests: list[Any] = [[loaded]]
    for _level in range(DEEPEST + 1):
        insides = (nest.values() if isinstance(nest, dict) else nest for nest in nests)
        nests = [each for inside in insides for each in inside if isinstance(each, NESTS)]
        if not nests:
            return True
    return False


def _storable(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if depth >= DEEPEST and isinstance(value, dict | list):
        return "…"  # the event's body has the rest
    if isinstance(value, dict):
        return {_storable_text(key): _storable(each, depth + 1) for key, each in value.items()}
    return [_storable(each, depth + 1) for each in value] if isinstance(value, list) else value


def _storable_text(value: str) -> str:
    value = value.replace("\0", "")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def mapping(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[JSON]:
    """The objects of a list; one without its list is a list of one."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, dict)]


def text(value: Any) -> str:
    """Text; ids may come as numbers."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def identifier(value: Any, longest: int) -> str:
    """An id that fits its column. A longer one is as good as none: cut, it might be another's."""
    spelled = text(value)
    return spelled if len(spelled) <= longest else ""


def digits(value: Any) -> str:
    """A phone number as webhooks spell it."""
    return NO_DIGITS.sub("", text(value))


def number(value: Any) -> int | float | None:
    """A number, or the number in a text."""
    if isinstance(value, str):
        return _number_in(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number_in(spelled: str) -> int | float | None:
    try:
        return int(spelled) if len(spelled) <= LONGEST_INTEGER else _finite(spelled)
    except ValueError:
        return _fraction_in(spelled)


def _fraction_in(spelled: str) -> float | None:
    try:
        return _finite(spelled)
    except ValueError:
        return None


def decimal(value: Any) -> float | None:
    found = number(value)
    return None if found is None else float(found)


def moment(value: Any) -> datetime | None:
    """Unix seconds, as text or as a number."""
    seconds = number(value)
    if seconds is None or not 0 <= seconds < END_OF_TIME:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def end_of_second(at: datetime) -> datetime:
    """Meta's time, which is cut to the second, at its latest: the end of that second, but never later than now."""
    return min(at + REST_OF_SECOND, datetime.now(UTC))
