"""The URLs of the agent's API."""

from django.urls import path

from agent.views import SystemPromptView

urlpatterns = [path("v1/agent/system-prompt", SystemPromptView.as_view())]
