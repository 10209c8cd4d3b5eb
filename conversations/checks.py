"""Says at the start when events would be forgotten while Meta still repeats them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LEAST_EVENT_LOG_DAYS = 8


@register()
def events_outlive_metas_repeats(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Meta repeats an event for up to seven days, and the event's row is what knows a repeat.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
    """
    if settings.EVENT_LOG_DAYS >= LEAST_EVENT_LOG_DAYS:
        return []
    hint = f"Set EVENT_LOG_DAYS to {LEAST_EVENT_LOG_DAYS} or more: Meta repeats its events for 7 days."
    return [Error("EVENT_LOG_DAYS is too short.", hint=hint, id="conversations.E001")]
