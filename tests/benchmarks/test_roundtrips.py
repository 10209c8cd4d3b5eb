"""Round trips to PostgreSQL are counted on the wire, and the queue's own apart from the others."""

import psycopg
import pytest

from benchmarks.roundtrips import Proxy

pytestmark = pytest.mark.django_db


def counted(*statements: str, pipeline: bool = False) -> tuple[int, int]:
    with Proxy() as proxy:
        address = proxy.url.replace("postgres://", "postgresql://")
        with psycopg.connect(address, autocommit=True) as connection:
            if pipeline:
                with connection.pipeline():
                    for statement in statements:
                        connection.execute(statement)
            else:
                for statement in statements:
                    connection.execute(statement)
            return proxy.round_trips, proxy.of_queue


def test_each_statement_is_one():
    assert counted("BEGIN", "SELECT 1", "COMMIT") == (3, 0)


def test_a_pipeline_is_one():
    assert counted("SELECT 1", "SELECT 2", "SELECT 3", pipeline=True) == (1, 0)


def test_the_queues_are_known_also_once_they_are_prepared():
    asked = "SELECT 'procrastinate'"
    trips, of_queue = counted("SELECT 1", *[asked] * 8)
    assert (trips, of_queue) == (10, 9), "psycopg prepares what is asked again and again, in one more"
