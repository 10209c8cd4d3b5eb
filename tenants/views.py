"""Where a person comes in: signing in, and the page that says for whom they may speak.

Knows sessions and memberships; what the session opens is the other apps' API.
"""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from tenants.models import Membership


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Staff go on to their site; a member sees the tenants that this session speaks for."""
    if request.user.is_staff:
        return redirect("admin:index")
    memberships = (
        Membership.objects.filter(user__username=request.user.get_username())
        .select_related("tenant")
        .order_by("tenant__name")
    )
    return render(request, "account/home.html", {"memberships": memberships})
