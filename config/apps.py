"""Makes our staff site the default admin site, so that every app registers with it by the ordinary decorator."""

from django.contrib.admin.apps import AdminConfig


class BackofficeConfig(AdminConfig):
    default_site = "config.backoffice.Backoffice"
