"""Every URL of the product. The simulator is not among them: it has a port of its own."""

from django.contrib import admin
from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("", include("tenants.urls")),
    path("", include("whatsapp.urls")),
    path("", include("agent.urls")),
    path("", include("conversations.urls")),
]

handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
