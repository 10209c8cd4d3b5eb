"""A PostgreSQL of a test's own, which may be stopped and killed: the one of all tests must live.

Knows how it comes to hold what the other does, and to be the one that Django speaks to.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import environ
from django.db import connection as database
from django.db.backends.postgresql.base import DatabaseWrapper

from config.local.database import Database
from config.local.postgres import program


@contextlib.contextmanager
def server_of_its_own(directory: Path, url: str) -> Iterator[Database]:
    """Holds what the database at this address does, and forgets nothing when it is killed."""
    dump = subprocess.run([program("pg_dump"), url], capture_output=True, check=True).stdout  # noqa: S603
    with Database(directory / "postgres") as server:
        into = [program("psql"), "-Xq", server.url]
        subprocess.run(into, input=dump, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
        with _spoken_to(server.url):
            yield server


@contextlib.contextmanager
def _spoken_to(url: str) -> Iterator[None]:
    """Django's connection in this process is to this database, for a while."""
    of_django: dict[str, Any] = database.settings_dict
    before, found = dict(of_django), environ.Env.db_url_config(url)
    hang_up()
    of_django.update(found, OPTIONS={**before["OPTIONS"], **found.get("OPTIONS", {})})
    try:
        yield
    finally:
        hang_up()
        of_django.update(before)


def hang_up() -> None:
    """Ends this process's connections, those of its pool too."""
    database.close()
    cast("DatabaseWrapper", database).close_pool()
