"""Customers' media for tenants and staff: by a signed link, for a few minutes.

Whoever has the link may look, so it is made for those alone who may read the message. Knows what a browser may be
shown; nothing of how the bytes came here.
"""

import mimetypes
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from conversations.models import Attachment, MediaFile

# What a browser shows without running anything of it; the rest is saved, and by no type of its own.
INLINE = frozenset(
    {
        "application/pdf",
        "audio/aac",
        "audio/amr",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/3gpp",
        "video/mp4",
    }
)
SANDBOX = "default-src 'none'; sandbox"


class LinkHasExpired(NotFound):
    default_code = "link_expired"
    default_detail = _("This link has expired: ask for the message again.")


class AnyType(BaseContentNegotiation):
    """A file is what it is, whatever the client would rather have."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def signed_url(attachment: Attachment, request: HttpRequest | Request) -> str:
    """A link to the stored file that is good for MEDIA_URL_SECONDS."""
    return request.build_absolute_uri(reverse("media", args=[_signer().sign(attachment.pk.hex)]))


def url_expires_at() -> datetime:
    """When a link that is made now ends."""
    return timezone.now() + timedelta(seconds=settings.MEDIA_URL_SECONDS)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="media")


class MediaView(APIView):
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = AnyType

    @extend_schema(
        operation_id="download_media",
        auth=[],
        responses={(200, "*/*"): OpenApiTypes.BINARY},
        description="The file itself, by the `url` of a message's `media`. 404 when the link has expired (`code` is "
        "`link_expired`), was altered, or the file is gone.",
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        attachment = _attachment(token)
        file = attachment.file
        if file is None:
            raise NotFound
        response = _head(file) if request.method == "HEAD" else _content(file)
        for name, value in _headers(attachment, file).items():
            response.headers[name] = value
        return response


def _attachment(token: str) -> Attachment:
    """Raises LinkHasExpired or NotFound."""
    try:
        pk = UUID(_signer().unsign(token, max_age=settings.MEDIA_URL_SECONDS))
    except SignatureExpired:
        raise LinkHasExpired from None
    except BadSignature:
        raise NotFound from None
    attachment = Attachment.objects.select_related("file").filter(pk=pk, status=Attachment.Status.STORED).first()
    if attachment is None:
        raise NotFound
    return attachment


def _head(file: MediaFile) -> HttpResponseBase:
    return HttpResponse(headers={"Content-Length": str(file.size)})


def _content(file: MediaFile) -> HttpResponseBase:
    try:
        content = file.open()
    except FileNotFoundError:
        raise NotFound from None
    return FileResponse(content, headers={"Content-Length": str(file.size)})


def _headers(attachment: Attachment, file: MediaFile) -> dict[str, str]:
    is_inline = file.mime_type in INLINE
    disposition = content_disposition_header(not is_inline, _filename(attachment, file))
    return {
        "Content-Type": file.mime_type if is_inline else "application/octet-stream",
        "Content-Disposition": disposition or "attachment",
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": f"private, max-age={settings.MEDIA_URL_SECONDS}",
    }


def _filename(attachment: Attachment, file: MediaFile) -> str:
    """The customer's own, without what could deceive who reads it or break the header; else one of ours."""
    given = "".join(c if c.isprintable() and c not in '/\\"' else "_" for c in attachment.filename).strip()
    return given or f"{attachment.pk.hex}{mimetypes.guess_extension(file.mime_type) or ''}"
