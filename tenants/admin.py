"""The staff's pages for tenants, their people and their keys; and what every other staff page is made of.

Knows nothing of WhatsApp, prompts or conversations: the floors above add their own columns with `tenant_column`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tenants.addresses import address_of
from tenants.models import ApiKey, Membership, Tenant, TenantOwned

NOTHING = "–"


def link_to(model: str, pk: object, text: object) -> SafeString:
    """A link to the staff page of a row; `model` as in `tenants_tenant`."""
    return format_html('<a href="{}">{}</a>', address_of(model, pk), text)


def badge(tone: str, text: object) -> SafeString:
    """A word with a colour: `good`, `warn`, `bad` or `quiet`. The word alone says it all."""
    return format_html('<span class="badge {}">{}</span>', tone, text)


def moment(at: datetime | None) -> SafeString | str:
    """A time to the second, with its zone."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), local.strftime("%Y-%m-%d %H:%M:%S %Z"))


def moment_of(field: str, title: Any) -> Callable[[Any, Any], SafeString | str]:
    """The display method for a time field."""

    @admin.display(description=title)
    def cell(_admin: Any, row: Any) -> SafeString | str:
        return moment(getattr(row, field))

    return cell


class StaffAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """What all our staff pages share. Nothing is counted that has not been asked for."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    @property
    def media(self) -> forms.Media:
        """The tenant filter's select box is outside the form that the admin collects these from."""
        filters = TenantFilter in self.list_filter
        return super().media + (_tenant_select(self).media if filters else forms.Media())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def changeform_view(
        self, request: Any, object_id: Any = None, form_url: Any = "", extra_context: Any = None
    ) -> Any:
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**one_button, **(extra_context or {})})

    def confirm(self, request: HttpRequest, template: str, rows: Sequence[Any], **context: Any) -> TemplateResponse:
        """The page between an action and its doing. Its button posts the same action again, with `confirmed`."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "action": request.POST["action"],
            "rows": rows,
            **context,
        }
        return TemplateResponse(request, template, context)


class ReadOnlyAdmin(StaffAdmin):
    """For rows that the product writes: staff look, and change nothing."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _tenant_select(model_admin: Any) -> AutocompleteSelect:
    return AutocompleteSelect(model_admin.model._meta.get_field("tenant"), model_admin.admin_site)


class TenantFilter(admin.ListFilter):
    """Narrows a list to one tenant, found by typing: links would need all tenants on every page."""

    title = _("tenant")
    template = "admin/tenant_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Any], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        value = params.pop("tenant", [""])[-1]
        try:
            self.tenant_id = UUID(value) if value else None
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
        field = forms.ModelChoiceField(Tenant.objects.all(), required=False, widget=_tenant_select(model_admin))
        self.select = field.widget.render("tenant", self.tenant_id, {"id": "filter-tenant", "aria-label": self.title})

    def expected_parameters(self) -> list[str | None]:
        return ["tenant"]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(tenant_id=self.tenant_id) if self.tenant_id else queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Not choices: what the template needs."""
        others = [(name, value) for name, value in changelist.params.items() if name != "tenant"]
        clear = changelist.get_query_string(remove=["tenant"]) if self.tenant_id else ""
        yield {"select": self.select, "others": others, "clear": clear}


Tell = Callable[[Sequence[Tenant]], Mapping[UUID, SafeString | str]]


class TenantColumn(NamedTuple):
    title: Any  # text that is translated when shown
    tell: Tell


COLUMNS: list[TenantColumn] = []


def tenant_column(title: Any) -> Callable[[Tell], Tell]:
    """Adds a column to the tenants: told for all tenants of a page at once, so with one query."""

    def add(tell: Tell) -> Tell:
        COLUMNS.append(TenantColumn(title, tell))
        return tell

    return add


def _display(column: TenantColumn) -> Any:
    @admin.display(description=column.title)
    def cell(tenant: Any) -> SafeString | str:
        told: Mapping[UUID, SafeString | str] = tenant.told[column.title]
        return told.get(tenant.pk, NOTHING)

    return cell


class TenantList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        told = {column.title: column.tell(rows) for column in COLUMNS}
        for row in rows:
            row.told = told
        self.result_list: Any = rows


@admin.register(Tenant)
class TenantAdmin(StaffAdmin):
    search_fields = ["^name", "^slug"]
    search_help_text = _("The beginning of the name or of the slug.")
    prepopulated_fields = {"slug": ["name"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["name", "slug", *(_display(column) for column in COLUMNS)]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TenantList

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never by a click: all that the tenant's customers have said would go with it."""
        return False

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if tenant := context.get("original"):
            context["glance"] = [(title, tell([tenant]).get(tenant.pk, NOTHING)) for title, tell in COLUMNS]
            context["belongings"] = list(self._belongings(request, tenant))
        return super().render_change_form(request, context, *args, **kwargs)

    def _belongings(self, request: HttpRequest, tenant: Tenant) -> Iterator[dict[str, Any]]:
        """Where this tenant's rows are listed: every model on this site that belongs to tenants."""
        for model, model_admin in self.admin_site._registry.items():
            if issubclass(model, TenantOwned) and model_admin.has_view_permission(request):
                base = f"admin:{model._meta.label_lower.replace('.', '_')}"
                adds = model_admin.has_add_permission(request)
                yield {
                    "name": capfirst(str(model._meta.verbose_name_plural)),
                    "url": f"{reverse(f'{base}_changelist')}?tenant={tenant.pk}",
                    "add": f"{reverse(f'{base}_add')}?tenant={tenant.pk}" if adds else "",
                }


