"""What Meta's refusals mean to us: named by what we do next.

Which code means what is told in `refusals`. Knows nothing of HTTP clients or of who asked.
"""

from typing import Any

from whatsapp.redaction import without_tokens
from whatsapp.refusals import REFUSALS, Next


class InvalidSignature(Exception):
    """The body was not sent by Meta."""


class GraphError(Exception):
    """Meta refused, and asking again will not help.

    `code` and `subcode` are Meta's (0 when there is none), `detail` is Meta's English text for staff, never for
    pages; `trace_id` is what Meta's support asks for; `retry_after` is in seconds.
    """

    def __init__(
        self, detail: str, *, code: int = 0, subcode: int = 0, trace_id: str = "", retry_after: float | None = None
    ) -> None:
        self.detail = without_tokens(detail)
        super().__init__(self.detail)
        self.code = code
        self.subcode = subcode
        self.trace_id = trace_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        number = f"{self.code}/{self.subcode}" if self.subcode else str(self.code)
        return f"({number}) {self.detail}" if self.code else self.detail


class GraphUnavailable(GraphError):
    """Meta did not do it, and may do it later: try again, after `retry_after` seconds when given."""


class AccessTokenRejected(GraphError):
    """Our access is gone or too small: the tenant must connect again."""


class OutsideServiceWindow(GraphError):
    """More than 24 hours since the customer's last message: only a template may be sent."""


class TenantActionNeeded(GraphError):
    """Billing, policy or display name: the tenant has to act at Meta."""


class OutcomeUnknown(GraphError):
    """Meta may have done it: never do it again blindly."""


class LinkExpired(GraphError):
    """The link to the media is good no more: Meta gives a new one."""


class MediaGone(GraphError):
    """Meta does not have this media, or not for us: it will never come."""


class MediaRefused(GraphError):
    """We do not take this media: too large, of a type that we do not know, or not what it says it is."""


ERROR_OF_NEXT: dict[Next, type[GraphError]] = {
    Next.RETRY: GraphUnavailable,
    Next.RECONNECT: AccessTokenRejected,
    Next.WINDOW: OutsideServiceWindow,
    Next.TENANT_ACTION: TenantActionNeeded,
    Next.GIVE_UP: GraphError,
}


def error_from(body: Any, retry_after: float | None = None) -> GraphError | None:
    """The error that this answer of Meta speaks of, or None when it is not one of Meta's error objects.

    Shape: `{"error": {"message", "type", "code", "error_subcode"?, "error_data"?: {"details"} | str, "fbtrace_id"}}`.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    detail = _text(details or error.get("message") or "Meta gave no reason.")
    kind = _kind(code, is_transient=error.get("is_transient") is True)
    return kind(
        detail, code=code, subcode=subcode, trace_id=_text(error.get("fbtrace_id") or ""), retry_after=retry_after
    )


def _text(value: Any) -> str:
    """Without NUL, which JSON may carry and PostgreSQL does not take."""
    return str(value).replace("\0", "")


def _kind(code: int, *, is_transient: bool) -> type[GraphError]:
    """A code that nobody knows may be tried again when Meta says that it passes."""
    if code in REFUSALS:
        return ERROR_OF_NEXT[REFUSALS[code].next]
    return GraphUnavailable if is_transient else GraphError


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
