"""The tenant's numbers: how each is, and what can be done about it.

Knows requests; the doctor is `health`. How a number is disconnected is at home with the conversations.
"""

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext, gettext_lazy, override
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import tenant_of
from whatsapp import health, roundtrip
from whatsapp.models import WhatsappConnection
from whatsapp.serializers import (
    ConnectionListSerializer,
    ConnectionSerializer,
    RepairSerializer,
    TestMessageSerializer,
)


class NotConnected(APIException):
    """There is no access to Meta to do it with."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "not_connected"
    default_detail = gettext_lazy("This number is not connected.")


def connections_of(request: Request) -> QuerySet[WhatsappConnection]:
    """The tenant's numbers, the newest first."""
    return WhatsappConnection.objects.for_tenant(tenant_of(request)).order_by("-created_at")


def connection_of(request: Request, connection_id: UUID) -> WhatsappConnection:
    """The tenant's number with this id. Raises Http404 for anybody else's."""
    return get_object_or_404(connections_of(request), pk=connection_id)


def answer(connection: WhatsappConnection) -> Response:
    """The number as it stands in the database now."""
    connection.refresh_from_db()
    return Response(ConnectionSerializer(connection).data)


class ConnectionView(APIView):
    @extend_schema(
        operation_id="get_connection",
        responses=ConnectionSerializer,
        description="The tenant's number: the newest one that is connected, else the newest there is.",
    )
    def get(self, request: Request) -> Response:
        connections = connections_of(request)
        best = connections.filter(status=WhatsappConnection.Status.CONNECTED).first() or connections.first()
        if best is None:
            nothing = dict.fromkeys(ConnectionSerializer.Meta.fields)
            empty = {"status_reason": "", "findings": [], "templates_error": ""}
            return Response(nothing | empty | {"status": "NOT_CONNECTED"})
        return Response(ConnectionSerializer(best).data)


class ConnectionsView(APIView):
    @extend_schema(
        operation_id="list_connections",
        responses=ConnectionListSerializer,
        description="Every number of the tenant, the newest first.",
    )
    def get(self, request: Request) -> Response:
        return Response(ConnectionListSerializer({"data": connections_of(request)}).data)


class OneConnectionView(APIView):
    @extend_schema(
        operation_id="get_connection_by_id",
        responses=ConnectionSerializer,
        description="One number of the tenant. 404 when it is not the tenant's.",
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        return Response(ConnectionSerializer(connection_of(request, connection_id)).data)


class CheckView(APIView):
    @extend_schema(
        operation_id="check_connection",
        request=None,
        responses=ConnectionSerializer,
        description="Asks Meta how the number is, now. What cannot be checked is `unknown`.",
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        connection = connection_of(request, connection_id)
        health.examine(connection)
        return answer(connection)


class RepairView(APIView):
    @extend_schema(
        operation_id="repair_connection",
        request=RepairSerializer,
        responses=ConnectionSerializer,
        description="Does what a machine can about the findings that say `can_repair`, and checks again. What Meta "
        "refuses is in `problem`.",
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        wanted = RepairSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        connection = connection_of(request, connection_id)
        health.repair(connection, **wanted.validated_data)
        return answer(connection)


class TestMessageView(APIView):
    @extend_schema(
        operation_id="send_test_message",
        request=TestMessageSerializer,
        responses=ConnectionSerializer,
        description="Sends a message to a phone of yours, which must have written to the number within 24 hours. "
        "What becomes of it is in the finding `test_message`. 409 when the number is not connected.",
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        wanted = TestMessageSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        connection = connection_of(request, connection_id)
        if not connection.access_token:
            raise NotConnected
        with override(connection.tenant.language):
            text = gettext("This is a test message. Your number is connected.")
        roundtrip.send_test(connection, wanted.validated_data["to"], text)
        return answer(connection)
