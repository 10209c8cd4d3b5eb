"""The URLs of the signup; they are the mission's own."""

from django.urls import path

from whatsapp.views import ConnectionView, SignupSessionView, meta_callback

urlpatterns = [
    path("v1/whatsapp/embedded-signup/session", SignupSessionView.as_view()),
    path("v1/whatsapp/connection", ConnectionView.as_view()),
    path("oauth/meta/callback", meta_callback),
]
