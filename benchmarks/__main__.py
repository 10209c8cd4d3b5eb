"""`./run bench [part …] [--quick | --medium]`: runs the parts and prints a table in Markdown.

Wants an empty database of its own, which `./run` gives it.
"""

import argparse
import logging
import os
import platform as machine
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402  (needs the settings)
from django.db import connection as database  # noqa: E402

from benchmarks import door, growth, population, profile, recovery, turn, turns, webhook  # noqa: E402
from benchmarks.platform import LOG  # noqa: E402
from benchmarks.sizes import FULL, MEDIUM, QUICK, Sizes  # noqa: E402
from benchmarks.table import Part, Table, say  # noqa: E402
from tenants.models import Tenant  # noqa: E402

PARTS: dict[str, tuple[str, Part]] = {
    "webhook": ("accepting a webhook", webhook.webhook),
    "door": ("the fast door", door.door),
    "turn": ("a whole turn", turn.turn),
    "in-flight": ("turns in flight in one worker process", turns.in_flight),
    "growth": ("growing tables", growth.growth),
    "fairness": ("a noisy tenant", turns.fairness),
    "recovery": ("after kill -9", recovery.recovery),
    "profile": ("where the time goes", profile.profile),
}
HELP = {
    "webhook": "single messages and statuses beside a plain Django view with one INSERT, at half load, in batches",
    "door": "the fast door beside the same view, killed under full load, and the worker behind it",
    "turn": "from the webhook to the POST at Meta: time, CPU, round trips to PostgreSQL",
    "in-flight": "turns that wait for a slow model in one worker process: how many, and what each costs",
    "growth": "lists, history, context, staff pages and the purge as the tables grow (all: 10 million, 13 GB of disk)",
    "fairness": "how long a tenant waits while thousands of turns of another one do",
    "recovery": "how long customers wait after web, worker or PostgreSQL were killed",
    "profile": "whose code the CPU of a webhook and of a turn is spent in",
}


def parsed(arguments: Sequence[str]) -> tuple[list[str], Sizes]:
    """The parts, in their order, and how much of them. Exits with a sentence for a part that there is not."""
    parts = "\n".join(f"  {name:<11} {text}" for name, text in HELP.items())
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measures the product with real processes on this machine and prints a table in Markdown.\n"
        "Stops with an error when anything acknowledged was lost or done twice.",
        epilog=f"parts (all when none is named):\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", dest="sizes", const=QUICK, help="two minutes, and rough")
    size.add_argument("--medium", action="store_const", dest="sizes", const=MEDIUM, help="tables up to a million rows")
    parser.set_defaults(sizes=FULL)
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return [name for name in PARTS if name in given.parts or not given.parts], given.sizes


def main(arguments: Sequence[str]) -> None:
    names, sizes = parsed(arguments)
    signal.signal(signal.SIGTERM, _stop)
    warnings.filterwarnings("ignore", "No directory at")  # no static files are collected for this
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # the database is killed on purpose
    call_command("migrate", verbosity=0)
    if Tenant.objects.exists():
        raise SystemExit(
            "The database of DATABASE_URL is not empty, and ./run bench empties it: give it one of its own."
        )
    LOG.unlink(missing_ok=True)
    table = Table(described())
    table.begin()
    try:
        for name in names:
            started = time.monotonic()
            say(name)
            population.empty()
            title, part = PARTS[name]
            table.add(f"{title} (`{name}`)", part(sizes))
            say(f"{name} took {time.monotonic() - started:.0f} s")
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        population.connect_anew()
        population.empty()


def described() -> str:
    """The machine, the versions and the commit, in a line."""
    with database.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}: {os.cpu_count()} cores ({_processor()}) with everything on "
        f"them, {memory:.0f} GiB, {machine.system()} {machine.release().partition('-')[0]}, "
        f"Python {machine.python_version()}, Django {django.__version__}, PostgreSQL {postgres}."
    )


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else machine.machine()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(sys.argv[1:])
