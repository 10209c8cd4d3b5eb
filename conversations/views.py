"""What a tenant reads of its conversations. Knows requests and pages; every query begins at the tenant."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import trace
from conversations.erasure import queue_erasure
from conversations.models import Conversation, Message
from conversations.pagination import DEFAULT_LIMIT, MAX_LIMIT, page_of
from conversations.serializers import (
    ConversationPageSerializer,
    ConversationSerializer,
    MessagePageSerializer,
    MessageSerializer,
    TraceSerializer,
)
from tenants.authentication import tenant_of
from whatsapp import lifecycle
from whatsapp.serializers import ConnectionSerializer, DisconnectSerializer
from whatsapp.views.connections import OneConnectionView, answer, connection_of

PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}; {DEFAULT_LIMIT} when not given."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]


class ConversationsView(APIView):
    @extend_schema(
        operation_id="list_conversations",
        parameters=PAGE_PARAMETERS,
        responses=ConversationPageSerializer,
        description="The tenant's conversations, the one with the newest message first.",
    )
    def get(self, request: Request) -> Response:
        rows = Conversation.objects.for_tenant(tenant_of(request)).select_related("whatsapp_user", "connection")
        return page_of(
            rows, ("last_message_at", "id"), request, lambda page: ConversationSerializer(page, many=True).data
        )


class MessagesView(APIView):
    @extend_schema(
        operation_id="list_messages",
        parameters=PAGE_PARAMETERS,
        responses=MessagePageSerializer,
        description="The messages of one conversation, what was said last first. 404 when it is not the tenant's.",
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        tenant = tenant_of(request)
        conversation = get_object_or_404(Conversation.objects.for_tenant(tenant), pk=conversation_id)
        messages = Message.objects.for_tenant(tenant).select_related("attachment__file")
        context = {"request": request}
        return page_of(
            messages.filter(conversation=conversation),
            ("said_at", "sequence"),
            request,
            lambda page: MessageSerializer(page, many=True, context=context).data,
        )


class TraceView(APIView):
    @extend_schema(
        operation_id="trace_message",
        responses=TraceSerializer,
        description="Why a message was answered as it was, or was not: every decision about it, with its time. "
        "404 when it is not the tenant's.",
    )
    def get(self, request: Request, conversation_id: UUID, message_id: UUID) -> Response:
        mine = Message.objects.for_tenant(tenant_of(request)).filter(conversation=conversation_id)
        message = get_object_or_404(mine.select_related("attachment__file"), pk=message_id)
        told = {
            "message": message,
            "decisions": trace.decisions_about(message),
            "answer": trace.answer_to(message),
        }
        return Response(TraceSerializer(told, context={"request": request}).data)


class ConnectionEndView(OneConnectionView):
    """A number of the tenant, which can be disconnected: here, because its conversations may have to go with it."""

    @extend_schema(
        operation_id="disconnect",
        request=DisconnectSerializer,
        responses=ConnectionSerializer,
        description="Ends our access at Meta and deletes its keys here. What was said is kept, or with "
        '`{"data": "erase"}` deleted within minutes. Asking again is harmless.',
    )
    def delete(self, request: Request, connection_id: UUID) -> Response:
        wanted = DisconnectSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        connection = connection_of(request, connection_id)
        lifecycle.disconnect(connection)
        if wanted.validated_data["data"] == "erase":
            queue_erasure(connection)
        return answer(connection)
