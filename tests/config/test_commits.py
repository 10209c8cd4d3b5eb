"""Who comes at the same time shares a commit, and nobody waits for ever for those who are still to come."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from config.commits import MOST_TOGETHER, SharedCommits

Batches = list[list[bytes]]


def all_of(*coming: Awaitable[object]) -> list[object]:
    async def at_once() -> list[object]:
        return await asyncio.gather(*coming, return_exceptions=True)

    return asyncio.run(at_once())


@pytest.fixture(autouse=True)
def a_slow_machine_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.commits.LONGEST_WAIT_SECONDS", 60)


@pytest.fixture
def stored() -> Batches:
    return []


@pytest.fixture
def commits(stored: Batches) -> SharedCommits:
    return SharedCommits(lambda bodies: stored.append(list(bodies)))


async def comes(commits: SharedCommits, number: int, after_turns: int) -> None:
    for _turn in range(after_turns):
        await asyncio.sleep(0)
    await commits.keep(b"%d" % number)


def test_who_is_on_the_way_shares_the_commit(commits, stored):
    all_of(*(comes(commits, number, number * 2) for number in range(20)))
    assert stored == [[b"%d" % number for number in range(20)]]


def test_when_somebody_always_comes_those_who_are_there_are_stored(commits, stored):
    many = MOST_TOGETHER + 100
    all_of(*(comes(commits, number, number) for number in range(many)))
    assert len(stored) > 1
    assert [body for batch in stored for body in batch] == [b"%d" % number for number in range(many)]
    assert max(map(len, stored)) <= MOST_TOGETHER


def test_when_the_longest_wait_is_over_those_who_are_there_are_stored(commits, stored, monkeypatch):
    monkeypatch.setattr("config.commits.LONGEST_WAIT_SECONDS", 0)
    all_of(*(comes(commits, number, number * 2) for number in range(20)))
    assert stored[0] == [b"0"]
    assert [body for batch in stored for body in batch] == [b"%d" % number for number in range(20)]


def test_who_shares_a_commit_that_fails_is_told_and_the_next_one_goes_on():
    def store(bodies: Sequence[bytes]) -> None:
        if b"0" in bodies:
            raise OSError("The disk is full.")

    commits = SharedCommits(store)
    told = all_of(comes(commits, 0, 0), comes(commits, 1, 1))
    assert [str(error) for error in told] == ["The disk is full."] * 2
    assert all_of(comes(commits, 2, 0)) == [None]


def test_a_request_that_is_given_up_costs_the_others_nothing(commits, stored):
    async def gives_up() -> None:
        task = asyncio.create_task(comes(commits, 0, 0))
        await asyncio.sleep(0)
        task.cancel()

    assert all_of(gives_up(), comes(commits, 1, 1)) == [None, None]
    assert stored == [[b"0", b"1"]]
