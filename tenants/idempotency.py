"""A request that is sent again with the same `Idempotency-Key` is done once, and answered as it was the first time.

Knows requests and answers; nothing of what is done.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.authentication import tenant_of
from tenants.models import IdempotencyKey, Tenant

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEYS_ARE_KEPT = timedelta(hours=24)
PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Of your choice, up to 255 characters, and another one for each message. Who sends the same again "
    f"within 24 hours is answered as the first time, with `{REPLAYED}: true`, and nothing is done twice; with another "
    "body it is 422, and while the first is still being answered 409.",
)


class StillRunning(APIException):
    """The first request with this key has not been answered yet."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "still_running"
    default_detail = _("A request with this Idempotency-Key is being answered at this moment. Try again.")
    wait = 1


class KeyReused(APIException):
    """The key came with something else before."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = _("This Idempotency-Key was used for another request. Take a new one for each.")


def once(request: Request, do: Callable[[], Response]) -> Response:
    """What `do` answers, in one transaction with what it does; or what it answered to the same request before.

    A refusal is not kept: the same key may be tried again. Without a key it is simply done.
    """
    key = request.headers.get(HEADER, "")
    if not key:
        return do()
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise ValidationError({HEADER: [_("1 to 255 printable characters, without spaces.")]})
    tenant = tenant_of(request)
    with transaction.atomic():
        return _alone(tenant, key, _fingerprint(request), do)


def _alone(tenant: Tenant, key: str, fingerprint: str, do: Callable[[], Response]) -> Response:
    if not _lock(f"{tenant.pk} {key}"):
        raise StillRunning
    kept = IdempotencyKey.objects.for_tenant(tenant).filter(key=key).first()
    if kept is None:
        response = do()
        IdempotencyKey.objects.create(
            tenant=tenant, key=key, fingerprint=fingerprint, status=response.status_code, answer=response.data
        )
        return response
    if kept.fingerprint != fingerprint:
        raise KeyReused
    return Response(kept.answer, status=kept.status, headers={REPLAYED: "true"})


def _lock(name: str) -> bool:
    """Whether nobody else has it; until the transaction ends. A lock of PostgreSQL, for the row of the key is seen by
    others only afterwards, and one that is written before outlives a process that dies."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _fingerprint(request: Request) -> str:
    what = [request.method, request.path, request.data]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
