"""The staff's pages for system prompts: write a version, compare it with the one in force, put it in force.

Knows nothing of who is told; a version is never changed and never deleted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from agent.models import SystemPrompt
from tenants.admin import StaffAdmin, TenantFilter, badge, link_to, moment_of, tenant_column
from tenants.models import Tenant

CONTEXT_LINES = 3
# Word by word takes time that grows with the square of the words.
MOST_WORDS = 2_000

Part = tuple[str, bool]


class DiffLine(NamedTuple):
    """A line that stays (" "), goes ("-") or comes ("+"), in parts that differ or not; or lines left out ("…")."""

    sign: str
    parts: list[Part]
    left_out: int = 0


def diff(before: str, after: str) -> Iterator[DiffLine]:
    """Line by line; within lines that have been changed, word by word."""
    old, new = before.splitlines(), after.splitlines()
    for kind, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            yield from _same(old[a:b], first=a == 0, last=b == len(old))
        else:
            yield from _changed(old[a:b], new[c:d])


def _same(lines: list[str], *, first: bool, last: bool) -> Iterator[DiffLine]:
    """The lines beside a change; the ones further away are only counted."""
    head = 0 if first else CONTEXT_LINES
    tail = 0 if last else CONTEXT_LINES
    left_out = len(lines) - head - tail
    if left_out < 2:
        head, tail, left_out = len(lines), 0, 0
    for line in lines[:head]:
        yield DiffLine(" ", [(line, False)])
    if left_out:
        yield DiffLine("…", [], left_out)
    for line in lines[len(lines) - tail :] if tail else []:
        yield DiffLine(" ", [(line, False)])


def _changed(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    gone, come = _words("\n".join(old)), _words("\n".join(new))
    if not (old and new) or len(gone) + len(come) > MOST_WORDS:
        yield from (DiffLine("-", [(line, False)]) for line in old)
        yield from (DiffLine("+", [(line, False)]) for line in new)
        return
    opcodes = SequenceMatcher(None, gone, come, autojunk=False).get_opcodes()
    yield from _lines("-", [("".join(gone[a:b]), kind != "equal") for kind, a, b, _c, _d in opcodes])
    yield from _lines("+", [("".join(come[c:d]), kind != "equal") for kind, _a, _b, c, d in opcodes])


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def _lines(sign: str, parts: list[Part]) -> Iterator[DiffLine]:
    """The parts, cut where a line ends."""
    line: list[Part] = []
    for text, differs in parts:
        first, *more = text.split("\n")
        line.append((first, differs))
        for piece in more:
            yield DiffLine(sign, line)
            line = [(piece, differs)]
    yield DiffLine(sign, line)


@tenant_column(_("active prompt"))
def active_prompt(tenants: Sequence[Tenant]) -> Mapping[UUID, SafeString]:
    prompts = SystemPrompt.objects.filter(tenant__in=tenants, phone_number_id="", is_active=True)
    return {
        prompt.tenant_id: link_to("agent_systemprompt", prompt.pk, f"v{prompt.version}")
        for prompt in prompts.only("tenant_id", "version")
    }


@admin.register(SystemPrompt)
class SystemPromptAdmin(StaffAdmin):
    list_display = ["title", "tenant", "phone_number_id", "active", "note", "created_by", "created"]
    list_select_related = ["tenant", "created_by"]
    list_filter = [TenantFilter, "is_active"]
    autocomplete_fields = ["tenant"]
    ordering = ["-created_at"]
    actions = ["activate"]
    change_form_template = "admin/agent/systemprompt/change_form.html"
    created = moment_of("created_at", _("created at"))
    activated = moment_of("activated_at", _("activated at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[SystemPrompt]:
        """Without the texts, which may be long; the one page that shows a text reads it then."""
        return SystemPrompt.objects.defer("text")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No prompt is ever changed. To change which one is in force is what this permission allows."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return ["tenant", "phone_number_id", "text", "note"]
        return ["tenant", "phone_number_id", "title", "active", "activated", "note", "created_by", "created", "told"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "text":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 24, "class": "prompt-field", "dir": "auto"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?from=<id>` begins a new version with the words of that one."""
        origin = self._origin(request.GET.get("from", ""))
        if origin is None or not self.has_view_permission(request, origin):
            return {name: value for name, value in request.GET.items() if name == "tenant"}
        return {"tenant": origin.tenant_id, "phone_number_id": origin.phone_number_id, "text": origin.text}

    @staticmethod
    def _origin(pk: str) -> SystemPrompt | None:
        try:
            return SystemPrompt.objects.filter(pk=pk).first() if pk else None
        except ValidationError:
            return None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["may_activate"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("version"), ordering="version")
    def title(self, prompt: SystemPrompt) -> str:
        return f"v{prompt.version}"

    @admin.display(description=_("active"))
    def active(self, prompt: SystemPrompt) -> SafeString:
        return badge("good", _("In force")) if prompt.is_active else badge("quiet", _("Not in force"))

    @admin.display(description=_("text"))
    def told(self, prompt: SystemPrompt) -> SafeString:
        return format_html('<div class="prompt-text" dir="auto">{}</div>', prompt.text)

    @admin.action(description=_("Activate…"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[SystemPrompt]) -> HttpResponse | None:
        prompts = list(queryset.filter(is_active=False).select_related("tenant").defer(None).order_by("tenant__name"))
        if not prompts:
            self.message_user(request, gettext("These versions are in force already."), messages.WARNING)
        elif len({(prompt.tenant_id, prompt.phone_number_id) for prompt in prompts}) < len(prompts):
            self.message_user(request, gettext("Choose one version for each tenant."), messages.ERROR)
        elif "confirmed" in request.POST:
            self._activate(request, prompts)
        else:
            title = gettext("Put these words in force?")
            changes = [self._change(prompt) for prompt in prompts]
            return self.confirm(request, "admin/agent/systemprompt/activate.html", changes, title=title)
        return None

    def _activate(self, request: HttpRequest, prompts: list[SystemPrompt]) -> None:
        for prompt in prompts:
            prompt.activate()
            self.log_change(request, prompt, gettext("Activated."))
        done = ngettext("%(count)d prompt is now in force.", "%(count)d prompts are now in force.", len(prompts))
        self.message_user(request, done % {"count": len(prompts)}, messages.SUCCESS)

    @staticmethod
    def _change(prompt: SystemPrompt) -> dict[str, Any]:
        now = SystemPrompt.active_for(prompt.tenant, prompt.phone_number_id)
        return {"pk": prompt.pk, "prompt": prompt, "now": now, "diff": diff(now.text if now else "", prompt.text)}
