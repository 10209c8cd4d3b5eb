"""The tenants app: who we serve. Knows nobody."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Tenants")

    def ready(self) -> None:
        from tenants import schema  # noqa: F401 (describes our keys to drf-spectacular on import)
