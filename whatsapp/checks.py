"""Says at the start, by name, which setting is missing or wrong: before Meta or a tenant finds out."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from whatsapp.fields import key_ring

REQUIRED = ("META_APP_ID", "META_APP_SECRET", "META_CONFIG_ID", "META_REDIRECT_URI", "META_WEBHOOK_VERIFY_TOKEN")


@register()
def meta_is_configured(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An error for each of Meta's settings that is empty."""
    return [
        Error(f"{name} is not set.", hint=f"Set {name} in the environment; see .env.example.", id="whatsapp.E001")
        for name in REQUIRED
        if not getattr(settings, name)
    ]


@register()
def secrets_can_be_sealed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An error when the key ring is empty or holds something that is not a key."""
    try:
        key_ring()
    except ImproperlyConfigured as error:
        hint = "python -c 'import base64, os; print(\"k1:\" + base64.b64encode(os.urandom(32)).decode())'"
        return [Error(str(error), hint=f"Make one with: {hint}", id="whatsapp.E002")]
    return []


@register(Tags.security, deploy=True)
def meta_is_spoken_to_over_tls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Meta only redirects to HTTPS, and tokens must not travel in the clear."""
    return [
        checks.Warning(f"{name} is not an https URL.", id="whatsapp.W001")
        for name in ("META_REDIRECT_URI", "META_GRAPH_API_URL", "META_DIALOG_URL")
        if not getattr(settings, name).startswith("https://")
    ]
