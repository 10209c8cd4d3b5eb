"""Staff lists of tables that grow with every message: read by an index, newest first, and never counted.

Knows Django's change list; nothing of what is listed.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import helpers
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from tenants.addresses import PLACE, address_of
from tenants.admin import ReadOnlyAdmin
from tenants.rows import rows_of

SELECT = "Select this object for an action - {}"  # in Django's own catalogue


class UncountedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Looks one row ahead instead of counting them all. How many pages there are is not known, only the next."""

    count = 1_000_000  # what anybody may leaf through; further back is for the search

    def page(self, number: Any) -> "Page[Any]":
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        return Page(list(self.object_list[start : start + self.per_page + 1]), number, self)


class NewestFirst(ChangeList):
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        model_admin: Any = self.model_admin
        rows: QuerySet[Any] = model_admin.listed(super().get_queryset(request, exclude_parameters))
        return rows

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        self.result_list: Any = rows[: self.list_per_page]
        self.result_count = self.full_result_count = len(self.result_list)
        self.leaves = {
            "newer": self.get_query_string({PAGE_VAR: self.page_num - 1}) if self.page_num > 1 else "",
            "older": self.get_query_string({PAGE_VAR: self.page_num + 1}) if len(rows) > self.list_per_page else "",
        }
        self._keep_filters()

    def _keep_filters(self) -> None:
        """Puts the filters that one comes back to into the rows' address at once: Django resolves each row's for it."""
        context: dict[str, Any] = {"preserved_filters": self.preserved_filters, "opts": self.opts}
        address = address_of(self.opts.label_lower.replace(".", "_"), PLACE)
        self._address, self.preserved_filters = add_preserved_filters(context, address), ""

    @cached_property
    def headers(self) -> list[dict[str, Any]]:
        return list(result_headers(self))

    @cached_property
    def rows(self) -> list[list[SafeString]]:
        return rows_of(self)

    def url_for_result(self, result: Any) -> str:
        return self._address.replace(PLACE, str(result.pk), 1)


class EndlessAdmin(ReadOnlyAdmin):
    """A list without an end: by one index, with links to newer and older."""

    paginator = UncountedPaginator
    sortable_by = ()
    actions: Sequence[str] | None = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestFirst

    def listed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """What the list needs of its rows, where that is less than what the page of one does."""
        return rows

    def action_checkbox(self, obj: Any) -> SafeString:
        """As Django's, without a template for each row."""
        name, label = helpers.ACTION_CHECKBOX_NAME, format_html(gettext(SELECT), str(obj))
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">', name, obj.pk, label
        )
