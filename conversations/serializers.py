"""How conversations and messages look in the API. Shapes only."""

from rest_framework import serializers

from conversations.models import Conversation, Message, WhatsappUser


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


class MessageSerializer(serializers.ModelSerializer[Message]):
    class Meta:
        model = Message
        fields = (
            "id",
            "direction",
            "text",
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
