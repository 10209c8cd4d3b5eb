"""Meta's bodies with something odd in them: the payload files, changed in ways that nobody thought of.

Knows nothing of who is shown them.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.conftest import PAYLOADS

Path = tuple[Any, ...]
TEMPLATES = {path.stem: json.loads(path.read_text()) for path in sorted(PAYLOADS.glob("*.json"))}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["101700000000001", "34910555010", "\0", "\ud83d", "1e999", "9" * 300, "DE.1", "US.ENT.1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("\0"), inner, max_size=3),
    max_leaves=5,
)
MUTATIONS = {
    "replace": lambda place, key, odd: place.__setitem__(key, odd),
    "delete": lambda place, key, _odd: place.__delitem__(key),
    "duplicate": lambda place, key, _odd: (
        place.append(deepcopy(place[key])) if isinstance(place, list) else place.__setitem__("copy", place[key])
    ),
    "wrap": lambda place, key, _odd: place.__setitem__(key, [place[key]]),
    "name": lambda place, key, _odd: place.__setitem__(key, {"id": place[key], "type": place[key]}),
    "spell": lambda place, key, _odd: place.__setitem__(key, str(place[key])),
    "empty": lambda place, key, _odd: place.__setitem__(key, type(place[key])()),
}


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value inside this one."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def mutated(payload: Any, data: st.DataObject) -> Any:
    """The payload with something else in one place."""
    found = sorted(places(payload), key=str)
    if found:
        *path, last = data.draw(st.sampled_from(found))
        place = payload
        for key in path:
            place = place[key]
        MUTATIONS[data.draw(st.sampled_from(sorted(MUTATIONS)))](place, last, data.draw(ODD))
    return payload
