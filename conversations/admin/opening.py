"""How staff send a template on a conversation's page: choose one, fill it in, read it, send it; all without script.

Knows forms, pages and words; what may be sent is told in `opening`, and what a value must be in `whatsapp.templates`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations import opening, takeover
from conversations.admin.takeover import TakeoverAdmin, page_of, writer_of
from conversations.models import Conversation, Message
from conversations.writing import LONGEST_VALUE
from tenants.ids import uuid7
from whatsapp.models import MessageTemplate
from whatsapp.templates import Unfitting, Want, fill, lines_of, parts_of, trouble_with, wants_of

MOST_CHOICES = 100  # then it is found by its name
LABELS: dict[tuple[str, str], Promise] = {
    ("header", "text"): _("Header: in the place of {{%(name)s}}"),
    ("header", "image"): _("Header: the address of the image"),
    ("header", "video"): _("Header: the address of the video"),
    ("header", "document"): _("Header: the address of the document"),
    ("body", "text"): _("Text: in the place of {{%(name)s}}"),
    ("buttons", "url"): _("Button “%(name)s”: the end of its address"),
    ("buttons", "code"): _("Button “%(name)s”: the code to copy"),
}


class TemplateForm(forms.Form):
    """A field for each value that the template wants."""

    # Chosen with the page, so that a form that is sent twice is one message.
    message_id = forms.UUIDField(required=False, initial=uuid7, widget=forms.HiddenInput)
    template = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, chosen: MessageTemplate, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial={"template": chosen.pk})
        self.is_named = chosen.is_named
        self.wants = {f"value_{place}": want for place, want in enumerate(wants_of(chosen.components))}
        for name, want in self.wants.items():
            self.fields[name] = forms.CharField(
                max_length=LONGEST_VALUE,
                label=str(LABELS[want.place, want.kind]) % {"name": want.name},
                help_text=gettext("For example: %(example)s") % {"example": want.example} if want.example else "",
                validators=[partial(_must_fit, want)],
                widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
            )

    @property
    def values(self) -> dict[str, Any]:
        """In the shape in which a template is given its values."""
        given = [(want, self.cleaned_data[name]) for name, want in self.wants.items()]
        body = {want.name: value for want, value in given if want.place == "body"}
        found: dict[str, Any] = {"body": body if self.is_named else list(body.values())}
        found |= {want.place: value for want, value in given if want.place == "header"}
        found["buttons"] = [value for want, value in given if want.place == "buttons"]
        return {place: value for place, value in found.items() if value}


def _must_fit(want: Want, value: str) -> None:
    if trouble := trouble_with(want, value):
        raise ValidationError(trouble)


def approved(conversation: Conversation, name: str = "") -> QuerySet[MessageTemplate]:
    """The templates that can be chosen, by name; those whose name has this in it."""
    rows = opening.templates_of(conversation).filter(status=MessageTemplate.APPROVED).order_by("name", "language")
    return rows.filter(name__icontains=name) if name else rows


class OpeningAdmin(TakeoverAdmin):
    """One more door of a conversation's page, which leads through three pages of its own."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.template)
        return [path("<uuid:pk>/template/", view, name="conversations_conversation_template"), *super().get_urls()]

    def template(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Choose; then, with `template`, fill in; posted, read; posted with `confirmed`, sent."""
        if not self.may_speak(request):
            raise PermissionDenied
        conversation = get_object_or_404(self.get_queryset(request), pk=pk)
        chosen_id = request.POST.get("template") or request.GET.get("template")
        if not chosen_id:
            return self._choose(request, conversation)
        chosen = _chosen(conversation, chosen_id)
        if request.method != "POST":
            return self._fill_in(request, conversation, chosen, TemplateForm(chosen))
        form = TemplateForm(chosen, request.POST)
        if not form.is_valid() or "again" in request.POST:
            return self._fill_in(request, conversation, chosen, form)
        if "confirmed" not in request.POST:
            return self._read(request, conversation, chosen, form)
        return self._send(request, conversation, chosen, form)

    def _choose(self, request: HttpRequest, conversation: Conversation) -> HttpResponse:
        wanted = request.GET.get("q", "").replace("\0", "").strip()[:100]
        found = list(approved(conversation, wanted).only("name", "language")[: MOST_CHOICES + 1])
        more = {"wanted": wanted, "templates": found[:MOST_CHOICES], "has_more": len(found) > MOST_CHOICES}
        return self._page(request, "choose", conversation, gettext("Send a template"), **more)

    def _fill_in(
        self, request: HttpRequest, conversation: Conversation, chosen: MessageTemplate, form: TemplateForm
    ) -> HttpResponse:
        problem = opening.unsendable(chosen) or takeover.unable_to_send(conversation)
        more = {"chosen": chosen, "form": form, "problem": problem, "text": lines_of(parts_of(chosen.components))}
        return self._page(
            request, "fill_in", conversation, gettext("Fill in %(template)s") % {"template": chosen}, **more
        )

    def _read(
        self, request: HttpRequest, conversation: Conversation, chosen: MessageTemplate, form: TemplateForm
    ) -> HttpResponse:
        try:
            filled = fill(chosen.components, is_named=chosen.is_named, values=form.values)
        except Unfitting as error:
            form.add_error(None, [told for errors in error.errors.values() for told in errors])
            return self._fill_in(request, conversation, chosen, form)
        more = {"chosen": chosen, "given": form.cleaned_data, "words": filled.words}
        return self._page(request, "read", conversation, gettext("Send %(template)s?") % {"template": chosen}, **more)

    @transaction.atomic
    def _send(
        self, request: HttpRequest, conversation: Conversation, chosen: MessageTemplate, form: TemplateForm
    ) -> HttpResponse:
        locked = get_object_or_404(takeover.locked(Conversation.objects.all()), pk=conversation.pk)
        message_id = form.cleaned_data["message_id"]
        twin = Message.objects.filter(pk=message_id).first()
        if twin and (twin.conversation_id, twin.type) == (locked.pk, Message.TEMPLATE):
            return self.back(request, locked, messages.WARNING, gettext("This message was sent already."))
        asked = {"name": chosen.name, "language": chosen.language, **form.values}
        try:
            message = opening.open_with(
                locked, asked, writer_of(request), **({"pk": message_id} if message_id and not twin else {})
            )
        except takeover.CannotWrite as error:
            return self.back(request, locked, messages.ERROR, f"{error.problem.what} {error.problem.to_do}")
        self.log_change(request, locked, gettext("Sent the template %(template)s.") % {"template": chosen})
        self.message_user(request, gettext("The template is on its way."), messages.SUCCESS)
        return redirect(f"{page_of(locked)}#m{message.sequence}")

    def _page(
        self, request: HttpRequest, name: str, conversation: Conversation, title: str, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "conversation": conversation,
            "back": page_of(conversation),
            **more,
        }
        return TemplateResponse(request, f"admin/conversations/conversation/template/{name}.html", context)


def _chosen(conversation: Conversation, template_id: str) -> MessageTemplate:
    """One of this number's templates. Raises Http404 for any other."""
    try:
        return get_object_or_404(opening.templates_of(conversation), pk=UUID(template_id))
    except ValueError:
        raise Http404 from None
