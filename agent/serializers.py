"""How a system prompt looks in the API."""

from rest_framework import serializers

from agent.models import SystemPrompt


class SystemPromptSerializer(serializers.ModelSerializer[SystemPrompt]):
    class Meta:
        model = SystemPrompt
        fields = ("id", "version", "text", "note", "phone_number_id", "activated_at", "created_at")
