"""The way of what Meta posts past all the middleware that it does not need.

Knows where Meta posts; nothing of what.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from conversations.webhooks import whatsapp_webhook
from whatsapp.health import WEBHOOK_PATH


class WebhookMiddleware:
    """Leads what Meta posts straight to its view. There are more of these than of all other requests, and they need
    neither session nor language nor a form's token, and no headers for a browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and request.path_info == WEBHOOK_PATH:
            response = whatsapp_webhook(request)
            response.headers["Content-Length"] = str(len(response.content))  # which CommonMiddleware would have set
            return response
        return self.get_response(request)
