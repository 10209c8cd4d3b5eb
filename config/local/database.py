"""An embedded PostgreSQL 18 for one's own machine: made once, started as our child, stopped with us.

Knows nothing of Django, and listens on no port: only on a socket that its owner alone can use.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from config.local import CannotGoOn
from config.local.postgres import ServerUser, client_name, command_line_of, program, socket_directory

NAME = "whatsapp_agents"
SUPERUSER = "postgres"
PORT = "5432"  # part of the socket's name; nothing listens on it

SETTINGS = {"listen_addresses": "", "max_connections": "100", "timezone": "UTC"}
# For data that nobody misses after a power cut.
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

RETRY_SECONDS = 10.0  # after a crash the dead server's last processes may hold its memory for a moment
RECOVERY_SECONDS = 60.0
STOP_SECONDS = 10.0


class AlreadyRunning(CannotGoOn):
    """Another process of ours holds this database."""


class Database:
    """One data directory and its server, held by one process of ours at a time; a lock file beside it says by which."""

    def __init__(self, data: Path, *, forgetful: bool = False) -> None:
        self._data = data.absolute()
        self._log = self._data.with_name(f"{data.name}.log")
        self._settings = SETTINGS | (FORGETFUL if forgetful else {})
        self._user = ServerUser.choose()
        self._socket = socket_directory(self._data)
        self._lock: IO[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"postgres://{SUPERUSER}@:{PORT}/{NAME}?host={quote(str(self._socket))}"

    def __enter__(self) -> Self:
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def keep_up(self) -> None:
        """Starts the server again when somebody has killed it."""
        if self._server is not None and self._server.poll() is not None:
            print(f"The database ended with code {self._server.returncode}. Starting it again.", flush=True)
            self._start()

    def wait_for_its_holder(self) -> None:
        """For one who found it already running: until the holder has brought it up."""
        until = time.monotonic() + RECOVERY_SECONDS
        while not self._is_ready():
            if time.monotonic() > until:
                raise CannotGoOn(f"Another ./run holds {self._data}, but its database does not answer.")
            time.sleep(0.1)

    def _take_lock(self) -> None:
        self._data.parent.mkdir(parents=True, exist_ok=True)
        lock = self._data.with_name(f"{self._data.name}.lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise AlreadyRunning(
                f"The database in {self._data} is already running (process {holder}).\n"
                "Stop it first, or give this one a database of its own: DATABASE_URL=postgres://… ./run"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _start(self) -> None:
        self._stop_what_was_left_running()
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        # Only the person who started ./run: not even another process of the server's own user.
        (self._data / "pg_hba.conf").write_text("local all all peer map=holder\n", encoding="ascii")
        (self._data / "pg_ident.conf").write_text(f'holder "{client_name()}" {SUPERUSER}\n', encoding="utf-8")
        self._make_socket_directory()
        self._launch_until_it_answers()
        self._create_database()

    def _initialize(self) -> None:
        """Beside its place, then moved there: a killed initdb leaves nothing that looks finished."""
        new = self._data.with_name(f"{self._data.name}.new")
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        self._user.own(new)
        options = [
            "--pgdata",
            str(new),
            "--username",
            SUPERUSER,
            "--auth=peer",
            "--data-checksums",
            "--no-instructions",
        ]
        # C.UTF-8 is the same on every system, and knows upper and lower case.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = self._run(self._user.command("initdb", *options, *locale))
        if made.returncode != 0:
            raise CannotGoOn(f"PostgreSQL's initdb failed:\n{made.stderr}")
        new.rename(self._data)

    def _make_socket_directory(self) -> None:
        """Never somebody else's: /tmp is open to all, so what is already there is looked at, not followed."""
        with contextlib.suppress(FileExistsError):
            self._socket.mkdir(mode=0o700)
            self._user.own(self._socket)
        found = self._socket.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self._user.uid or found.st_mode & 0o077:
            raise CannotGoOn(f"{self._socket} is not a private directory of ours. Remove it and start again.")
        for left_over in self._socket.iterdir():
            left_over.unlink()

    def _launch_until_it_answers(self) -> None:
        give_up_at = time.monotonic() + RETRY_SECONDS
        while not self._launch():
            if time.monotonic() > give_up_at:
                tail = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                raise CannotGoOn("\n".join([f"PostgreSQL does not start; the end of {self._log}:", *tail]))
            time.sleep(0.3)

    def _launch(self) -> bool:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        where = ["-D", str(self._data), "-p", PORT, "-k", str(self._socket)]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                self._user.command("postgres", *where, *options),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._user.lifeline(signal.SIGINT),
            )
        until = time.monotonic() + RECOVERY_SECONDS
        while self._server.poll() is None and time.monotonic() < until:
            if self._is_ready():
                return True
            time.sleep(0.03)
        return False

    def _is_ready(self) -> bool:
        return self._client("pg_isready", "--quiet").returncode == 0

    def _create_database(self) -> None:
        names = self._client("psql", "-XAt", "-c", "SELECT datname FROM pg_database")
        if NAME in names.stdout.split():
            return
        created = self._client("psql", "-Xq", "-c", f"CREATE DATABASE {NAME}")
        if created.returncode != 0:
            raise CannotGoOn(f"PostgreSQL did not create the database {NAME}:\n{names.stderr}{created.stderr}")

    def _client(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["-h", str(self._socket), "-p", PORT, "-U", SUPERUSER, "-d", "postgres"]
        return self._run([program(name), *where, *arguments])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)

    def _stop_what_was_left_running(self) -> None:
        """The lock is ours, so a server that still lives here was left by a ./run that was killed."""
        record = self._data / "postmaster.pid"
        if not record.exists():
            return
        pid = record.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        if pid.isdigit() and self._is_our_server(int(pid)):
            os.kill(int(pid), signal.SIGINT)
            until = time.monotonic() + STOP_SECONDS
            while self._is_our_server(int(pid)):
                if time.monotonic() > until:
                    raise CannotGoOn(f"A PostgreSQL left from an earlier run does not stop. Type: kill -QUIT {pid}")
                time.sleep(0.05)
        # Its number may belong to a stranger by now, for whom PostgreSQL would wait in vain.
        record.unlink(missing_ok=True)

    def _is_our_server(self, pid: int) -> bool:
        return f"-D {self._data} " in command_line_of(pid)

    def _stop(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)  # "fast": ends the sessions, loses nothing
            try:
                self._server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                print("The database does not stop, and is stopped at once; it repairs itself at the next start.")
                self._server.send_signal(signal.SIGQUIT)
                self._server.wait()
        if self._server is not None:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._server = None
        if self._lock is not None:
            self._lock.close()


def _environment() -> dict[str, str]:
    """Without PGHOST, PGOPTIONS and the like, which mean another database; macOS' libraries want a locale named."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
