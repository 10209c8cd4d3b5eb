"""`./run`: the checks beforehand, the three processes, and the lines that say where everything is.

Knows the product's commands and addresses, and nothing of how they work.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from config.local import ROOT, CannotGoOn
from config.local.database import Database
from config.local.environment import local_environment
from config.local.processes import Supervisor

LOCAL = ROOT / ".local"
CREDENTIALS = LOCAL / "credentials.json"
NEEDED_MEGABYTES = 300
READY_WITHIN_SECONDS = 60.0
# The worker may finish what it is at before the make-believe Meta and model go.
STOP_ORDER = ["web", "worker", "sandbox"]


@dataclass(frozen=True)
class Addresses:
    """Where one `./run` is to be found."""

    port: int
    sandbox_port: int

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def check(self) -> None:
        for port, option in ((self.port, "--port"), (self.sandbox_port, "--sandbox-port")):
            if _is_taken(port):
                raise CannotGoOn(f"Port {port} is taken; stop what uses it or run ./run {option} {port + 10}")


def run(addresses: Addresses, started: float) -> None:
    """Returns when it is asked to stop, and by then everything has stopped."""
    check_disk(ROOT)
    environment = local_environment(os.environ, port=addresses.port, sandbox_port=addresses.sandbox_port)
    with embedded(environment, LOCAL / "postgres") as database, Supervisor(STOP_ORDER) as supervisor:
        addresses.check()
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "seed_demo", "--credentials", str(CREDENTIALS))
        start(supervisor, addresses, environment)
        wait_until_ready(supervisor, addresses)
        # Only now: what waits in the queue would ask a make-believe Meta that is not there yet.
        supervisor.start("worker", [sys.executable, "manage.py", "worker"], environment)
        print(f"\nReady in {time.time() - started:.0f} s.\n{directions(addresses, environment)}\n", flush=True)
        try:
            while True:
                supervisor.tend(1.0)
                if database is not None:
                    database.keep_up()
        except KeyboardInterrupt:
            print("\nStopping …", flush=True)


def embedded(
    environment: dict[str, str], data: Path, *, forgetful: bool = False
) -> AbstractContextManager[Database | None]:
    """The embedded database, unless a DATABASE_URL is given; either way the environment has one from here on."""
    if "DATABASE_URL" in environment:
        return nullcontext()
    database = Database(data, forgetful=forgetful)
    environment["DATABASE_URL"] = database.url
    return database


def manage(environment: Mapping[str, str], *arguments: str) -> None:
    """A step on the way: silent when it succeeds, and the end when it fails."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotGoOn(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def start(supervisor: Supervisor, addresses: Addresses, environment: Mapping[str, str]) -> None:
    web = "-m gunicorn config.wsgi:application --worker-class gthread --workers 2 --threads 32 --log-level warning"
    # Its control socket would lie in the home directory, one for all.
    own = ["--no-control-socket", "--bind", f"127.0.0.1:{addresses.port}"]
    hook = ["--port", str(addresses.sandbox_port), "--webhook-url", f"{addresses.web}/v1/webhooks/whatsapp"]
    journal = ["--journal", str(LOCAL / "sandbox.jsonl")]
    supervisor.start("web", [sys.executable, *web.split(), *own], environment)
    supervisor.start("sandbox", [sys.executable, "manage.py", "sandbox", *hook, *journal], environment)


def wait_until_ready(supervisor: Supervisor, addresses: Addresses) -> None:
    until = time.monotonic() + READY_WITHIN_SECONDS
    waiting = [f"{addresses.web}/healthz", f"{addresses.sandbox}/"]
    while waiting := [url for url in waiting if not _answers(url)]:
        if time.monotonic() > until:
            raise CannotGoOn(f"No answer within {READY_WITHIN_SECONDS:.0f} s from {' and '.join(waiting)}.")
        supervisor.tend()
    supervisor.tend()  # what was said on the way comes before "Ready"


def directions(addresses: Addresses, environment: Mapping[str, str]) -> str:
    known = json.loads(CREDENTIALS.read_text(encoding="utf-8"))
    staff, tenants = known["staff"], known["tenants"]
    connected = next(tenant for tenant in tenants if tenant["connected"])
    unconnected = next(tenant for tenant in tenants if not tenant["connected"])
    simulated = environment["ANTHROPIC_API_KEY"] == "sandbox"
    model = "simulated (for Claude: ANTHROPIC_API_KEY=… ./run)" if simulated else "Claude, with your ANTHROPIC_API_KEY"
    web, bearer = addresses.web, "Authorization: Bearer"
    return f"""\
  Phone simulator   {addresses.sandbox + "/":<29} write to the agent here as a customer
  Back office       {web + "/admin/":<29} {staff["username"]} / {staff["password"]}   (kept in .local/credentials.json)
  Tenant API        {web + "/v1/":<29} key of "{connected["name"]}": {connected["api_key"]}
  Model             {model}
  Try:
    curl -H "{bearer} {connected["api_key"]}" {web}/v1/conversations
  Connect the second tenant, "{unconnected["name"]}" (no number yet):
    curl -X POST -H "{bearer} {unconnected["api_key"]}" {web}/v1/whatsapp/embedded-signup/session
  Ctrl-C stops everything, the database too."""


def check_disk(place: Path) -> None:
    free = shutil.disk_usage(place).free // 1_000_000
    if free < NEEDED_MEGABYTES:
        raise CannotGoOn(f"Only {free} MB are free on this disk; make room for {NEEDED_MEGABYTES} MB and start again.")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy does not know our loopback
    try:
        with direct.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:  # not there yet, or not well yet
        return False
