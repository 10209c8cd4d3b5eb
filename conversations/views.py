"""What a tenant reads of its conversations, and how its people speak in them.

Knows requests and pages; every query begins at the tenant.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import opening, takeover, trace
from conversations.erasure import queue_erasure
from conversations.models import Conversation, Message, Through, Writer
from conversations.serializers import (
    ConversationPageSerializer,
    ConversationSerializer,
    MessagePageSerializer,
    MessageSerializer,
    TraceSerializer,
)
from conversations.writing import PauseSerializer, WriteSerializer
from tenants.authentication import name_of, tenant_of
from tenants.idempotency import PARAMETER, once
from tenants.models import ApiKey
from tenants.pagination import PAGE_PARAMETERS, page_of
from whatsapp import lifecycle
from whatsapp.problems import Problem
from whatsapp.serializers import ConnectionSerializer, DisconnectSerializer
from whatsapp.templates import Unfitting
from whatsapp.views.connections import OneConnectionView, answer, connection_of


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

    @extend_schema(
        operation_id="write_message",
        parameters=[PARAMETER],
        request=WriteSerializer,
        responses={201: MessageSerializer},
        description="A person of the business writes to the customer: a `text`, or a `template` that Meta has "
        "approved. The message is stored as `drafted` and sent at once. After a text the agent is silent for the "
        "tenant's time; a template leaves it as it is, and can be sent at any time. 409 `outside_service_window` for a "
        "text when the customer's last message is more than 24 hours old; 409 `template_unknown`, "
        "`template_not_approved` or `template_not_supported` says what is wrong with a template, and 400 which values "
        "do not fit; 409 `not_connected` when the number cannot send.",
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        return once(request, lambda: self._write(request, conversation_id))

    @transaction.atomic
    def _write(self, request: Request, conversation_id: UUID) -> Response:
        wanted = WriteSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            message = _say(_locked(request, conversation_id), wanted.validated_data, _writer(request))
        except takeover.CannotWrite as error:
            raise Conflict(error.problem) from error
        except Unfitting as error:
            raise ValidationError({"template": error.errors}) from error
        return Response(MessageSerializer(message, context={"request": request}).data, status=status.HTTP_201_CREATED)


class Conflict(APIException):
    """It cannot be sent now; the detail says why, and what to do."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.what} {problem.to_do}")
        self.default_code = problem.code


class PauseView(APIView):
    @extend_schema(
        operation_id="pause_agent",
        request=PauseSerializer,
        responses=ConversationSerializer,
        description="Silences the agent in this conversation. What it was about to say is not sent.",
    )
    @transaction.atomic
    def post(self, request: Request, conversation_id: UUID) -> Response:
        wanted = PauseSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        conversation = _locked(request, conversation_id)
        takeover.silence(conversation, wanted.validated_data["minutes"], _writer(request))
        return Response(ConversationSerializer(conversation).data)


class ResumeView(APIView):
    @extend_schema(
        operation_id="resume_agent",
        request=None,
        responses=ConversationSerializer,
        description="Hands the conversation back to the agent, which answers what nobody has answered, and knows what "
        "was said meanwhile. Asking again is harmless.",
    )
    @transaction.atomic
    def post(self, request: Request, conversation_id: UUID) -> Response:
        conversation = _locked(request, conversation_id)
        takeover.hand_back(conversation)
        return Response(ConversationSerializer(conversation).data)


def _locked(request: Request, conversation_id: UUID) -> Conversation:
    """The tenant's conversation, held until the transaction ends. Raises Http404 for anybody else's."""
    rows = takeover.locked(Conversation.objects.for_tenant(tenant_of(request)))
    return get_object_or_404(rows, pk=conversation_id)


def _say(conversation: Conversation, wanted: dict[str, Any], writer: Writer) -> Message:
    if "template" in wanted:
        return opening.open_with(conversation, wanted["template"], writer)
    return takeover.say(conversation, wanted["text"], writer)


def _writer(request: Request) -> Writer:
    """A key writes under its own name, a member under theirs."""
    name = request.auth.name if isinstance(request.auth, ApiKey) else name_of(request.user)
    return Writer(Through.API, name)


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
