"""The product and the simulator as real processes, on the test's database, for tests that kill them or look at pages.

Run as `./run` runs them. What the customer sees is read from the simulator, whose journal outlives it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from django.db import connection as database

from whatsapp.sandbox.meta import DEMO

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 40
CUSTOMER = "34600000101"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class Platform:
    """The three processes, and the customer's phone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.web, self.sandbox = free_port(), free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        manage = [sys.executable, "manage.py"]
        webhook = f"http://127.0.0.1:{self.web}/v1/webhooks/whatsapp"
        self.commands = {
            "web": [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", f"127.0.0.1:{self.web}", "--threads", "4"],
            "worker": [*manage, "worker", "--concurrency", "4"],
            "sandbox": [
                *manage, "sandbox", "--port", str(self.sandbox), "--webhook-url", webhook,
                "--journal", str(directory / "journal.jsonl"),
            ],
        }  # fmt: skip

    def environment(self) -> dict[str, str]:
        here = database.settings_dict
        server = f"postgres://{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT'] or 5432}"
        socket_directory = here.get("OPTIONS", {}).get("host")
        return os.environ | {
            "DEBUG": "true",
            "DATABASE_URL": f"{server}/{database.settings_dict['NAME']}"
            + (f"?host={socket_directory}" if socket_directory else ""),
            "META_REDIRECT_URI": f"http://127.0.0.1:{self.web}/oauth/meta/callback",
            "META_DIALOG_URL": f"http://127.0.0.1:{self.sandbox}",
            "META_GRAPH_API_URL": f"http://127.0.0.1:{self.sandbox}/graph",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.sandbox}/anthropic",
            "WORKER_HEARTBEAT_SECONDS": "0.5",
            "MEDIA_ROOT": str(self.directory / "media"),
        }

    def start(self, *names: str) -> None:
        for name in names:
            with (self.directory / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(  # noqa: S603
                    self.commands[name],
                    cwd=ROOT,
                    env=self.environment(),
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        if "web" in names:
            wait_for(lambda: answers(f"http://127.0.0.1:{self.web}/healthz"))
        if "sandbox" in names:
            wait_for(lambda: answers(f"http://127.0.0.1:{self.sandbox}/api/state"))

    def kill(self, name: str) -> None:
        """kill -9, the children of gunicorn too."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = Request(f"http://127.0.0.1:{self.sandbox}/api/{path}", data, {"X-Sandbox": "1"})
        with urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response)

    def customer_writes(self, text: str) -> None:
        self.call("messages", {"phone_number_id": DEMO.phone_number_id, "wa_id": CUSTOMER, "text": text})

    def replies(self) -> list[str]:
        """What the customer's phone shows of ours, with the ticks."""
        return [message["status"] for message in self.call("state")["messages"] if not message["from_customer"]]

    def happened(self, title: str) -> bool:
        return any(event["title"] == title for event in self.call("state")["events"])


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
