"""`python -m tests.faults.faulty`: starts the product's own entry points at once, and unhurt or to be hurt at a step.

Imports everything, and then forks a process for each line that comes in: {"role", "fault", …}; a process of its own, in
a group of its own, which runs what `manage.py worker`, gunicorn or `manage.py sandbox` run. Prints its id.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402  the apps must be there first
from django.urls import get_resolver  # noqa: E402
from gunicorn.app.wsgiapp import run  # type: ignore[import-untyped]  # noqa: E402

from agent.sandbox.model import Model  # noqa: E402
from conversations.management.commands import sandbox  # noqa: E402
from tests.faults.steps import (  # noqa: E402
    CALLS,
    Fault,
    Watch,
    watch_calls,
    watch_files,
    watch_first_job,
    watch_first_post,
    watch_queue,
    watch_sql,
)
from whatsapp.sandbox import webhooks  # noqa: E402
from whatsapp.sandbox.meta import Meta  # noqa: E402

Order = dict[str, Any]
EARLY = ("config.wsgi", "anthropic", "gunicorn.workers.gthread", "conversations.management.commands.worker")
# The simulator in a hurry: what is tested does not depend on how long it takes.
THINKING_SECONDS = 0.25
STEPS = {"sent": 0.0, "delivered": 0.05, "read": 0.1}
RETRY_AFTER = (0.2, 0.3, 0.5, 0.5, 1)


def worker(order: Order, watch: Watch) -> None:
    watch_first_job(watch, order["task"])
    execute_from_command_line(["manage.py", "worker", "--concurrency", str(order["concurrency"])])


def web(order: Order, watch: Watch) -> None:
    wsgi = import_module("config.wsgi")
    wsgi.__dict__["application"] = watch_first_post(watch, wsgi.application)
    own = ["--threads", "4", "--no-control-socket", "--log-level", "warning"]
    sys.argv = ["gunicorn", "config.wsgi", "-b", f"127.0.0.1:{order['port']}", *own]
    run()


def simulator(order: Order, watch: Watch) -> None:
    webhooks.STEPS.update(STEPS)
    webhooks.__dict__["RETRY_AFTER"], sandbox.__dict__["THINKING_SECONDS"] = RETRY_AFTER, THINKING_SECONDS
    if fault := order.get("fault"):
        harm(Fault.of(fault), watch)
    where = ["--port", str(order["port"]), "--webhook-url", order["webhook"], "--journal", order["journal"]]
    execute_from_command_line(["manage.py", "sandbox", *where])


def harm(fault: Fault, watch: Watch) -> None:
    """The simulator fails at one call: its own failures on demand, or its process is killed, before it has taken the
    call (→) or when it has (←)."""
    call, _, side = fault.word.partition(" ")
    if side in CALLS:
        _die_at(call, watch)
    else:
        _fail_at(call, fault)


def _fail_at(call: str, fault: Fault) -> None:
    owner: Any = Model if call == "model" else Meta
    began = owner.__post_init__ if owner is Meta else owner.__init__

    def begins(self: Any, *args: Any, **kwargs: Any) -> None:
        began(self, *args, **kwargs)
        kind = int(fault.kind) if fault.kind.isdigit() else fault.kind
        if owner is Meta:
            self.fail_next(kind, fault.nth, call)
        else:
            self.fail_next(kind, fault.nth)

    setattr(owner, "__post_init__" if owner is Meta else "__init__", begins)


def _die_at(call: str, watch: Watch) -> None:
    owner: Any = Model if call == "model" else Meta
    answer: Callable[..., Any] = owner.answer

    def answers(self: Any, method: str, path: str, third: Any, body: Any, *rest: Any) -> Any:
        mine = call in ("model", _name_of(method, path, body))
        if mine:
            watch.before(f"{call} →")
        given = answer(self, method, path, third, body, *rest)
        if mine:
            watch.before(f"{call} ←")
        return given

    owner.answer = answers


def _name_of(method: str, path: str, body: Any) -> str:
    """As the make-believe Meta calls what is asked of it."""
    if method == "GET":
        return "download" if path.startswith("graph-media") else "get_media"
    is_read = isinstance(body, dict) and body.get("status") == "read"
    return ("mark_read" if is_read else "send_text") if path.endswith("/messages") else ""


ROLES = {"worker": worker, "web": web, "sandbox": simulator}


def serve(order: Order) -> int:
    """The id of a new process that does as it is told."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ["PGAPPNAME"] = order["name"]
    fault = Fault.of(order["fault"]) if order.get("fault") else None
    watch = Watch(fault, Path(order["struck"]), Path(order["written"]) if order.get("written") else None)
    if order["role"] != "sandbox":
        watch_sql(watch)
        watch_queue(watch)
        watch_calls(watch)
        watch_files(watch)
    code = 1
    try:
        ROLES[order["role"]](order, watch)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def main() -> None:
    for name in EARLY:
        import_module(name)
    get_resolver().url_patterns  # noqa: B018  reads them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)  # noqa: T201
    children = []
    for line in sys.stdin:
        children.append(serve(json.loads(line)))
        print(children[-1], flush=True)  # noqa: T201
    for child in children:  # whoever has started us is gone
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
