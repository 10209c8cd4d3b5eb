"""How conversations and messages look in the API. Shapes only."""

from datetime import datetime

from rest_framework import serializers

from conversations.downloads import signed_url, url_expires_at
from conversations.models import Attachment, Conversation, Message, WhatsappUser


class WhatsappUserSerializer(serializers.ModelSerializer[WhatsappUser]):
    class Meta:
        model = WhatsappUser
        fields = ("id", "wa_id", "user_id", "name")


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    whatsapp_user = WhatsappUserSerializer()
    phone_number_id = serializers.CharField(source="connection.phone_number_id")
    answer_due = serializers.SerializerMethodField(help_text="Whether the customer is waiting for the agent.")

    class Meta:
        model = Conversation
        fields = ("id", "whatsapp_user", "phone_number_id", "answer_due", "created_at", "last_message_at")

    def get_answer_due(self, conversation: Conversation) -> bool:
        return conversation.answer_due_at is not None


class MediaSerializer(serializers.ModelSerializer[Attachment]):
    """What a customer sent beside words."""

    mime_type = serializers.SerializerMethodField()
    size = serializers.IntegerField(source="file.size", allow_null=True, default=None)
    sha256 = serializers.CharField(source="file.sha256", allow_null=True, default=None, help_text="In hexadecimal.")
    url = serializers.SerializerMethodField(help_text="The file, for a few minutes, without a key. Null until stored.")
    url_expires_at = serializers.SerializerMethodField()
    error = serializers.CharField(help_text="Why it is not here, or has no transcript; empty when all is well.")

    class Meta:
        model = Attachment
        fields = (
            "id",
            "status",
            "mime_type",
            "filename",
            "size",
            "sha256",
            "url",
            "url_expires_at",
            "transcript",
            "error",
        )

    def get_mime_type(self, attachment: Attachment) -> str:
        return attachment.file.mime_type if attachment.file else attachment.mime_type

    def get_url(self, attachment: Attachment) -> str | None:
        return signed_url(attachment, self.context["request"]) if attachment.file else None

    def get_url_expires_at(self, attachment: Attachment) -> datetime | None:
        return url_expires_at() if attachment.file else None


class MessageSerializer(serializers.ModelSerializer[Message]):
    media = MediaSerializer(source="attachment", read_only=True, allow_null=True)

    class Meta:
        model = Message
        fields = (
            "id",
            "direction",
            "text",
            "media",
            "status",
            "status_at",
            "sent_at",
            "created_at",
            "wamid",
            "in_reply_to",
            "error_code",
            "error",
            "note",
        )


class PageSerializer(serializers.Serializer[dict[str, object]]):
    """What every list has around its data."""

    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True, help_text="Give it as `cursor` for the next page.")


class ConversationPageSerializer(PageSerializer):
    data = ConversationSerializer(many=True)  # type: ignore[assignment]  # its name on the wire


class MessagePageSerializer(PageSerializer):
    data = MessageSerializer(many=True)  # type: ignore[assignment]  # its name on the wire
