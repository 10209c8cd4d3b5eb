"""Pages by key: as fast at the end of ten million rows as at the beginning, and stable while rows arrive.

Knows orderings and cursors; nothing of what is listed.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db.models import F, Func, Model, QuerySet, TextField, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
PARAMETERS = {"limit", "cursor"}
PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}; {DEFAULT_LIMIT} when not given."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]

Serialize = Callable[[Sequence[Any]], Any]


class PageSerializer(serializers.Serializer[dict[str, object]]):
    """What every list has around its data."""

    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True, help_text="Give it as `cursor` for the next page.")


def page_of(
    rows: QuerySet[Any],
    keys: tuple[str, ...],
    request: Request,
    serialize: Serialize,
    filters: Collection[str] = (),
) -> Response:
    """`{"data", "has_more", "next_cursor"}`: a page of `rows`, by `keys` descending, of which the last is unique.

    `filters` are the parameters by which the caller has narrowed the rows. Raises ValidationError for any other
    parameter, a limit outside 1 to 100, or a cursor that is not ours.
    """
    unknown = set(request.query_params) - PARAMETERS - set(filters)
    if unknown:
        raise ValidationError({name: [_("Unknown parameter.")] for name in sorted(unknown)})
    limit = _limit(request.query_params.get("limit", str(DEFAULT_LIMIT)))
    signer = Signer(salt=" ".join((request.path, *keys)))
    if cursor := request.query_params.get("cursor"):
        rows = rows.filter(behind(keys, _read(signer, cursor)))
    found = list(rows.order_by(*(f"-{key}" for key in keys))[: limit + 1])
    page, has_more = found[:limit], len(found) > limit
    next_cursor = signer.sign_object(_position(page[-1], keys)) if has_more else None
    return Response({"data": serialize(page), "has_more": has_more, "next_cursor": next_cursor})


def _limit(value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MAX_LIMIT:
        return int(value)
    raise ValidationError({"limit": [_("A whole number from 1 to 100.")]})


def _read(signer: Signer, cursor: str) -> list[str]:
    try:
        position: list[str] = signer.unsign_object(cursor)
    except (BadSignature, ValueError) as error:
        raise ValidationError({"cursor": [_("This is not a cursor of this list.")]}) from error
    return position


def _position(row: Model, keys: tuple[str, ...]) -> list[str]:
    return [str(getattr(row, key)) for key in keys]


def behind(
    keys: Sequence[str], position: Sequence[object], *, side: type[LessThan | GreaterThan] = LessThan
) -> LessThan | GreaterThan:
    """Everything behind the position: smaller in the first key, or equal there and smaller in the next.

    With `side=GreaterThan` everything before it. As one comparison of rows, which PostgreSQL finds in an index: with
    alternatives it took the whole conversation and sorted it.
    """
    return side(_row([F(key) for key in keys]), _row([Value(value) for value in position]))


def _row(values: Sequence[F | Value]) -> Func:
    return Func(*values, function="ROW", output_field=TextField())
