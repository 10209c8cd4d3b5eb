"""The staff site: Django's own admin, with our name and our look.

Knows which site it is; what stands in it is each app's own `admin.py`.
"""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class Backoffice(AdminSite):
    site_title = _("WhatsApp agents")
    site_header = _("WhatsApp agents")
    index_title = _("Back office")