@admin.register(Membership)
class MembershipAdmin(StaffAdmin):
    list_display = ["user", "tenant", "created"]
    list_select_related = ["user", "tenant"]
    list_filter = [TenantFilter]
    autocomplete_fields = ["user", "tenant"]
    search_fields = ["^user__username", "^user__email"]
    ordering = ["-created_at"]
    created = moment_of("created_at", _("created at"))


STATES = {"active": ("good", _("Active")), "expired": ("warn", _("Expired")), "revoked": ("bad", _("Revoked"))}


@admin.register(ApiKey)
class ApiKeyAdmin(StaffAdmin):
    """A key is made here, named and revoked; its secret is on one page, once, and nowhere else."""

    list_display = ["name", "tenant", "beginning", "state", "last_used", "expires"]
    list_select_related = ["tenant"]
    list_filter = [TenantFilter]
    autocomplete_fields = ["tenant"]
    actions = ["revoke"]
    change_form_template = "admin/tenants/apikey/change_form.html"
    created = moment_of("created_at", _("created at"))
    last_used = moment_of("last_used_at", _("last used at"))
    expires = moment_of("expires_at", _("expires at"))
    revoked = moment_of("revoked_at", _("revoked at"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        rest = ["beginning", "state", "created", "last_used", "expires", "revoked"]
        return ["tenant", "name", *(rest if obj else ["expires_at"])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field for field in self.get_fields(request, obj) if field != "name"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A revoked key stays, so that one can still see whose it was."""
        return False

    @admin.display(description=_("key"))
    def beginning(self, key: ApiKey) -> SafeString:
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description=_("state"))
    def state(self, key: ApiKey) -> SafeString:
        return badge(*STATES[key.state])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.secret = obj.make_secret()  # rides on the instance to the answer, and ends with it
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The secret is in this answer alone: a redirect would have to leave it in a session or a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("The new API key"),
            "opts": self.opts,
            "key": obj,
            "secret": obj.secret,
        }
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/tenants/apikey/secret.html", context, headers=headers)

    @admin.action(description=_("Revoke…"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        keys = list(queryset.filter(revoked_at=None).select_related("tenant").order_by("tenant__name", "name"))
        if not keys:
            self.message_user(request, gettext("None of these keys is still to be revoked."), messages.WARNING)
            return None
        if "confirmed" not in request.POST:
            return self.confirm(request, "admin/tenants/apikey/revoke.html", keys, title=gettext("Revoke API keys?"))
        for key in keys:
            key.revoke()
            self.log_change(request, key, gettext("Revoked."))
        done = ngettext("%(count)d API key is revoked.", "%(count)d API keys are revoked.", len(keys))
        self.message_user(request, done % {"count": len(keys)}, messages.SUCCESS)
        return None
