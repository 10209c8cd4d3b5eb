"""The conversations app: where what Meta says and what the agent says meet."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Conversations")

    def ready(self) -> None:
        from conversations import checks  # noqa: F401 (checks register themselves on import)
