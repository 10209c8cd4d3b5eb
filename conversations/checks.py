"""Says at the start what would lose something later: media without a place, events forgotten too soon."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

LEAST_EVENT_LOG_DAYS = 8
BESIDE_THE_BUCKET = (
    "MEDIA_S3_ENDPOINT_URL",
    "MEDIA_S3_REGION",
    "MEDIA_S3_ACCESS_KEY_ID",
    "MEDIA_S3_SECRET_ACCESS_KEY",
)


@register()
def s3_is_set_wholly_or_not_at_all(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An error when there is no bucket for what is set beside it, or half a key."""
    given = [name for name in BESIDE_THE_BUCKET if getattr(settings, name)]
    if given and not settings.MEDIA_S3_BUCKET:
        hint = "Set MEDIA_S3_BUCKET too, or none of them: media are kept in MEDIA_ROOT then."
        return [Error(f"MEDIA_S3_BUCKET is not set, but {', '.join(given)}.", hint=hint, id="conversations.E001")]
    if bool(settings.MEDIA_S3_ACCESS_KEY_ID) != bool(settings.MEDIA_S3_SECRET_ACCESS_KEY):
        text = "MEDIA_S3_ACCESS_KEY_ID and MEDIA_S3_SECRET_ACCESS_KEY belong together."
        return [Error(text, hint="Set both, or neither for the machine's own role.", id="conversations.E002")]
    return []


@register(Tags.files, deploy=True)
def media_can_be_kept(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A warning when MEDIA_ROOT neither can be written to nor made; workers go on trying, and customers wait."""
    if settings.MEDIA_S3_BUCKET or _can_be_written(Path(settings.MEDIA_ROOT)):
        return []
    hint = "Every web and worker process must be able to write there; or set MEDIA_S3_BUCKET."
    return [
        checks.Warning(f"MEDIA_ROOT {settings.MEDIA_ROOT} cannot be written to.", hint=hint, id="conversations.W001")
    ]


@register()
def events_outlive_metas_repeats(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Meta repeats an event for up to seven days, and the event's row is what knows a repeat.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
    """
    if settings.EVENT_LOG_DAYS >= LEAST_EVENT_LOG_DAYS:
        return []
    hint = f"Set EVENT_LOG_DAYS to {LEAST_EVENT_LOG_DAYS} or more: Meta repeats its events for 7 days."
    return [Error("EVENT_LOG_DAYS is too short.", hint=hint, id="conversations.E003")]


def _can_be_written(place: Path) -> bool:
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
