"""Errors as RFC 9457 problem documents, for everything under /v1/.

Knows HTTP and DRF's exceptions; nothing of what went wrong in an app.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config.middleware import request_id

CONTENT_TYPE = "application/problem+json"


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: its own answer, with the body as a problem document.

    Returns None for what DRF does not know, so that Django logs it and answers 500.
    """
    response = exception_handler(error, context)
    if response is None:
        return None
    code = error.default_code if isinstance(error, APIException) else "error"
    document = problem(response.status_code, code, _detail(error, response))
    if isinstance(error, ValidationError):
        document["errors"] = response.data
    response.data = document
    response.content_type = CONTENT_TYPE
    return response


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    """The body of a problem document (https://www.rfc-editor.org/rfc/rfc9457)."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id.get(),
    }


def _detail(error: Exception, response: Response) -> str:
    if isinstance(error, ValidationError):
        return gettext("The request is not valid; see errors.")
    return str(response.data.get("detail", "")) if isinstance(response.data, dict) else str(error)


def describe(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """Hook of drf-spectacular: every operation may answer with a problem document."""
    text = {"type": "string"}
    properties = dict.fromkeys(("type", "title", "code", "detail", "request_id"), text)
    properties |= {"status": {"type": "integer"}, "errors": {"type": "object", "description": "By parameter or field."}}
    required = ["type", "title", "status", "code", "detail", "request_id"]
    result["components"]["schemas"]["Problem"] = {"type": "object", "properties": properties, "required": required}
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "What went wrong (RFC 9457).", "content": content}
    return result


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404: a problem document for programs, a page for people."""
    return _refusal(request, HTTPStatus.NOT_FOUND, "not_found", gettext("There is nothing here."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500: says that it is ours, and the id to ask about; never why."""
    return _refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, "error", gettext("Something failed on our side."))


def _refusal(request: HttpRequest, status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    if request.path.startswith("/v1/"):
        return JsonResponse(problem(status, code, detail), status=status, content_type=CONTENT_TYPE)
    return render(request, f"{status.value}.html", {"request_id": request_id.get()}, status=status)
