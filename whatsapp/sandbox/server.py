"""The make-believe Meta's HTTP door: every address of the sandbox, none of which is ever an address of the product.

Knows nothing of how anything is answered; the phone page is in `pages` and `api`.
"""

import json
import socket
import time
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from whatsapp.sandbox import api, desk, pages
from whatsapp.sandbox.answers import ConnectionRefused, NeverAnswers
from whatsapp.sandbox.stage import LOOPBACK, Stage, stage_of


class SandboxHandler(WSGIHandler):
    """The project's middleware around the sandbox's own addresses."""

    def __init__(self, stage: Stage) -> None:
        """Everything that the views share."""
        super().__init__()
        self.stage = stage

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Only this machine is answered, so that no name on the internet can be pointed at the sandbox."""
        if urlsplit(f"//{request.META.get('HTTP_HOST', '')}").hostname not in LOOPBACK:
            return HttpResponse(
                "The sandbox answers on loopback addresses only.", status=421, content_type="text/plain"
            )
        request.urlconf = __name__
        request.stage = self.stage  # type: ignore[attr-defined]
        return super().get_response(cast("WSGIRequest", request))


@csrf_exempt
def graph(request: HttpRequest, graph_path: str, host: str = "") -> HttpResponse:
    """A Graph call or a download, however it ends."""
    query = {name: str(value) for name, value in request.GET.items()}
    try:
        answer = stage_of(request).meta.answer(
            str(request.method), f"{host}/{graph_path}", query, _body(request), dict(request.headers)
        )
    except ConnectionRefused:
        return _hang_up(request)
    except NeverAnswers:
        time.sleep(settings.META_TIMEOUT_SECONDS + 5)  # the caller's own time-out comes first
        return _hang_up(request)
    time.sleep(answer.delay)
    content = answer.body if isinstance(answer.body, str | bytes) else json.dumps(answer.body)
    return HttpResponse(content, status=answer.status, headers=answer.headers)


def _body(request: HttpRequest) -> dict[str, Any]:
    """JSON or a form: the Graph API takes both."""
    if request.content_type != "application/json":
        return {name: str(value) for name, value in request.POST.items()}
    body = json.loads(request.body or b"{}")
    return body if isinstance(body, dict) else {}


def _hang_up(request: HttpRequest) -> HttpResponse:
    """Closes the connection under the answer, which then reaches nobody."""
    connection: socket.socket = request.META["sandbox.connection"]
    connection.shutdown(socket.SHUT_RDWR)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def not_found(request: HttpRequest, unknown: str) -> JsonResponse:
    """For a wrong address, with the right ones."""
    return JsonResponse({"error": f"/{unknown} is nothing of the sandbox", "try": ["/", "/graph/"]}, status=404)


urlpatterns = [
    path("", pages.phone),
    path("<str:version>/dialog/oauth", pages.dialog),
    path("graph/<path:graph_path>", graph),
    path("graph-media/<path:graph_path>", graph, {"host": "graph-media"}),
    path("api/state", api.state),
    path("api/messages", desk.messages),
    path("api/sync", desk.sync),
    path("api/statuses", desk.statuses),
    path("api/release", desk.release),
    path("api/window", desk.window),
    path("api/samples/<str:kind>", api.sample),
    path("api/customers", api.customers),
    path("api/duplicate", api.duplicate),
    path("api/burst", api.burst),
    path("api/forge", api.forge),
    path("api/deeds", desk.deeds),
    path("api/failures", api.failures),
    path("<path:unknown>", not_found),
]
