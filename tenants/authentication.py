"""Who asks, and for which tenant: API keys for programs, Django sessions for people.

Knows nothing of what is asked for; every API view gets its tenant from `tenant_of(request)`.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.models import ApiKey, Membership, Tenant

if TYPE_CHECKING:  # DRF's views import this module by its settings
    from rest_framework.views import APIView

TENANT_HEADER = "X-Tenant"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer wak_…`; a key speaks for its tenant and for no person."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """Raises AuthenticationFailed for an unknown, expired or revoked key; None without a Bearer header."""
        scheme, _space, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        key = ApiKey.find(secret.strip().decode("latin-1"))
        if key is None:
            raise AuthenticationFailed(_("This API key is unknown, expired or revoked."))
        key.used()
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class SpeaksForTenant(BasePermission):
    """Lets in who speaks for a tenant: a live key, or a member."""

    message = _("You are not a member of any tenant.")

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.auth, ApiKey):
            return True
        return bool(request.user and request.user.is_authenticated and request.user.memberships.exists())


def name_of(user: Any) -> str:
    """How a person is called, to others."""
    return str(user.get_full_name() or user.get_username())


def tenant_of(request: Request) -> Tenant:
    """The tenant this request speaks for.

    A key has one. A person in one tenant needs to say nothing; a person in several names one by its slug in
    the `X-Tenant` header. Raises ValidationError when several are possible, PermissionDenied for a foreign one.
    """
    if isinstance(request.auth, ApiKey):
        return request.auth.tenant
    return _tenant_of_member(request.user, request.headers.get(TENANT_HEADER, ""))


def _tenant_of_member(user: Any, slug: str) -> Tenant:
    memberships = list(Membership.objects.filter(user=user).select_related("tenant").order_by("tenant__slug"))
    if slug:
        memberships = [membership for membership in memberships if membership.tenant.slug == slug]
        if not memberships:
            raise PermissionDenied(_("You are not a member of this tenant."))
    if len(memberships) > 1:
        raise ValidationError({TENANT_HEADER: [_("You are in several tenants: name one by its slug in this header.")]})
    return memberships[0].tenant
