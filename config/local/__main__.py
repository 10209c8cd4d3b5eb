"""`python -m config.local run|test|manage|bench`, as `./run` calls it once the packages are there.

Knows only which word means what, and that a signal stops everything.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from types import FrameType

from config.local import ROOT, CannotGoOn
from config.local.checks import check
from config.local.database import AlreadyRunning, Database
from config.local.environment import environment_of_tests, local_environment
from config.local.running import LOCAL, Addresses, embedded, run

PORT = 8000
SANDBOX_PORT = 8001
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    for number in ENDING:
        signal.signal(number, stop)
    command, *rest = arguments
    try:
        if command == "test":
            return 0 if check(rest) else 1
        if command == "manage":
            return manage(rest)
        if command == "bench":
            return bench(rest)
        run(addresses(rest), float(os.environ.get("RUN_STARTED", time.time())))
    except CannotGoOn as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def stop(_number: int, _frame: FrameType | None) -> None:
    """Once: what stops now is left in peace to do so."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def addresses(arguments: list[str]) -> Addresses:
    parser = argparse.ArgumentParser(prog="./run")
    parser.add_argument("--port", type=int, default=PORT, help="of the web server")
    parser.add_argument("--sandbox-port", type=int, default=SANDBOX_PORT, help="of the make-believe Meta and model")
    return Addresses(**vars(parser.parse_args(arguments)))


def manage(arguments: list[str]) -> int:
    """With the database of a `./run` that is under way, and else with one for as long as the command takes."""
    environment = local_environment(os.environ, port=PORT, sandbox_port=SANDBOX_PORT)
    if "DATABASE_URL" in environment:
        return managed(environment, arguments)
    database = Database(LOCAL / "postgres")
    environment["DATABASE_URL"] = database.url
    try:
        with database:
            return managed(environment, arguments)
    except AlreadyRunning:
        database.wait_for_its_holder()
        return managed(environment, arguments)


def bench(arguments: list[str]) -> int:
    """On an empty database of its own, with the settings of the tests: nothing of this machine gets in. What is
    measured may kill the database, so it is kept up; none of it is left."""
    environment = environment_of_tests(os.environ) | {"LOG_LEVEL": "ERROR"}
    data = LOCAL / "postgres-bench"
    shutil.rmtree(data, ignore_errors=True)
    try:
        with embedded(environment, data) as database:
            command = [sys.executable, "-m", "benchmarks", *arguments]
            with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as measuring:
                return _ended(measuring, database)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _ended(measuring: subprocess.Popen[bytes], database: Database | None) -> int:
    """Its code, once it has ended; when we are stopped, it is, and ends what it has started."""
    try:
        while measuring.poll() is None:
            with contextlib.redirect_stdout(sys.stderr):  # standard output is the table
                if database is not None:
                    database.keep_up()
            time.sleep(0.1)
    except BaseException:
        measuring.terminate()
        measuring.wait()
        raise
    return measuring.returncode


def managed(environment: dict[str, str], arguments: list[str]) -> int:
    # Ctrl-C belongs to the command: in a shell it ends a line, not the database beneath it.
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
