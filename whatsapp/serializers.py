"""How connections and signups look in the API. The token and the PIN are not among the fields, by name."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.pagination import PageSerializer
from whatsapp import health, problems, templates
from whatsapp.findings import CHECKS
from whatsapp.models import EmbeddedSignupSession, Ending, MessageTemplate, WhatsappConnection
from whatsapp.words import ENDINGS

SYNCED_AT = "When the message templates of its account were last read at Meta; null when never."
SYNC_ERROR = "Why the last try to read them failed, in Meta's words; empty when it did not."
STATUSES = ["NOT_CONNECTED", *WhatsappConnection.Status.values]


class SharedNumberSerializer(serializers.Serializer[dict[str, object]]):
    """A number that was shared at Meta, to choose from."""

    phone_number_id = serializers.CharField(source="id")
    business_account_id = serializers.CharField()
    display_phone_number = serializers.CharField()
    verified_name = serializers.CharField()


class SignupSerializer(serializers.ModelSerializer[EmbeddedSignupSession]):
    connect_url = serializers.URLField(
        required=False, help_text="Only when the signup begins: open it in the browser of whoever owns the number."
    )
    expires_at = serializers.DateTimeField(help_text="The link is good once, until then.")
    what = serializers.SerializerMethodField(help_text="What has happened, in a sentence for people.")
    to_do = serializers.SerializerMethodField(help_text="What to do now.")
    numbers = SharedNumberSerializer(many=True)
    can_go_on = serializers.BooleanField(help_text="Whether the rest can be tried again without Meta's dialog.")
    connection_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = EmbeddedSignupSession
        fields = ("id", "connect_url", "expires_at", "ending", "what", "to_do", "numbers", "can_go_on", "connection_id")

    def get_what(self, session: EmbeddedSignupSession) -> str:
        return str(ENDINGS[Ending(session.ending)].what)

    def get_to_do(self, session: EmbeddedSignupSession) -> str:
        return str(ENDINGS[Ending(session.ending)].to_do)


class GoOnSerializer(serializers.Serializer[dict[str, str]]):
    phone_number_id = serializers.CharField(required=False, max_length=64, help_text="One of the shared numbers.")
    pin = serializers.RegexField(r"^\d{6}$", required=False, help_text="The number's own two-step PIN.")


class CodeSerializer(serializers.Serializer[dict[str, str]]):
    code = serializers.CharField(max_length=2000)
    phone_number_id = serializers.CharField(required=False, default="", allow_blank=True, max_length=64)
    waba_id = serializers.CharField(required=False, allow_blank=True, help_text="Not needed, and not trusted.")


class FindingSerializer(serializers.Serializer[object]):
    """One thing that the doctor looked at."""

    check = serializers.ChoiceField(choices=[*CHECKS])
    state = serializers.ChoiceField(choices=["ok", "warn", "bad", "unknown"])
    what = serializers.CharField(help_text="What is the case, in a sentence for people.")
    fix = serializers.CharField(help_text="What to do about it; empty when there is nothing to do.")
    can_repair = serializers.BooleanField(help_text="Whether `repair` does it.")


class ProblemSerializer(serializers.Serializer[object]):
    """What is wrong with a number as a whole."""

    code = serializers.CharField()
    what = serializers.CharField(help_text="What has happened, in a sentence for people.")
    to_do = serializers.CharField(help_text="What to do now.")


def _last_said(fact: str, meaning: str) -> serializers.CharField:
    """What Meta last said by itself, in its own word; null when it has not."""
    source = f"account_facts.{fact}"
    return serializers.CharField(
        source=source, read_only=True, allow_null=True, help_text=f"Meta's last word. {meaning}"
    )


class ConnectionSerializer(serializers.ModelSerializer[WhatsappConnection]):
    status = serializers.ChoiceField(choices=STATUSES)
    problem = serializers.SerializerMethodField()
    findings = serializers.SerializerMethodField(help_text="What the doctor saw the last time, not asked again now.")
    messaging_limit = _last_said(
        "limit.tier", "How many customers may be written to first in 24 hours: `TIER_250` … `TIER_UNLIMITED`."
    )
    quality = _last_said(
        "quality.word", "`FLAGGED` when it has become low, `UNFLAGGED` when it is low no more. Ratings are findings."
    )
    name_decision = _last_said("name.decision", "Of the name that was asked for: `APPROVED`, `REJECTED` …")

    templates_synced_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text=SYNCED_AT)
    templates_error = serializers.CharField(read_only=True, help_text=SYNC_ERROR)

    class Meta:
        model = WhatsappConnection
        fields = (
            "id",
            "status",
            "status_reason",
            "problem",
            "phone_number_id",
            "business_account_id",
            "display_phone_number",
            "verified_name",
            "name_decision",
            "quality",
            "messaging_limit",
            "connected_at",
            "token_expires_at",
            "last_checked_at",
            "findings",
            "templates_synced_at",
            "templates_error",
        )

    @extend_schema_field(ProblemSerializer(allow_null=True))
    def get_problem(self, connection: WhatsappConnection) -> object:
        problem = problems.problem_of(connection)
        return ProblemSerializer(problem).data if problem else None

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, connection: WhatsappConnection) -> object:
        return FindingSerializer(health.findings_of(connection), many=True).data


class ConnectionListSerializer(serializers.Serializer[dict[str, object]]):
    data = ConnectionSerializer(many=True)  # type: ignore[assignment]  # its name on the wire


class RepairSerializer(serializers.Serializer[dict[str, str]]):
    pin = serializers.RegexField(r"^\d{6}$", required=False, help_text="The number's own two-step PIN, if Meta asks.")


class TestMessageSerializer(serializers.Serializer[dict[str, str]]):
    to = serializers.RegexField(r"^\+[1-9][0-9]{6,14}$", help_text="A phone in E.164: `+34600000000`.")


class DisconnectSerializer(serializers.Serializer[dict[str, str]]):
    data = serializers.ChoiceField(choices=["keep", "erase"], default="keep")  # type: ignore[assignment]


class TemplateValueSerializer(serializers.Serializer[object]):
    """A value that a template wants."""

    place = serializers.ChoiceField(choices=["header", "body", "buttons"])
    kind = serializers.ChoiceField(
        choices=["text", "image", "video", "document", "url", "code"],
        help_text="A text, the address of a file, the end of a button's address, or a code to copy.",
    )
    name = serializers.CharField(help_text="Of the placeholder, or the button's label; empty for a file.")
    example = serializers.CharField(help_text="As Meta has approved it; may be empty.")


class TemplateSerializer(serializers.ModelSerializer[MessageTemplate]):
    text = serializers.SerializerMethodField(help_text="Header, body, footer and the buttons' labels, as they read.")
    values = serializers.SerializerMethodField(help_text="Every value that it wants, in order.")
    can_be_sent = serializers.SerializerMethodField(help_text="Whether Meta has approved it, and we can fill it in.")
    example = serializers.SerializerMethodField(
        help_text="A body for `POST /v1/conversations/{conversation_id}/messages` that sends it."
    )

    class Meta:
        model = MessageTemplate
        fields = (
            "id",
            "name",
            "language",
            "category",
            "status",
            "rejected_reason",
            "quality",
            "business_account_id",
            "parameter_format",
            "text",
            "values",
            "can_be_sent",
            "example",
            "synced_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "status": {"help_text": "In Meta's words: `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED` …"},
            "quality": {"help_text": "In Meta's words: `GREEN`, `YELLOW`, `RED` or `UNKNOWN`."},
            "parameter_format": {"help_text": "`POSITIONAL`: its `body` is a list; `NAMED`: an object."},
            "synced_at": {"help_text": "When it was last read at Meta."},
        }

    def get_text(self, template: MessageTemplate) -> str:
        return templates.lines_of(templates.parts_of(template.components))

    @extend_schema_field(TemplateValueSerializer(many=True))
    def get_values(self, template: MessageTemplate) -> object:
        return TemplateValueSerializer(templates.wants_of(template.components), many=True).data

    def get_can_be_sent(self, template: MessageTemplate) -> bool:
        return template.is_approved and not templates.strange_parts(template.components)

    def get_example(self, template: MessageTemplate) -> dict[str, Any]:
        values = templates.example_of(templates.wants_of(template.components), is_named=template.is_named)
        return {"template": {"name": template.name, "language": template.language, **values}}


class TemplateFilterSerializer(serializers.Serializer[dict[str, Any]]):
    status = serializers.CharField(required=False, help_text="In Meta's words; only `APPROVED` ones can be sent.")
    name = serializers.CharField(required=False, help_text="The whole name.")
    language = serializers.CharField(required=False, help_text="As Meta spells it, such as `es` or `en_US`.")
    connection = serializers.UUIDField(
        required=False, help_text="Those of this number's account. 404 when it is not the tenant's."
    )


class TemplatePageSerializer(PageSerializer):
    data = TemplateSerializer(many=True)  # type: ignore[assignment]  # its name on the wire


class TemplateSyncSerializer(serializers.ModelSerializer[WhatsappConnection]):
    templates_synced_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text=SYNCED_AT)
    templates_error = serializers.CharField(read_only=True, help_text=SYNC_ERROR)

    class Meta:
        model = WhatsappConnection
        fields = ("templates_synced_at", "templates_error")
