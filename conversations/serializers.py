"""How conversations and messages look in the API. Shapes only."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversations.downloads import signed_url, url_expires_at
from conversations.models import Attachment, Conversation, Decision, Message, Through, WhatsappUser
from conversations.problems import problem_of
from conversations.reasons import told
from conversations.wording import transcript_text
from tenants.pagination import PageSerializer
from whatsapp.refusals import Next

PAUSED = "Until when the agent is silent because a person of the business speaks; null when it is not."
PAUSED_BY = "Through what the agent was silenced: a person who writes or says so, a handover, a limit; null when not."

PAUSED_BY_NAME = "Who silenced it, where known: the person, or the API key's name."
PAUSED_REASON = (
    "Why the agent has handed over or stopped: in the language that was asked for, or in the model's own words."
)
PERSON_DUE = "Whether the customer has been handed over, and no person has written since."
WRITTEN_THROUGH = "Where a person of the business wrote it, or that the agent hands over by it; null for all else."
WRITTEN_BY = "The person of the business, or the name of the API key, where known."
WINDOW = "Until when one may write freely: 24 hours after the customer's last message. Null when they never wrote."
TRANSCRIPT = "The message in words, whatever its type, in the language that was asked for (`Accept-Language`)."
CONTENT = "What there is beside the words, by type: coordinates, contacts, what was chosen, the order, Meta's errors."
PRICING = "What Meta charges for it, in Meta's words (`type`, `category`, `pricing_model`); null until Meta says so."
WAMID = "Meta's id of the message; null until Meta has taken it."
REFERS_TO = "The `wamid` of the message that this one quotes, reacts to, edits or deletes."
PART_OF = "The `id` of the first message of a reply that was too long for one message; null for that one itself."
PROBLEM = "Why it did not go out, or may not have, in the language that was asked for; null when nothing is wrong."
NOTE = "Why the agent said this instead of an answer of its own; in the language that was asked for where it is ours."
DETAIL = "What exactly; may be in the words of Meta or of the model's maker."
KINDS = [kind.value for kind in Next]
KIND = (
    "What follows: `retry` (by itself), `reconnect`, `window` (wait for the customer, or send a template), "
    "`tenant_action` (at Meta, or here), `give_up`, `unknown` (Meta may have it)."
)
RESENDS = "The message whose words these are, sent once more because Meta never said what became of it."
USER_ID = "Meta's id of the person within the tenant's business portfolio."


class WhatsappUserSerializer(serializers.ModelSerializer[WhatsappUser]):
    class Meta:
        model = WhatsappUser
        fields = ("id", "wa_id", "user_id", "name", "username", "contact_name", "marketing")
        read_only_fields = fields
        extra_kwargs = {
            "wa_id": {"help_text": "The phone number's digits; null when the customer does not show it."},
            "user_id": {"help_text": USER_ID},
            "name": {"help_text": "As the customers call themselves."},
            "username": {"help_text": "Changes: for display only."},
        }


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    whatsapp_user = WhatsappUserSerializer(read_only=True)
    phone_number_id = serializers.CharField(
        source="connection.phone_number_id", read_only=True, help_text="Of the number that the customer wrote to."
    )
    answer_due = serializers.SerializerMethodField(help_text="Whether the customer is waiting for the agent.")
    agent_paused_until = serializers.SerializerMethodField(help_text=PAUSED)
    paused_by = serializers.SerializerMethodField(help_text=PAUSED_BY)
    paused_by_name = serializers.SerializerMethodField(help_text=PAUSED_BY_NAME)
    paused_reason = serializers.SerializerMethodField(help_text=PAUSED_REASON)
    person_due = serializers.SerializerMethodField(help_text=PERSON_DUE)
    window_closes_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text=WINDOW)

    class Meta:
        model = Conversation
        fields = (
            "id",
            "whatsapp_user",
            "phone_number_id",
            "answer_due",
            "agent_paused_until",
            "paused_by",
            "paused_by_name",
            "paused_reason",
            "person_due",
            "window_closes_at",
            "created_at",
            "last_message_at",
        )
        read_only_fields = fields

    def get_answer_due(self, conversation: Conversation) -> bool:
        return conversation.answer_due_at is not None

    def get_agent_paused_until(self, conversation: Conversation) -> datetime | None:
        return conversation.agent_paused_until if conversation.is_paused else None

    @extend_schema_field(serializers.ChoiceField(choices=Through.choices, allow_null=True))
    def get_paused_by(self, conversation: Conversation) -> str | None:
        return (conversation.paused_by or None) if conversation.is_paused else None

    def get_paused_by_name(self, conversation: Conversation) -> str:
        return conversation.paused_by_name if conversation.is_paused else ""

    def get_paused_reason(self, conversation: Conversation) -> str:
        return told(conversation.paused_reason) if conversation.is_paused else ""

    def get_person_due(self, conversation: Conversation) -> bool:
        return conversation.person_due_at is not None


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


class MessageProblemSerializer(serializers.Serializer[object]):
    """Why a message did not go out, or may not have."""

    code = serializers.IntegerField(allow_null=True, help_text="Meta's, when it is Meta who refused.")
    kind = serializers.ChoiceField(choices=KINDS, help_text=KIND)
    what = serializers.CharField(help_text="What has happened, in a sentence for people.")
    to_do = serializers.CharField(help_text="What to do now.")


class MessageSerializer(serializers.ModelSerializer[Message]):
    written_through = serializers.SerializerMethodField(help_text=WRITTEN_THROUGH)
    content = serializers.SerializerMethodField(help_text=CONTENT)
    transcript = serializers.SerializerMethodField(help_text=TRANSCRIPT)
    refers_to = serializers.SerializerMethodField(help_text=REFERS_TO)
    pricing = serializers.DictField(read_only=True, allow_null=True, help_text=PRICING)
    media = MediaSerializer(source="attachment", read_only=True, allow_null=True)
    problem = serializers.SerializerMethodField(help_text=PROBLEM)
    note = serializers.SerializerMethodField(help_text=NOTE)

    class Meta:
        model = Message
        fields = (
            "id",
            "direction",
            "author",
            "written_through",
            "written_by",
            "type",
            "text",
            "transcript",
            "content",
            "refers_to",
            "said_at",
            "edited_at",
            "revoked_at",
            "media",
            "status",
            "status_at",
            "sent_at",
            "created_at",
            "wamid",
            "in_reply_to",
            "part_of",
            "resends",
            "pricing",
            "problem",
            "error_code",
            "error",
            "note",
        )
        read_only_fields = fields
        extra_kwargs = {
            "direction": {"help_text": "Seen from the business."},
            "author": {"help_text": "Who said it."},
            "written_by": {"help_text": WRITTEN_BY},
            "said_at": {"help_text": "Orders the conversation."},
            "edited_at": {"help_text": "When its author last changed it; null when never."},
            "revoked_at": {"help_text": "When its author deleted it; null when not."},
            "status": {"help_text": "How far it has come."},
            "status_at": {"help_text": "Since when the status is so."},
            "created_at": {"help_text": "When we stored it."},
            "wamid": {"help_text": WAMID},
            "part_of": {"help_text": PART_OF},
            "resends": {"help_text": RESENDS},
            "error_code": {"help_text": "Meta's, when the message failed."},
        }

    @extend_schema_field(serializers.ChoiceField(choices=Through.choices, allow_null=True))
    def get_written_through(self, message: Message) -> str | None:
        return message.written_through or None

    def get_content(self, message: Message) -> dict[str, Any]:
        """Without what is kept for staff alone, because nobody could say yet what is in it."""
        return {key: value for key, value in message.content.items() if key != "raw"}

    def get_transcript(self, message: Message) -> str:
        return transcript_text(message)

    @extend_schema_field(MessageProblemSerializer(allow_null=True))
    def get_problem(self, message: Message) -> object:
        problem = problem_of(message)
        return MessageProblemSerializer(problem).data if problem else None

    def get_note(self, message: Message) -> str:
        return told(message.note)

    def get_refers_to(self, message: Message) -> str | None:
        return message.refers_to or None


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    decision = serializers.ChoiceField(source="word", choices=Decision.Word.choices)
    what = serializers.CharField(source="get_word_display", help_text="The decision in words.")
    detail = serializers.SerializerMethodField(help_text=DETAIL)

    class Meta:
        model = Decision
        fields = ("at", "decision", "what", "detail")

    def get_detail(self, decision: Decision) -> str:
        return told(decision.detail)


class TraceSerializer(serializers.Serializer[dict[str, object]]):
    """What became of a message."""

    message = MessageSerializer()
    decisions = DecisionSerializer(many=True, help_text="The oldest first; kept for a bounded time.")
    answer = MessageSerializer(allow_null=True, help_text="What it was answered with, however that came out.")


class ConversationPageSerializer(PageSerializer):
    data = ConversationSerializer(many=True)  # type: ignore[assignment]  # its name on the wire


class MessagePageSerializer(PageSerializer):
    data = MessageSerializer(many=True)  # type: ignore[assignment]  # its name on the wire
