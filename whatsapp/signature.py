"""Meta's signatures: of webhook bodies and of access tokens.

Pure Python over bytes; knows no settings, no requests and no payloads.
"""

import hashlib
import hmac


def sign(body: bytes, secret: str) -> str:
    """The value of `X-Hub-Signature-256` for these bytes: `sha256=` and 64 hexadecimal digits.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
    """
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether Meta sent exactly these bytes. An empty secret or header verifies nothing.

    Meta signs the bytes as sent (non-ASCII escaped as \\uXXXX), so this must see the raw body: parsing it and
    dumping it again gives another digest. Compared as bytes, because `compare_digest` raises on non-ASCII text.
    """
    return bool(secret and header) and hmac.compare_digest(sign(body, secret).encode(), header.encode())


def appsecret_proof(access_token: str, secret: str) -> str:
    """Proof that a call with this token comes from our server; Meta can be told to demand it.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    return hmac.new(secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
