"""Customers, statuses, people of the business, crashes and the sweep in any order: what was promised holds after all.

Forty interleavings with `./run test -m faults tests/conversations/test_interleavings.py`; two thousand, ever new ones,
with `--hypothesis-profile=thorough` besides.
"""

import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conversations.mortality import Mortal, mortality
from tests.conversations.plays import Play

# By hand, like the other suites that do harm: what it finds still depends on who is faster.
pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

EXAMPLES = 40 if settings().max_examples == settings.get_profile("default").max_examples else settings().max_examples

customers, indexes, dies = st.integers(0, 1), st.integers(0, 9), st.one_of(st.just(0), st.integers(1, 40))
WRITING = st.tuples(st.just("writes"), customers, st.integers(0, 3), st.sampled_from([False, False, True]), dies)
HAPPENINGS = st.one_of(
    WRITING,
    st.tuples(st.just("releases"), st.booleans(), st.booleans()),
    st.tuples(st.just("repeats"), indexes, st.booleans()),
    st.tuples(st.just("status"), indexes, st.sampled_from(["sent", "delivered", "read", "failed"])),
    st.tuples(st.just("echo"), customers),
    st.tuples(st.just("pauses_end")),
    st.tuples(st.just("time_passes")),
)
WORKING = st.tuples(
    st.just("works"),
    dies,
    st.sampled_from(["", "refused", "timeout_after_accept", "html_500", "4", "131026"]),
    st.sampled_from(["", "", "", "529", "bad_json", "refusal"]),
    st.integers(0, 3),
)
# Somebody writes, something happens, and a worker runs.
SCENES = st.lists(st.tuples(WRITING, st.lists(HAPPENINGS, max_size=3), WORKING), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    """All of this process, in all of its plays."""
    with mortality() as mortal:
        yield mortal


@pytest.fixture
def curtain(connection, meta, model, mortal, deliver, run_jobs) -> Callable[[], Play]:
    """A play begins, and nothing is left of the one before."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it would tell of every death at length
    return lambda: Play(meta=meta, model=model, mortal=mortal, deliver=deliver, run_jobs=run_jobs)


@given(scenes=SCENES)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_interleaving_ends_well(curtain, scenes):
    play = curtain()
    for writing, happenings, working in scenes:
        for name, *arguments in (writing, *happenings, working):
            getattr(play, name)(*arguments)
            play.look()
    play.settles()
    assert play.judge() == []
