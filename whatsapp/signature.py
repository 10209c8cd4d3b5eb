"""Meta's signatures: of webhook bodies, of access tokens and of what it posts about a person.

Pure Python over bytes; knows no settings, no requests and no payloads.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any


def sign(body: bytes, secret: str) -> str:
    """The value of `X-Hub-Signature-256` for these bytes: `sha256=` and 64 hexadecimal digits.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
    """
    return f"sha256={_hmac(body, secret).hex()}"


def is_signed(body: bytes, header: str, *secrets: str) -> bool:
    """Whether Meta sent exactly these bytes, signed with one of these. An empty secret or header verifies nothing.

    Meta signs the bytes as sent (non-ASCII escaped as \\uXXXX), so this must see the raw body: parsing it and
    dumping it again gives another digest. Compared as bytes, because `compare_digest` raises on non-ASCII text.
    """
    given = header.encode()
    return any(secret and hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets)


def challenge(query: Mapping[str, str], verify_token: str) -> str | None:
    """What is to be given back, exactly and as plain text, when Meta verifies the webhook's URL; None for anybody who
    does not know the token, and for everybody while there is none.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
    """
    given = query.get("hub.verify_token", "").encode()
    is_known = bool(verify_token) and hmac.compare_digest(given, verify_token.encode())
    return query.get("hub.challenge", "") if is_known and query.get("hub.mode") == "subscribe" else None


def appsecret_proof(access_token: str, secret: str) -> str:
    """Proof that a call with this token comes from our server; Meta can be told to demand it.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    return _hmac(access_token.encode(), secret).hex()


def read_signed_request(text: str, *secrets: str) -> dict[str, Any] | None:
    """What a `signed_request` says, or None when Meta did not sign it with one of these.

    `<base64url of the HMAC>.<base64url of the JSON>`, both without padding; the text after the dot is what is signed.
    https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
    """
    signature, _dot, payload = text.partition(".")
    try:
        given = _unpadded(signature)
        facts = json.loads(_unpadded(payload)) if _is_hmac(given, payload, secrets) else None
    except (binascii.Error, ValueError, RecursionError):
        return None
    is_known = isinstance(facts, dict) and str(facts.get("algorithm", "")).upper() == "HMAC-SHA256"
    return facts if is_known else None


def _is_hmac(given: bytes, payload: str, secrets: tuple[str, ...]) -> bool:
    return any(secret and hmac.compare_digest(_hmac(payload.encode(), secret), given) for secret in secrets)


def _hmac(told: bytes, secret: str) -> bytes:
    """Of SHA-256, by the one call that leaves all of it to OpenSSL."""
    return hmac.digest(secret.encode(), told, "sha256")


def _unpadded(text: str) -> bytes:
    """Raises ValueError for what is not base64url."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
