"""Meta's answers as our own small types. Knows their JSON; nothing of how they were asked for."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.utils import timezone

JSON = dict[str, Any]
HEXADECIMAL = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class AccessToken:
    """`expires_at` is None for a token that does not expire."""

    value: str
    expires_at: datetime | None

    def __repr__(self) -> str:
        return "<AccessToken>"

    @classmethod
    def of(cls, answer: JSON) -> Self:
        seconds = answer.get("expires_in")
        lives = timedelta(seconds=seconds) if isinstance(seconds, int) and seconds > 0 else None
        return cls(str(answer["access_token"]), timezone.now() + lives if lives else None)


@dataclass(frozen=True)
class TokenFacts:
    """What `debug_token` says. `business_account_ids` are the WABAs that were granted."""

    app_id: str
    user_id: str
    is_valid: bool
    scopes: frozenset[str]
    business_account_ids: tuple[str, ...]
    expires_at: datetime | None

    @classmethod
    def of(cls, data: JSON) -> Self:
        """`target_ids` of the WhatsApp scopes are WABA ids; a scope may stand in `granular_scopes` only.

        https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging
        """
        granular = {str(grant.get("scope")): grant.get("target_ids") or [] for grant in data.get("granular_scopes", [])}
        ends = data.get("expires_at")
        return cls(
            app_id=str(data.get("app_id", "")),
            user_id=str(data.get("user_id", "")),
            is_valid=data.get("is_valid") is True,
            scopes=frozenset(map(str, data.get("scopes", []))) | frozenset(granular),
            business_account_ids=tuple(map(str, granular.get("whatsapp_business_management", []))),
            expires_at=datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and ends > 0 else None,
        )


NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,status,platform_type,is_on_biz_app,quality_rating,name_status,"
    "code_verification_status,throughput,health_status"
)


@dataclass(frozen=True)
class PhoneNumber:
    """A number as Meta describes it; unknown words are kept as they are, absent ones are empty."""

    id: str
    display_phone_number: str
    verified_name: str
    status: str = ""
    platform_type: str = ""
    is_on_biz_app: bool = False
    quality_rating: str = ""
    name_status: str = ""
    code_verification_status: str = ""
    throughput: str = ""
    can_send: str = ""

    @classmethod
    def of(cls, data: JSON) -> Self:
        words = ("id", "display_phone_number", "verified_name", "status", "platform_type", "quality_rating")
        more = ("name_status", "code_verification_status")
        throughput, health = data.get("throughput"), data.get("health_status")
        return cls(
            **{word: str(data.get(word) or "") for word in (*words, *more)},
            is_on_biz_app=data.get("is_on_biz_app") is True,
            throughput=str(throughput.get("level") or "") if isinstance(throughput, dict) else "",
            can_send=str(health.get("can_send_message") or "") if isinstance(health, dict) else "",
        )

    @property
    def is_registered(self) -> bool:
        """Whether the Cloud API speaks for it already, restricted or not: again would only use up the limit."""
        return self.platform_type == "CLOUD_API" and self.status not in ("PENDING", "DISCONNECTED", "UNVERIFIED", "")

    @property
    def is_coexistence(self) -> bool:
        """Whether it stays in the WhatsApp Business app too: then it must not be registered.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-business-app-users
        """
        return self.is_on_biz_app


@dataclass(frozen=True)
class MediaFacts:
    """What Meta says of some media, and where it lies for the next five minutes.

    `size` is None when Meta does not say it; `sha256` is in hexadecimal, and empty when Meta gave nothing like one.
    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
    """

    url: str
    mime_type: str
    sha256: str
    size: int | None

    def __repr__(self) -> str:
        return f"<MediaFacts {self.mime_type} {self.size}>"

    @classmethod
    def of(cls, answer: JSON) -> Self:
        """`file_size` has been seen as text and as a number."""
        size = str(answer.get("file_size"))
        return cls(
            url=str(answer["url"]),
            mime_type=str(answer.get("mime_type") or ""),
            sha256=_sha256(str(answer.get("sha256") or "")),
            size=int(size) if re.fullmatch(r"[0-9]{1,15}", size) else None,
        )


def _sha256(value: str) -> str:
    """In hexadecimal, from that or from base64: Meta's webhooks use base64, its answers are not documented."""
    if HEXADECIMAL.fullmatch(value):
        return value.lower()
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        return ""
    return digest.hex() if len(digest) == 32 else ""
