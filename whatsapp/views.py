"""The doors of the signup: the tenant's API, and the page that a person sees on the way back from Meta.

Knows requests and pages; the story itself is `onboarding`.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import tenant_of
from whatsapp import onboarding
from whatsapp.models import WhatsappConnection
from whatsapp.onboarding import Ending
from whatsapp.serializers import ConnectionSerializer, SignupSerializer

STATUS_OF_ENDING = {Ending.CONNECTED: 200, Ending.CANCELLED: 200, Ending.USED: 200, Ending.META_UNAVAILABLE: 503}


class SignupSessionView(APIView):
    @extend_schema(
        operation_id="begin_embedded_signup",
        request=None,
        responses={201: SignupSerializer},
        description="Begins to connect a number. Good once, for 15 minutes; asking again is harmless.",
    )
    def post(self, request: Request) -> Response:
        session, connect_url = onboarding.begin(tenant_of(request))
        answer = SignupSerializer({"connect_url": connect_url, "expires_at": session.expires_at})
        return Response(answer.data, status=status.HTTP_201_CREATED)


class ConnectionView(APIView):
    @extend_schema(
        operation_id="get_connection",
        responses=ConnectionSerializer,
        description="The tenant's number: the newest one that is connected, else the newest there is.",
    )
    def get(self, request: Request) -> Response:
        connections = WhatsappConnection.objects.for_tenant(tenant_of(request)).order_by("-created_at")
        best = connections.filter(status=WhatsappConnection.Status.CONNECTED).first() or connections.first()
        if best is None:
            nothing = dict.fromkeys(ConnectionSerializer.Meta.fields)
            return Response(nothing | {"status": "NOT_CONNECTED", "status_reason": ""})
        return Response(ConnectionSerializer(best).data)


@require_GET
@never_cache
def meta_callback(request: HttpRequest) -> HttpResponse:
    """Where Meta sends the browser back. Answers a page for every ending; Meta's own words are never shown."""
    signup = onboarding.come_back(request.GET.get("state", ""), request.GET.get("code", ""))
    response = render(
        request,
        "oauth/ending.html",
        {"ending": signup.ending, "connection": signup.connection},
        status=STATUS_OF_ENDING.get(signup.ending, 400),
    )
    # The address of this page holds the code and the state.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
