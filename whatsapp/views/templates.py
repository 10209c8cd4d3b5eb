"""The tenant's message templates: what may be sent outside the service window, and how it is read at Meta again.

Knows requests; what a template wants is in `templates`.
"""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import tenant_of
from tenants.pagination import PAGE_PARAMETERS, page_of
from whatsapp import templates
from whatsapp.lifecycle import ALIVE
from whatsapp.models import MessageTemplate
from whatsapp.serializers import (
    TemplateFilterSerializer,
    TemplatePageSerializer,
    TemplateSerializer,
    TemplateSyncSerializer,
)
from whatsapp.views.connections import NotConnected, connection_of


class TemplatesView(APIView):
    @extend_schema(
        operation_id="list_templates",
        parameters=[*PAGE_PARAMETERS, TemplateFilterSerializer],
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
            filters=TemplateFilterSerializer().fields,
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
        if connection.status not in ALIVE:
            raise NotConnected
        templates.queue_sync(connection)
        return Response(TemplateSyncSerializer(connection).data, status=status.HTTP_202_ACCEPTED)


def _narrowed(request: Request) -> QuerySet[MessageTemplate]:
    asked = TemplateFilterSerializer(data=request.query_params)
    asked.is_valid(raise_exception=True)
    wanted = dict(asked.validated_data)
    if connection_id := wanted.pop("connection", None):
        wanted["business_account_id"] = connection_of(request, connection_id).business_account_id
    return MessageTemplate.objects.for_tenant(tenant_of(request)).filter(**wanted)
