"""The embedded PostgreSQL under real processes: started, stopped, killed, left behind.

Knows nothing of the product's tables.
"""
# ruff: noqa: S603  the programs started here are our own

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from config.local import ROOT, CannotGoOn
from config.local.database import AlreadyRunning, Database
from config.local.postgres import ServerUser, program, socket_directory

pytestmark = pytest.mark.processes

HOLD = """
import sys, time
from pathlib import Path
from config.local.database import Database

with Database(Path(sys.argv[1]), forgetful=True):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("database") / "postgres"


@contextmanager
def held_by_another_process(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(data)], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        try:
            yield holder
        finally:
            holder.kill()


def server_of(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().partition("\n")[0])


def answer(database: Database, question: str = "SELECT 1") -> object:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(question).fetchone()
    return row and row[0]


def eventually(happened: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.02)
    return False


def runs(pid: int) -> bool:
    """A zombie that nobody has buried yet does not run."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self").exists():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    return subprocess.run(["/bin/ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0


def test_it_starts_and_stops_and_leaves_neither_process_nor_socket(data: Path) -> None:
    with Database(data) as database:
        assert answer(database, "SELECT current_database()::text") == "whatsapp_agents"
        server = server_of(data)
    assert not runs(server)
    assert not socket_directory(data).exists()


def test_what_is_written_is_there_after_the_next_start(data: Path) -> None:
    with Database(data) as database, psycopg.connect(database.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT upper('ñ') AS letter")
    with Database(data) as database:
        assert answer(database, "SELECT letter FROM kept") == "Ñ"


def test_a_second_start_is_refused_and_says_why(data: Path) -> None:
    with held_by_another_process(data) as holder, pytest.raises(AlreadyRunning) as refusal, Database(data):
        pass
    assert f"already running (process {holder.pid})" in str(refusal.value)
    assert "DATABASE_URL=" in str(refusal.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_it_dies_with_a_supervisor_that_is_killed(data: Path) -> None:
    with held_by_another_process(data) as holder:
        server = server_of(data)
        holder.kill()
        assert eventually(lambda: not runs(server))
    with Database(data) as database:
        assert answer(database) == 1


def test_a_server_left_running_is_stopped_before_the_next_start(data: Path, tmp_path: Path) -> None:
    with Database(data):
        pass
    user = ServerUser.choose()
    user.own(tmp_path)
    where = ["-D", str(data), "-k", str(tmp_path), "-c", "listen_addresses="]
    record = data / "postmaster.pid"
    with subprocess.Popen(user.command("postgres", *where), stderr=subprocess.DEVNULL) as left_behind:
        assert eventually(lambda: record.exists() and b"ready" in record.read_bytes())
        with Database(data) as database:
            assert left_behind.wait(1) == 0
            assert answer(database) == 1


def test_a_stale_postmaster_pid_that_names_a_stranger_is_no_obstacle(data: Path) -> None:
    with Database(data):
        pass
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    with Database(data) as database:
        assert answer(database) == 1


def test_a_server_that_somebody_killed_is_started_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def noticed() -> bool:
        database.keep_up()
        return "Starting it again" in capsys.readouterr().out

    with Database(data) as database:
        os.kill(server_of(data), signal.SIGKILL)
        assert eventually(noticed)
        assert answer(database) == 1


def test_it_works_in_a_path_too_long_for_a_socket(data: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "postgres"
    with Database(data):
        pass
    deep.parent.mkdir()
    shutil.copytree(data, deep)
    ServerUser.choose().own(deep)
    for path in deep.rglob("*"):
        ServerUser.choose().own(path)
    with Database(deep) as database:
        assert answer(database) == 1


def test_a_socket_directory_of_somebody_else_is_not_used(data: Path, tmp_path: Path) -> None:
    socket_directory(data).symlink_to(tmp_path)
    try:
        with pytest.raises(CannotGoOn, match="not a private directory of ours"), Database(data):
            pass
    finally:
        socket_directory(data).unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_servers_own_user_may_not_connect(data: Path) -> None:
    with Database(data) as database:
        asked = ServerUser.choose().command(
            "psql", "-h", str(socket_directory(data)), "-U", "postgres", "-c", "SELECT 1"
        )
        refused = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert answer(database) == 1
    assert "Peer authentication failed" in refused.stderr


def test_the_programs_are_those_of_postgresql_18() -> None:
    assert "18." in subprocess.run([program("postgres"), "-V"], capture_output=True, text=True, check=True).stdout
