"""The environment, the addresses and the supervisor of `./run`, under real processes.

Knows nothing of the three processes that it runs in earnest.
"""
# ruff: noqa: S603  the programs started here are our own

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.local import ROOT, CannotGoOn, processes, running
from config.local.__main__ import main
from config.local.environment import environment_of_tests, local_environment
from config.local.processes import Supervisor
from config.local.running import Addresses, check_disk

TELLS_ITS_NUMBER = "import os, time; print('here', os.getpid(), flush=True); time.sleep(60)"
DIES = "print('no such table')"
IGNORES_SIGTERM = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
SUPERVISES = """
import os, sys, time
from config.local import __main__, processes

def run(*_):
    with processes.Supervisor(["web", "worker"]) as supervisor:
        for name in ("worker", "web"):
            supervisor.start(name, [sys.executable, "-c", sys.argv[1]], os.environ)
        while True:
            supervisor.tend()

__main__.run = run
sys.exit(__main__.main(["run"]))
"""


def environment_at(root: Path, **given: str) -> dict[str, str]:
    return local_environment(given, port=8000, sandbox_port=8001, root=root)


def test_secrets_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    first = environment_at(tmp_path)
    assert environment_at(tmp_path) == first
    path = tmp_path / ".local" / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(path.read_text())) == {
        "SECRET_KEY",
        "ENCRYPTION_KEYS",
        "META_APP_SECRET",
        "META_WEBHOOK_VERIFY_TOKEN",
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["secrets.json"]


def test_a_damaged_file_of_secrets_is_not_replaced_in_silence(tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "secrets.json").write_text("{")
    with pytest.raises(CannotGoOn, match="damaged"):
        environment_at(tmp_path)


def test_what_is_given_wins_over_env_and_that_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("META_APP_ID=1\nMETA_CONFIG_ID=2\nMETA_APP_SECRET=\n")
    environment = environment_at(tmp_path, META_APP_ID="3")
    assert (environment["META_APP_ID"], environment["META_CONFIG_ID"]) == ("3", "2")
    assert environment["META_APP_SECRET"], "an empty line of .env.example, copied, is not an answer"


def test_media_stay_beside_the_database(tmp_path: Path) -> None:
    assert environment_at(tmp_path)["MEDIA_ROOT"] == str(tmp_path / ".local" / "media")


def test_the_model_is_simulated_only_without_a_key(tmp_path: Path) -> None:
    assert environment_at(tmp_path)["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8001/anthropic"
    assert "ANTHROPIC_BASE_URL" not in environment_at(tmp_path, ANTHROPIC_API_KEY="a real one")


@pytest.mark.parametrize("word", ["false", "False", "0", "off"])
def test_it_refuses_to_run_with_debug_off(tmp_path: Path, word: str) -> None:
    with pytest.raises(CannotGoOn, match=r"(?s)one's own machine.*README"):
        environment_at(tmp_path, DEBUG=word)


def test_neither_env_nor_the_shell_leaks_into_the_tests(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("# LOG_LEVEL=INFO\nMETA_APP_ID=\nDATABASE_URL=\n")
    given = {"LOG_LEVEL": "DEBUG", "META_APP_ID": "real", "DATABASE_URL": "postgres://own", "PATH": "/bin"}
    environment = environment_of_tests(given, tmp_path)
    assert "LOG_LEVEL" not in environment
    assert environment["META_APP_ID"] == "111222333"
    assert environment["ENV_FILE"] == os.devnull
    assert (environment["DATABASE_URL"], environment["PATH"]) == ("postgres://own", "/bin")


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as free:
        taken, other = server.getsockname()[1], free.getsockname()[1]
        free.close()
        with pytest.raises(CannotGoOn, match=rf"Port {taken} is taken; .* ./run --port {taken + 10}"):
            Addresses(taken, other).check()
        with pytest.raises(CannotGoOn, match=rf"Port {taken} is taken; .* ./run --sandbox-port {taken + 10}"):
            Addresses(other, taken).check()


def test_a_full_disk_is_said_before_anything_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "NEEDED_MEGABYTES", 10**9)
    with pytest.raises(CannotGoOn, match=r"Only \d+ MB are free"):
        check_disk(tmp_path)


def test_a_refusal_is_one_plain_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("config.local.__main__.run", lambda *_: (_ for _ in ()).throw(CannotGoOn("Port 1 is taken")))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main(["run"]) == 1
    assert capsys.readouterr().err == "Port 1 is taken\n"


@pytest.mark.processes
def test_a_killed_child_is_started_again(capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor(["web"]) as supervisor:
        supervisor.start("web", [sys.executable, "-c", TELLS_ITS_NUMBER], os.environ)
        first = number_told(supervisor, capfd)
        os.kill(first, signal.SIGKILL)
        second = number_told(supervisor, capfd)
    assert second != first
    for number in (first, second):
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def number_told(supervisor: Supervisor, capfd: pytest.CaptureFixture[str]) -> int:
    said = ""
    until = time.monotonic() + 10
    while "web     | here" not in said and time.monotonic() < until:
        supervisor.tend()
        said += capfd.readouterr().out
    return int(said.split()[-1])


@pytest.mark.processes
def test_a_child_that_keeps_dying_stops_everything(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    with Supervisor(["worker"]) as supervisor:
        supervisor.start("worker", [sys.executable, "-S", "-c", DIES], os.environ)
        with pytest.raises(CannotGoOn, match=r"worker ended 5 times within 30 s"):
            supervisor.tend(10)
    assert capfd.readouterr().out.count("worker  | no such table") == 5


@pytest.mark.processes
def test_a_child_that_does_not_stop_is_killed_after_its_grace(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    with Supervisor(["web"]) as supervisor:
        supervisor.start("web", [sys.executable, "-S", "-c", IGNORES_SIGTERM], os.environ)
        while "deaf" not in capfd.readouterr().out:
            supervisor.tend()
    assert "did not stop within 0 s and is killed." in capfd.readouterr().out


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_children_and_then_us(number: signal.Signals) -> None:
    command = [sys.executable, "-u", "-c", SUPERVISES, TELLS_ITS_NUMBER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervising:
        assert supervising.stdout is not None
        children = [int(supervising.stdout.readline().split()[-1]) for _ in range(2)]
        supervising.send_signal(number)
        assert supervising.wait(10) == 130
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_the_shell_script_is_plain_sh() -> None:
    subprocess.run(["/bin/sh", "-n", str(ROOT / "run")], check=True)
    told = subprocess.run([str(ROOT / "run"), "help"], capture_output=True, text=True, check=True)
    assert "./run test" in told.stdout
