"""The HTTP door of the make-believe Messages API."""

import json
import time
from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from agent.sandbox.checks import Json
from agent.sandbox.model import Model, error

HANG_SECONDS = 90.0


def wsgi(model: Model) -> WSGIApplication:
    """The same model behind HTTP."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        try:
            body = _body(environ)
            status, answered, answer = model.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], headers, body)
        except ValueError:
            status, answered, answer = error(400, "The request body is not valid JSON")
        except TimeoutError:
            time.sleep(HANG_SECONDS)  # whoever asks has gone by then
            status, answered, answer = error(500, "Timeout")
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        answered["Content-Length"] = str(len(content))
        start_response(f"{status} {_phrase(status)}", list(answered.items()))
        return [content]

    return application


def _body(environ: WSGIEnvironment) -> Json:
    body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  a wrong value from outside, not a wrong type of ours
    return body


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Overloaded"
