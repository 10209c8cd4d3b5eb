"""The URLs of a person's session."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from tenants.views import home

urlpatterns = [
    path("", home, name="home"),
    path(
        "login", LoginView.as_view(template_name="account/login.html", redirect_authenticated_user=True), name="login"
    ),
    path("logout", LogoutView.as_view(), name="logout"),
]
