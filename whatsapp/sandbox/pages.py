"""The two pages people see: the phone, and Meta's dialog "connect your WhatsApp".

Knows nothing of what the phone shows: its script asks `api` for that.
"""

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from whatsapp.sandbox.businesses import CATALOGUE, Business, business_with_id
from whatsapp.sandbox.composer_words import (
    ACCOUNT_GROUPS,
    APP_GROUPS,
    CUSTOMER_GROUPS,
    IDENTITIES,
    MEDIA_FAILURES,
    STATUSES,
    WAYS,
)
from whatsapp.sandbox.meta import Meta
from whatsapp.sandbox.scenarios import SCENARIOS
from whatsapp.sandbox.stage import stage_of
from whatsapp.sandbox.words import DEEDS, FAILURES, MODEL_FAILURES, SCENARIO_GROUPS, script_words

# https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow#login
DENIED = {
    "error": "access_denied",
    "error_code": "200",
    "error_description": "Permissions error",
    "error_reason": "user_denied",
}


def phone(request: HttpRequest) -> HttpResponse:
    """The phone, and beside it what happened."""
    stage = stage_of(request)
    webhook = urlsplit(stage.postman.url)
    context = {
        "model_name": stage.model_name,
        "product_url": f"{webhook.scheme}://{webhook.netloc}/",
        "words": script_words(),
        "failures": FAILURES,
        "media_failures": MEDIA_FAILURES,
        "panels": {"customer": CUSTOMER_GROUPS, "app": APP_GROUPS, "account": ACCOUNT_GROUPS},
        "identities": IDENTITIES,
        "statuses": STATUSES,
        "ways": WAYS,
        "deeds": DEEDS,
        "model_failures": {kind: MODEL_FAILURES[kind] for kind in stage.model_failures},
    }
    return render(request, "sandbox/phone.html", context)


def dialog(request: HttpRequest, version: str) -> HttpResponse:
    """Facebook Login for Business, as far as the product can tell.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/implementation
    """
    meta, redirect_uri = stage_of(request).meta, request.GET.get("redirect_uri", "")
    if request.GET.get("client_id") != meta.app_id or redirect_uri not in meta.redirect_uris:
        known = request.GET.get("client_id") == meta.app_id
        context = {"known_app": known, "redirect_uri": redirect_uri, "registered": meta.redirect_uris}
        return render(request, "sandbox/dialog_error.html", context, status=400)
    if request.method == "POST":
        return _decided(request, meta, redirect_uri)
    context = {"businesses": CATALOGUE, "app_id": meta.app_id, "version": version, "scenarios": SCENARIO_GROUPS}
    page = render(request, "sandbox/dialog.html", context)
    page.headers["Content-Security-Policy"] = _policy(redirect_uri)
    return page


def _decided(request: HttpRequest, meta: Meta, redirect_uri: str) -> HttpResponse:
    business = business_with_id(request.POST.get("business", ""))
    scenario = request.POST.get("scenario", "success")
    code = ""
    if request.POST.get("decision") == "continue" and business and scenario in SCENARIOS:
        code = meta.issue_code(business, redirect_uri, scenario)
    _note(request, meta, code, business, scenario)
    query = urlencode({**({"code": code} if code else DENIED), "state": request.GET.get("state", "")})
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return HttpResponseRedirect(f"{redirect_uri}{separator}{query}#_=_")


def _note(request: HttpRequest, meta: Meta, code: str, business: Business | None, scenario: str) -> None:
    """For the timeline: what was asked for, and what somebody chose."""
    shown = {"client_id": request.GET["client_id"], "redirect_uri": request.GET["redirect_uri"]}
    if not code or business is None:
        meta.note("dialog", "dialog.cancelled", request=shown)
        return
    chosen = SCENARIOS[scenario].always or business
    shown |= {"business": chosen.name, "scenario": scenario}
    meta.note("dialog", "dialog.continued", detail=chosen.name, request=shown)


def _policy(redirect_uri: str) -> str:
    """The project's policy, but the form's answer may lead back to the product: browsers hold redirects to it too."""
    target = urlsplit(redirect_uri)
    rules = {**settings.SECURE_CSP, "form-action": ["'self'", f"{target.scheme}://{target.netloc}"]}
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())
