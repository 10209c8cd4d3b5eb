"""Where Meta knocks: the handshake, and every event of every tenant.

Knows the request and its signature. Answers 200 only when the event is durable, and then whatever was in it:
Meta would repeat anything else for days.
"""

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conversations import inbound
from whatsapp.signature import is_signed


@csrf_exempt
@require_http_methods(["GET", "POST"])
def whatsapp_webhook(request: HttpRequest) -> HttpResponse:
    """GET: Meta verifies the URL. POST: an event; 401, with nothing stored, when Meta did not sign it."""
    if request.method == "GET":
        return _handshake(request)
    secrets = settings.META_APP_SECRET, *settings.META_APP_SECRET_FALLBACKS
    if not is_signed(request.body, request.headers.get("X-Hub-Signature-256", ""), *secrets):
        return HttpResponse("The signature does not match.", status=401, content_type="text/plain")
    inbound.process([inbound.accept(request.body)], patient=False)
    return HttpResponse("EVENT_RECEIVED", content_type="text/plain")


def _handshake(request: HttpRequest) -> HttpResponse:
    """The challenge, exactly as it came and as plain text, for who knows the verify token; else 403.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
    """
    token, expected = request.GET.get("hub.verify_token", ""), settings.META_WEBHOOK_VERIFY_TOKEN
    known = bool(expected) and hmac.compare_digest(token.encode(), expected.encode())
    if request.GET.get("hub.mode") != "subscribe" or not known:
        return HttpResponse("The verify token does not match.", status=403, content_type="text/plain")
    return HttpResponse(request.GET.get("hub.challenge", ""), content_type="text/plain")
