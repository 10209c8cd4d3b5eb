"""What may be asked of a conversation: to write in it, and to silence its agent. Shapes only."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversations.outbound import MAX_TEXT

LONGEST_VALUE = 2000
TEXT = {"type": "string", "maxLength": LONGEST_VALUE}
HEADER = "The value in the header: a text, or the address of the image, video or document."
BODY = "The values in the body: a list, in order; an object when they have names."
BUTTONS = "The values of the buttons that want one, in order: the end of an address, or a code."
MINUTES = "How long the agent is silent from now on; null for as long as after a person's words."
LONGEST_PAUSE_MINUTES = 60 * 24 * 30


class StrictCharField(serializers.CharField):
    """Only a string is one: DRF would take a number too."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"oneOf": [{"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": TEXT}]})
class BodyField(serializers.Field[Any, Any, Any, Any]):
    """The values of a template's body: a list, or an object when they have names."""

    def to_internal_value(self, data: object) -> Any:
        child = StrictCharField(max_length=LONGEST_VALUE)
        field = serializers.DictField if isinstance(data, dict) else serializers.ListField
        return field(child=child).run_validation(data)


class WriteTemplateSerializer(serializers.Serializer[dict[str, Any]]):
    """A template of `GET /v1/whatsapp/templates`, whose `example` shows what this one wants."""

    name = StrictCharField(max_length=512)
    language = StrictCharField(max_length=20)
    header = StrictCharField(max_length=LONGEST_VALUE, required=False, help_text=HEADER)
    body = BodyField(required=False, help_text=BODY)
    buttons = serializers.ListField(child=StrictCharField(max_length=LONGEST_VALUE), required=False, help_text=BUTTONS)


class WriteSerializer(serializers.Serializer[dict[str, Any]]):
    """Either words of one's own, or a template."""

    text = StrictCharField(max_length=MAX_TEXT, required=False)
    template = WriteTemplateSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) == 1:
            return attrs
        told = _("Give either a text or a template, not both.") if attrs else _("Give a text or a template.")
        raise serializers.ValidationError({"text": [told]})


class PauseSerializer(serializers.Serializer[dict[str, int | None]]):
    minutes = serializers.IntegerField(
        min_value=1, max_value=LONGEST_PAUSE_MINUTES, allow_null=True, default=None, help_text=MINUTES
    )
