"""What a tenant may see of its agent. Knows requests; the rules are the model's."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agent.models import SystemPrompt
from agent.serializers import SystemPromptSerializer
from tenants.authentication import tenant_of


class SystemPromptView(APIView):
    @extend_schema(
        operation_id="get_system_prompt",
        responses=SystemPromptSerializer,
        parameters=[OpenApiParameter("phone_number_id", str, description="For this number; else the tenant's own.")],
        description="The system prompt in force. 404 when the tenant has none: the agent is silent then.",
    )
    def get(self, request: Request) -> Response:
        prompt = SystemPrompt.active_for(tenant_of(request), request.query_params.get("phone_number_id", ""))
        if prompt is None:
            raise NotFound(_("No system prompt is active, so the agent does not answer."))
        return Response(SystemPromptSerializer(prompt).data)
