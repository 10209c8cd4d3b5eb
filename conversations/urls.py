"""The URLs of the conversations: Meta's webhook, and the tenant's API."""

from django.urls import path

from conversations.downloads import MediaView
from conversations.views import (
    ConnectionEndView,
    ConversationsView,
    MessagesView,
    PauseView,
    ResumeView,
    TraceView,
)
from conversations.webhooks import whatsapp_webhook

urlpatterns = [
    path("v1/webhooks/whatsapp", whatsapp_webhook),
    path("v1/whatsapp/connections/<uuid:connection_id>", ConnectionEndView.as_view()),
    path("v1/media/<str:token>", MediaView.as_view(), name="media"),
    path("v1/conversations", ConversationsView.as_view()),
    path("v1/conversations/<uuid:conversation_id>/messages", MessagesView.as_view()),
    path("v1/conversations/<uuid:conversation_id>/messages/<uuid:message_id>/trace", TraceView.as_view()),
    path("v1/conversations/<uuid:conversation_id>/pause", PauseView.as_view()),
    path("v1/conversations/<uuid:conversation_id>/resume", ResumeView.as_view()),
]
