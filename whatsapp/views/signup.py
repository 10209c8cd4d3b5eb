"""The doors of the signup: the tenant's API, and the pages that a person sees on the way back from Meta.

Knows requests and pages; the story itself is `onboarding`, the words are `words`.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import tenant_of
from whatsapp import onboarding, words
from whatsapp.models import EmbeddedSignupSession, Ending
from whatsapp.serializers import CodeSerializer, GoOnSerializer, SignupSerializer
from whatsapp.tasks import queue_check

STATUS_OF_ENDING = {
    Ending.CONNECTED: 200,
    Ending.CANCELLED: 200,
    Ending.CHOICE_NEEDED: 200,
    Ending.PIN_NEEDED: 200,
    Ending.META_UNAVAILABLE: 503,
}
PAGE_SALT, PAGE_LIFETIME_SECONDS = "whatsapp.signup", 3600


class SignupSessionView(APIView):
    @extend_schema(
        operation_id="begin_embedded_signup",
        request=None,
        responses={201: SignupSerializer},
        description="Begins to connect a number. Good once, for 15 minutes; asking again is harmless.",
    )
    def post(self, request: Request) -> Response:
        session, connect_url = onboarding.begin(tenant_of(request))
        session.connect_url = connect_url  # type: ignore[attr-defined]  # known now and never again
        return Response(SignupSerializer(session).data, status=status.HTTP_201_CREATED)


def _then_check(session: EmbeddedSignupSession) -> None:
    """After a signup the doctor comes by itself."""
    if session.ending == Ending.CONNECTED and session.connection is not None:
        queue_check(session.connection)


def _session_of(request: Request, session_id: UUID) -> EmbeddedSignupSession:
    return get_object_or_404(EmbeddedSignupSession.objects.for_tenant(tenant_of(request)), pk=session_id)


class SignupView(APIView):
    @extend_schema(
        operation_id="get_embedded_signup",
        responses=SignupSerializer,
        description="How a signup stands: its ending, what that means, what to do, and the numbers to choose from.",
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        return Response(SignupSerializer(_session_of(request, session_id)).data)

    @extend_schema(
        operation_id="go_on_with_embedded_signup",
        request=GoOnSerializer,
        responses=SignupSerializer,
        description="Goes on with a signup that Meta has granted: after choosing a number, with the number's PIN, or "
        "just once more. Steps that are done are not done again.",
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        wanted = GoOnSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        session = _session_of(request, session_id)
        onboarding.go_on(session, **wanted.validated_data)
        _then_check(session)
        return Response(SignupSerializer(session).data)


class SignupCodeView(APIView):
    @extend_schema(
        operation_id="grant_embedded_signup",
        request=CodeSerializer,
        responses=SignupSerializer,
        description="For Meta's JavaScript popup: the `code` of its answer, at once, for it lives 30 seconds. The ids "
        "that the browser was told may be given as a choice; what was really shared is asked of Meta.",
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        given = CodeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = _session_of(request, session_id)
        if session.claim():
            session.phone_number_id = given.validated_data["phone_number_id"]
            onboarding.grant(session, given.validated_data["code"], redirect_uri="")
            _then_check(session)
        return Response(SignupSerializer(session).data)


@require_GET
@never_cache
def meta_callback(request: HttpRequest) -> HttpResponse:
    """Where Meta sends the browser back. Answers a page for every ending; Meta's own words are never shown."""
    session = EmbeddedSignupSession.find(request.GET.get("state", ""))
    if session is None:
        return _page(request, words.UNKNOWN, status=400)
    if not session.claim():
        if session.used_at is None:
            return _page(request, words.EXPIRED, status=400)
        return _page(request, words.USED, session=session, status=200)
    onboarding.grant(session, request.GET.get("code", ""), settings.META_REDIRECT_URI)
    _then_check(session)
    return _standing(request, session)


@require_POST
@never_cache
def signup_goes_on(request: HttpRequest) -> HttpResponse:
    """The page's own buttons: a number chosen, a PIN given, or once more. Known by the signed token in the page."""
    try:
        key = signing.loads(request.POST.get("signup", ""), salt=PAGE_SALT, max_age=PAGE_LIFETIME_SECONDS)
    except signing.BadSignature:
        return _page(request, words.ENDED, status=400)
    session = get_object_or_404(EmbeddedSignupSession.objects.select_related("tenant", "connection"), pk=key)
    given = {name: value for name in ("phone_number_id", "pin") if (value := request.POST.get(name))}
    wanted = GoOnSerializer(data=given)
    if wanted.is_valid():
        onboarding.go_on(session, **wanted.validated_data)
        _then_check(session)
    return _standing(request, session, errors=wanted.errors)


def _standing(request: HttpRequest, session: EmbeddedSignupSession, errors: Any = None) -> HttpResponse:
    ending = Ending(session.ending)
    return _page(
        request, words.ENDINGS[ending], session=session, errors=errors, status=STATUS_OF_ENDING.get(ending, 400)
    )


def _page(
    request: HttpRequest,
    said: words.Words,
    *,
    status: int,
    session: EmbeddedSignupSession | None = None,
    errors: Any = None,
) -> HttpResponse:
    context = {"said": said, "session": session, "errors": errors}
    if session is not None:
        context |= {"connection": session.connection, "signup": signing.dumps(str(session.pk), salt=PAGE_SALT)}
    response = render(request, "oauth/ending.html", context, status=status)
    # The address of this page holds the code and the state.
    response.headers["Referrer-Policy"] = "same-origin"
    return response
