"""The product's processes, forked from one that has imported everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import connect
from tests.faults.world import World


@pytest.fixture
def world(tenant, meta, tmp_path: Path) -> Iterator[World]:
    """A number that is connected, and nobody who runs yet."""
    connect(tenant, meta)
    world = World(tmp_path)
    try:
        yield world
    finally:
        world.end()
