"""The URLs of the signup and of the connections."""

from django.urls import path

from whatsapp.views.connections import CheckView, ConnectionsView, ConnectionView, RepairView, TestMessageView
from whatsapp.views.obligations import data_deletion, deauthorize, delete_data
from whatsapp.views.signup import SignupCodeView, SignupSessionView, SignupView, meta_callback, signup_goes_on
from whatsapp.views.templates import TemplatesView, TemplateSyncView

urlpatterns = [
    path("v1/whatsapp/embedded-signup/session", SignupSessionView.as_view()),
    path("v1/whatsapp/embedded-signup/session/<uuid:session_id>", SignupView.as_view()),
    path("v1/whatsapp/embedded-signup/session/<uuid:session_id>/code", SignupCodeView.as_view()),
    path("v1/whatsapp/connection", ConnectionView.as_view()),
    path("v1/whatsapp/connections", ConnectionsView.as_view()),
    path("v1/whatsapp/connections/<uuid:connection_id>/check", CheckView.as_view()),
    path("v1/whatsapp/connections/<uuid:connection_id>/repair", RepairView.as_view()),
    path("v1/whatsapp/connections/<uuid:connection_id>/test-message", TestMessageView.as_view()),
    path("v1/whatsapp/connections/<uuid:connection_id>/templates/sync", TemplateSyncView.as_view()),
    path("v1/whatsapp/templates", TemplatesView.as_view()),
    path("oauth/meta/callback", meta_callback),
    path("oauth/meta/signup", signup_goes_on, name="signup-goes-on"),
    path("oauth/meta/deauthorize", deauthorize),
    path("oauth/meta/data-deletion", delete_data),
    path("oauth/meta/data-deletion/<str:confirmation_code>", data_deletion, name="data-deletion"),
]
