"""Serves the make-believe Meta, the make-believe model and the phone page on one local port.

The only place that knows both sandboxes and the product; knows nothing of what they answer.
"""

import json
import logging
import signal
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import Error as DatabaseError

from agent.sandbox.model import Model, last_words, without_data
from agent.sandbox.server import wsgi
from whatsapp.health import report_of
from whatsapp.sandbox.meta import DEMO, DEMO_PIN, Meta
from whatsapp.sandbox.server import SandboxHandler
from whatsapp.sandbox.stage import LOOPBACK, Doctor, Finding, Stage
from whatsapp.sandbox.webhooks import Postman
from whatsapp.sandbox.words import MODEL_FAILURES

HOST = "127.0.0.1"
THINKING_SECONDS = 1.2  # long enough to see somebody type


class QuietHandler(WSGIRequestHandler):
    """One connection. The page's timeline is the log: it asks every 700 ms, and nobody wants to read that."""

    def get_environ(self) -> dict[str, Any]:
        """A view may have to close the connection under its own answer."""
        return {**super().get_environ(), "sandbox.connection": self.connection}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Nothing."""


class Command(BaseCommand):
    """`manage.py sandbox`."""

    help = "Serve the sandbox: a make-believe Meta, a make-believe model and a phone to write with."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """See `help`."""
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--webhook-url", default="http://127.0.0.1:8000/v1/webhooks/whatsapp")
        parser.add_argument("--journal", type=Path, help="a file in which the sandbox remembers over a restart")
        parser.add_argument("--print-demo", action="store_true", help="print the demo business as JSON and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serves until it is told to stop."""
        if not settings.DEBUG:
            raise CommandError("The sandbox is for development: it serves only when DEBUG is on.")
        if options["print_demo"]:
            self.stdout.write(json.dumps(demo(_meta(None, "", options["port"]))))
            return
        meta = _meta(options["journal"], options["webhook_url"], options["port"])
        postman = Postman(meta, options["webhook_url"])
        server = ThreadedWSGIServer((HOST, options["port"]), QuietHandler)
        server.set_app(application(meta, postman, options["port"]))
        signal.signal(signal.SIGTERM, _stop)
        logging.getLogger("django.request").addFilter(_is_unforeseen)
        self.stdout.write(f"Sandbox: http://{HOST}:{options['port']}/")
        postman.start()
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            self.stdout.write("Sandbox: stopped")
        finally:
            server.server_close()
            postman.stop()
            meta.close()


def demo(meta: Meta) -> dict[str, str]:
    """What has to be stored for the product to speak for the demo business."""
    return {
        "phone_number_id": DEMO.phone_number_id,
        "business_account_id": DEMO.waba_id,
        "portfolio_id": DEMO.client_business_id,
        "display_phone_number": DEMO.display_phone_number,
        "verified_name": DEMO.verified_name,
        "access_token": meta.token_for(DEMO),
        "pin": DEMO_PIN,
    }


def application(meta: Meta, postman: Postman, port: int) -> WSGIApplication:
    """The model under /anthropic, Meta and its pages everywhere else."""
    model = Model(delay=THINKING_SECONDS, observe=partial(_note, meta))
    ours = _is_ours(settings.ANTHROPIC_BASE_URL, port)
    failures = {kind: partial(_fail, model, kind.removeprefix("model:")) for kind in MODEL_FAILURES if ours}
    pages = SandboxHandler(Stage(meta, postman, "" if ours else settings.ANTHROPIC_MODEL, failures, doctor))
    messages_api = wsgi(model)

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/anthropic/"):
            inner = {**environ, "PATH_INFO": environ["PATH_INFO"].removeprefix("/anthropic")}
            return messages_api(inner, start_response)
        return pages(environ, start_response)

    return dispatch


def doctor(phone_number_id: str) -> Doctor | None:
    """What the product thinks of this number; nothing while there is no database to look into."""
    try:
        report = report_of(phone_number_id)
    except DatabaseError:
        return None
    if report is None:
        return None
    return {
        "status": report.status,
        "checked_at": report.checked_at.timestamp() if report.checked_at else None,
        "findings": [Finding(check=f.title, state=f.state, what=f.what, fix=f.fix) for f in report.findings],
    }


def _meta(journal: Path | None, webhook_url: str, port: int) -> Meta:
    return Meta(
        settings.META_APP_ID,
        settings.META_APP_SECRET,
        settings.META_WEBHOOK_VERIFY_TOKEN,
        [settings.META_REDIRECT_URI],
        journal,
        webhook_url=webhook_url,
        media_url=f"http://{HOST}:{port}/graph-media",
        graph_url=f"http://{HOST}:{port}/graph",
    )


def _fail(model: Model, kind: str) -> None:
    model.fail_next(int(kind) if kind.isdigit() else kind)


def _note(meta: Meta, request: dict[str, Any], response: Any, status: int | None, ms: float) -> None:
    said = last_words(request.get("messages", []))
    shown = without_data(request)
    meta.note("model", "model.reply", detail=said, request=shown, response=response, status=status, ms=ms)


def _is_ours(url: str, port: int) -> bool:
    address = urlsplit(url)
    return address.hostname in LOOPBACK and address.port == port


def _is_unforeseen(record: logging.LogRecord) -> bool:
    """A refusal or an armed failure is on the page already; only what broke belongs in the log."""
    return record.exc_info is not None


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
