"""How staff take a conversation over on its page: they write, silence the agent and hand back, each time logged.

Knows forms, doors and words; what it means for the agent is in `takeover`.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from conversations import takeover
from conversations.models import Conversation, Message, Through, Writer
from conversations.outbound import MAX_TEXT
from tenants.authentication import name_of
from tenants.endless import EndlessAdmin
from tenants.ids import uuid7

SPEAKING: dict[str, Promise] = {
    "": _("A person of the business speaks"),
    Through.ECHO: _("A person speaks in the WhatsApp Business app"),
    Through.API: _("%(name)s speaks through the API"),
    Through.STAFF: _("%(name)s speaks from the back office"),
    Through.HANDOVER: _("The agent has handed over to a person"),
    Through.LIMIT: _("Too many turns, or the same words again and again"),
}
LENGTHS = [
    (30, _("30 minutes")),
    (60, _("1 hour")),
    (4 * 60, _("4 hours")),
    (12 * 60, _("12 hours")),
    (24 * 60, _("1 day")),
    (7 * 24 * 60, _("1 week")),
]


class Words(forms.CharField):
    """As they were written: browsers end lines in two characters."""

    widget = forms.Textarea(attrs={"rows": 4, "dir": "auto"})

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class ReplyForm(forms.Form):
    text = Words(max_length=MAX_TEXT, label=_("Your message to the customer"))
    # Chosen with the page, so that a form that is sent twice is one message.
    message_id = forms.UUIDField(required=False, initial=uuid7, widget=forms.HiddenInput)


class SilenceForm(forms.Form):
    minutes = forms.TypedChoiceField(choices=LENGTHS, initial=12 * 60, coerce=int, label=_("Silence the agent for"))


def who_speaks(conversation: Conversation) -> str:
    """Who keeps the agent silent."""
    return str(SPEAKING[conversation.paused_by]) % {"name": conversation.paused_by_name}


class TakeoverAdmin(EndlessAdmin):
    """The doors of a conversation's page."""

    def get_urls(self) -> list[URLPattern]:
        doors = [("reply", self.reply), ("silence", self.silence), ("resume", self.resume)]
        return [
            *(
                path(f"<uuid:pk>/{word}/", self.admin_site.admin_view(view), name=f"conversations_conversation_{word}")
                for word, view in doors
            ),
            *super().get_urls(),
        ]

    def may_speak(self, request: HttpRequest) -> bool:
        """Nobody edits a conversation. To speak in it is what the permission to change allows."""
        return admin.ModelAdmin.has_change_permission(self, request)

    def doors(self, request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
        """What the page says of who speaks, and the forms for who may."""
        forms = {"reply": ReplyForm(), "silence": SilenceForm(auto_id="silence_%s")}
        return {
            "speaks": who_speaks(conversation) if conversation.is_paused else "",
            "obstacle": takeover.obstacle(conversation),
            "doors": forms if self.may_speak(request) else None,
        }

    @method_decorator(require_POST)
    @transaction.atomic
    def reply(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        conversation = self._locked(request, pk)
        form = ReplyForm(request.POST)
        if not form.is_valid():
            return self.back(request, conversation, messages.ERROR, _errors(form))
        text, message_id = form.cleaned_data["text"], form.cleaned_data["message_id"]
        twin = Message.objects.filter(pk=message_id).first()
        if twin and (twin.conversation_id, twin.text) == (conversation.pk, text):
            return self.back(request, conversation, messages.WARNING, gettext("This message was sent already."))
        chosen = {"pk": message_id} if message_id and not twin else {}
        try:
            message = takeover.say(conversation, text, writer_of(request), **chosen)
        except takeover.CannotWrite as error:
            told = f"{error.problem.what} {error.problem.to_do}"
            return self.back(request, conversation, messages.ERROR, told)
        self.log_change(request, conversation, gettext("Wrote to the customer."))
        self.message_user(request, gettext("Your message is on its way."), messages.SUCCESS)
        return redirect(f"{page_of(conversation)}#m{message.sequence}")

    @method_decorator(require_POST)
    @transaction.atomic
    def silence(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        conversation = self._locked(request, pk)
        form = SilenceForm(request.POST)
        if not form.is_valid():
            return self.back(request, conversation, messages.ERROR, _errors(form))
        minutes = form.cleaned_data["minutes"]
        takeover.silence(conversation, minutes, writer_of(request))
        length = dict(LENGTHS)[minutes]
        self.log_change(request, conversation, gettext("Silenced the agent for %(length)s.") % {"length": length})
        told = gettext("The agent is silent for %(length)s.") % {"length": length}
        return self.back(request, conversation, messages.SUCCESS, told)

    @method_decorator(require_POST)
    @transaction.atomic
    def resume(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        conversation = self._locked(request, pk)
        takeover.hand_back(conversation)
        self.log_change(request, conversation, gettext("Handed back to the agent."))
        told = gettext("The agent speaks again, and answers what nobody has answered.")
        return self.back(request, conversation, messages.SUCCESS, told)

    def _locked(self, request: HttpRequest, pk: UUID) -> Conversation:
        if not self.may_speak(request):
            raise PermissionDenied
        return get_object_or_404(takeover.locked(Conversation.objects.all()), pk=pk)

    def back(self, request: HttpRequest, conversation: Conversation, level: int, told: str) -> HttpResponse:
        """To the page, which says what came of it."""
        self.message_user(request, told, level)
        return redirect(page_of(conversation))


def _errors(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def page_of(conversation: Conversation) -> str:
    """The address of its page."""
    return reverse("admin:conversations_conversation_change", args=[conversation.pk])


def writer_of(request: HttpRequest) -> Writer:
    """Who of the staff writes."""
    return Writer(Through.STAFF, name_of(request.user))
