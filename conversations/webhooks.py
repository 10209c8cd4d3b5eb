"""Where Meta knocks: the handshake, and every event of every tenant.

Knows the request and its signature. Answers 200 only when the event is durable, and then whatever was in it:
Meta would repeat anything else for days.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conversations import inbound
from whatsapp.signature import challenge, is_signed


@csrf_exempt
@require_http_methods(["GET", "POST"])
def whatsapp_webhook(request: HttpRequest) -> HttpResponse:
    """GET: Meta verifies the URL. POST: an event; 401, with nothing stored, when Meta did not sign it."""
    if request.method == "GET":
        return _handshake(request)
    secrets = settings.META_APP_SECRET, *settings.META_APP_SECRET_FALLBACKS
    if not is_signed(request.body, request.headers.get("X-Hub-Signature-256", ""), *secrets):
        return HttpResponse("The signature does not match.", status=401, content_type="text/plain")
    inbound.take(request.body)
    return HttpResponse("EVENT_RECEIVED", content_type="text/plain")


def _handshake(request: HttpRequest) -> HttpResponse:
    answer = challenge(request.GET.dict(), settings.META_WEBHOOK_VERIFY_TOKEN)
    if answer is None:
        return HttpResponse("The verify token does not match.", status=403, content_type="text/plain")
    return HttpResponse(answer, content_type="text/plain")
