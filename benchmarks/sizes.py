"""How much is measured: everything, or less of it for who cannot wait."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """`runs` alternate and are of `seconds` each; the rest says how many of what."""

    runs: int
    seconds: float
    half_load_seconds: float
    batches: int
    alone: int  # turns on an idle system
    burst: int  # messages at once
    counts: int  # of the round trips of turns
    in_flight: tuple[tuple[float, int], ...]  # seconds that the model takes, turns at once
    waiting: int  # turns of the noisy tenant
    probes: int  # turns of the quiet one, alone and beside it
    levels: tuple[int, ...]  # messages in the tables that grow
    looks: int  # at each page
    kills_postgres: bool  # alone; together with the fast door it always is
    seconds_under_fire: float  # of load on the door while it is killed
    backlog_seconds: float  # of work for the worker behind the door, at the wanted speed
    seconds_of_recovery: float  # in which people write and something is killed
    heartbeat: float  # seconds between two of the worker, which is thought dead after three
    profiled: int  # webhooks, and turns


FULL = Sizes(
    runs=5,
    seconds=5,
    half_load_seconds=20,
    batches=10,
    alone=500,
    burst=2000,
    counts=2,
    in_flight=((1.5, 3000), (5, 5000)),
    waiting=10_000,
    probes=3,
    levels=(10_000, 1_000_000, 10_000_000),
    looks=40,
    kills_postgres=True,
    seconds_under_fire=4,
    backlog_seconds=20,
    seconds_of_recovery=4,
    heartbeat=10,
    profiled=100,
)
MEDIUM = Sizes(
    runs=3,
    seconds=3,
    half_load_seconds=8,
    batches=5,
    alone=150,
    burst=500,
    counts=2,
    in_flight=((1.5, 1000), (5, 2000)),
    waiting=3_000,
    probes=3,
    levels=(10_000, 1_000_000),
    looks=20,
    kills_postgres=True,
    seconds_under_fire=3,
    backlog_seconds=20,
    seconds_of_recovery=4,
    heartbeat=10,
    profiled=100,
)
QUICK = Sizes(
    runs=1,
    seconds=0.4,
    half_load_seconds=0.6,
    batches=1,
    alone=5,
    burst=40,
    counts=1,
    in_flight=((1.5, 40),),
    waiting=300,
    probes=1,
    levels=(10_000,),
    looks=4,
    kills_postgres=False,
    seconds_under_fire=0.6,
    backlog_seconds=0.6,
    seconds_of_recovery=1.5,
    heartbeat=1,
    profiled=50,
)
