"""The product's processes, forked from one that has imported everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.database import Database
from tests.conftest import connect
from tests.faults.server import server_of_its_own
from tests.faults.world import World
from tests.processes import Platform


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[Database]:
    """A PostgreSQL that this test may stop and kill."""
    with server_of_its_own(tmp_path, Platform(tmp_path).environment()["DATABASE_URL"]) as server:
        yield server


@pytest.fixture
def world(tenant, meta, tmp_path: Path) -> Iterator[World]:
    """A number that is connected, and nobody who runs yet."""
    connect(tenant, meta)
    world = World(tmp_path)
    try:
        yield world
    finally:
        world.end()


@pytest.fixture
def fragile_world(server, tenant, meta, tmp_path: Path) -> Iterator[World]:
    """The same, on a PostgreSQL of its own, which comes first: whatever is made is made there."""
    connect(tenant, meta)
    world = World(tmp_path, server)
    try:
        yield world
    finally:
        world.end()
