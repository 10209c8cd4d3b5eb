"""Where the staff page of a row is. Knows Django's routes; nothing of what the rows are."""

from functools import cache

from django.urls import get_script_prefix, reverse

PLACE = "00000000-0000-0000-0000-000000000000"


def address_of(model: str, pk: object) -> str:
    """The address of a row's page; `model` as in `tenants_tenant`. The key is a UUID or a number."""
    return _page_of(model, get_script_prefix()).replace(PLACE, str(pk))


@cache
def _page_of(model: str, _prefix: str) -> str:
    """Looked up once for each model: to find a route takes as long as all the rest of a link, and lists have hundreds.

    The prefix under which we are served is part of what is found.
    """
    return reverse(f"admin:{model}_change", args=[PLACE])
