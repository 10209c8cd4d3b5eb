"""Staff lists of tables that grow with every message: read by an index, newest first, and never counted.

Knows Django's change list; nothing of what is listed.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from tenants.admin import ReadOnlyAdmin


class UncountedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Looks one row ahead instead of counting them all. How many pages there are is not known, only the next."""

    count = 1_000_000  # what anybody may leaf through; further back is for the search

    def page(self, number: Any) -> "Page[Any]":
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        return Page(list(self.object_list[start : start + self.per_page + 1]), number, self)


class NewestFirst(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        self.result_list: Any = rows[: self.list_per_page]
        self.result_count = self.full_result_count = len(self.result_list)
        self.leaves = {
            "newer": self.get_query_string({PAGE_VAR: self.page_num - 1}) if self.page_num > 1 else "",
            "older": self.get_query_string({PAGE_VAR: self.page_num + 1}) if len(rows) > self.list_per_page else "",
        }


class EndlessAdmin(ReadOnlyAdmin):
    """A list without an end: by one index, with links to newer and older."""

    paginator = UncountedPaginator
    sortable_by = ()
    actions: Sequence[str] | None = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestFirst
