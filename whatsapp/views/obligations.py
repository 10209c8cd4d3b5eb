"""What Meta obliges us to answer: a person takes our permission back, or wants their data deleted.

Knows requests, signatures and the page; what is done is `lifecycle`. Nothing that is not signed is stored.
"""

import secrets
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from whatsapp import lifecycle, tasks
from whatsapp.models import DataDeletionRequest
from whatsapp.signature import read_signed_request


@csrf_exempt
@require_POST
def deauthorize(request: HttpRequest) -> HttpResponse:
    """https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow, "Deauthorize callback"."""
    facts = _facts(request)
    if facts is None:
        return _unsigned()
    lifecycle.app_removed(_user_id(facts))
    return HttpResponse("OK", content_type="text/plain")


@csrf_exempt
@require_POST
def delete_data(request: HttpRequest) -> HttpResponse:
    """https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback."""
    facts = _facts(request)
    if facts is None:
        return _unsigned()
    with transaction.atomic():
        wanted = DataDeletionRequest.objects.create(
            confirmation_code=secrets.token_urlsafe(16), meta_user_id=_user_id(facts)
        )
        tasks.queue_deletion(wanted)
    page = urljoin(settings.META_REDIRECT_URI, reverse("data-deletion", args=[wanted.confirmation_code]))
    return JsonResponse({"url": page, "confirmation_code": wanted.confirmation_code})


@require_GET
@never_cache
def data_deletion(request: HttpRequest, confirmation_code: str) -> HttpResponse:
    """How far the deletion is, for the person who asked for it. 404 for a code that we did not give."""
    wanted = get_object_or_404(DataDeletionRequest, confirmation_code=confirmation_code)
    return render(request, "privacy/data_deletion.html", {"wanted": wanted})


def _facts(request: HttpRequest) -> dict[str, Any] | None:
    text = request.POST.get("signed_request", "")
    return read_signed_request(text, settings.META_APP_SECRET, *settings.META_APP_SECRET_FALLBACKS)


def _user_id(facts: dict[str, Any]) -> str:
    return str(facts.get("user_id") or "").replace("\0", "")[:64]


def _unsigned() -> HttpResponse:
    return HttpResponseBadRequest("The signature does not match.", content_type="text/plain")
