"""How connections and signups look in the API. The token and the PIN are not among the fields, by name."""

from rest_framework import serializers

from whatsapp.models import WhatsappConnection

STATUSES = ["NOT_CONNECTED", *WhatsappConnection.Status.values]


class SignupSerializer(serializers.Serializer[dict[str, object]]):
    connect_url = serializers.URLField(help_text="Open it in the browser of whoever owns the number.")
    expires_at = serializers.DateTimeField(help_text="The link is good once, until then.")


class ConnectionSerializer(serializers.ModelSerializer[WhatsappConnection]):
    status = serializers.ChoiceField(choices=STATUSES)

    class Meta:
        model = WhatsappConnection
        fields = (
            "status",
            "status_reason",
            "phone_number_id",
            "business_account_id",
            "display_phone_number",
            "verified_name",
            "connected_at",
        )
