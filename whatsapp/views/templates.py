"""The tenant's message templates: what may be sent outside the service window, and how it is read at Meta again.

Knows requests; what a template wants is in `templates`.
"""

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import tenant_of
from tenants.pagination import PAGE_PARAMETERS, page_of
from whatsapp import templates
from whatsapp.models import MessageTemplate, WhatsappConnection
from whatsapp.serializers import TemplatePageSerializer, TemplateSerializer, TemplateSyncSerializer
from whatsapp.views.connections import NotConnected, connection_of, connections_of

FILTERS = [
    OpenApiParameter("status", str, description="In Meta's words; only `APPROVED` ones can be sent."),
    OpenApiParameter("name", str, description="The whole name."),
    OpenApiParameter("language", str, description="As Meta spells it, such as `es` or `en_US`."),
    OpenApiParameter("connection", OpenApiTypes.UUID, description="Those of this number's account. 404 for others'."),
]


class TemplatesView(APIView):
    @extend_schema(
        operation_id="list_templates",
        parameters=[*PAGE_PARAMETERS, *FILTERS],
        responses=TemplatePageSerializer,
        description="The tenant's message templates as they were last read at Meta, what came last first. A template "
        "may be sent at any time; anything else only within 24 hours after the customer's last message.",
    )
    def get(self, request: Request) -> Response:
        return page_of(
            _narrowed(request),
            ("id",),
            request,
            lambda page: TemplateSerializer(page, many=True).data,
            filters=[parameter.name for parameter in FILTERS],
        )


class TemplateSyncView(APIView):
    @extend_schema(
        operation_id="sync_templates",
        request=None,
        responses={202: TemplateSyncSerializer},
        description="Has the templates of the number's account read at Meta soon; that also happens every day, and "
        "when Meta says that one has changed. Asking again is harmless. 409 when the number is not connected.",
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        connection = connection_of(request, connection_id)
        if connection.status not in (WhatsappConnection.Status.CONNECTED, WhatsappConnection.Status.RESTRICTED):
            raise NotConnected
        templates.queue_sync(connection)
        return Response(TemplateSyncSerializer(connection).data, status=status.HTTP_202_ACCEPTED)


def _narrowed(request: Request) -> QuerySet[MessageTemplate]:
    asked = request.query_params
    rows = MessageTemplate.objects.for_tenant(tenant_of(request))
    rows = rows.filter(**{name: asked[name] for name in ("status", "name", "language") if asked.get(name)})
    if connection_id := asked.get("connection"):
        try:
            wanted = serializers.UUIDField().to_internal_value(connection_id)
        except ValidationError as error:
            raise ValidationError({"connection": [_("This is not an id.")]}) from error
        connection = get_object_or_404(connections_of(request), pk=wanted)
        rows = rows.filter(business_account_id=connection.business_account_id)
    return rows
