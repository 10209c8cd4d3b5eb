"""Calls to Meta's Graph API: one method for each call we make.

Knows Meta's paths and parameters; nothing of tenants or messages. How a call goes over the wire is `wire`, what
comes back is `answers`; media comes by `downloads`.
"""

from typing import IO, Any
from urllib.parse import quote, urlencode

from django.conf import settings

from whatsapp.client import wire
from whatsapp.client.answers import NUMBER_FIELDS, AccessToken, MediaFacts, PhoneNumber, TokenFacts
from whatsapp.client.downloads import download
from whatsapp.client.templates import MOST_TEMPLATES, TEMPLATE_FIELDS, Template, next_page
from whatsapp.client.wire import JSON, Exchange, Keep, Request
from whatsapp.errors import GraphError, OutcomeUnknown

__all__ = [
    "AccessToken",
    "Exchange",
    "GraphClient",
    "Keep",
    "MediaFacts",
    "PhoneNumber",
    "Template",
    "TokenFacts",
    "dialog_url",
]


def dialog_url(state: str) -> str:
    """Where the tenant grants access; Meta sends the browser back to META_REDIRECT_URI with this `state`.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/implementation
    """
    query = {
        "client_id": settings.META_APP_ID,
        "redirect_uri": settings.META_REDIRECT_URI,
        "state": state,
        "config_id": settings.META_CONFIG_ID,
        "response_type": "code",
        "override_default_response_type": "true",
        "extras": '{"setup":{}}',
    }
    return f"{settings.META_DIALOG_URL}/{settings.META_GRAPH_API_VERSION}/dialog/oauth?{urlencode(query)}"


class GraphClient:
    """Meta, spoken to with one access token. Every method raises the errors of `whatsapp.errors`.

    `keep` is given a record of each exchange, whatever its end.
    """

    def __init__(self, access_token: str = "", keep: Keep | None = None) -> None:
        self._access_token = access_token
        self._keep = keep

    def __repr__(self) -> str:
        return "<GraphClient>"

    @classmethod
    def of_the_app(cls, keep: Keep | None = None) -> "GraphClient":
        """Speaks with the app's own token, which `debug_token` wants."""
        return cls(f"{settings.META_APP_ID}|{settings.META_APP_SECRET}", keep)

    # ── Tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def exchange_code(self, code: str, redirect_uri: str) -> AccessToken:
        """The access token for the dialog's `code`, which lives 30 seconds and works once.

        POST, so that the secrets stay out of access logs. `redirect_uri` must be the dialog's, byte for byte;
        empty for a code of the JavaScript popup, which has none.
        """
        form = _app() | {"grant_type": "authorization_code", "code": code}
        if redirect_uri:
            form["redirect_uri"] = redirect_uri
        return AccessToken.of(self._wanted("access_token", Request("POST", "oauth/access_token", form=form)))

    def extend_token(self) -> AccessToken:
        """A 60-day token in exchange for this one, which must still be valid."""
        form = _app() | {
            "grant_type": "fb_exchange_token",
            "fb_exchange_token": self._access_token,
            "set_token_expires_in_60_days": "true",
        }
        return AccessToken.of(self._wanted("access_token", Request("POST", "oauth/access_token", form=form)))

    def revoke_token(self) -> None:
        """Ends this token at Meta."""
        self._call(Request("GET", "oauth/revoke", query=_app() | {"revoke_token": self._access_token}))

    def debug_token(self, access_token: str) -> TokenFacts:
        """What that token may do; to be asked with the app's own token."""
        request = Request("GET", "debug_token", query={"input_token": access_token})
        return TokenFacts.of(self._wanted("data", request)["data"])

    def client_business_id(self) -> str:
        """The business portfolio that this token was granted by.

        https://developers.facebook.com/docs/facebook-login/facebook-login-for-business
        """
        request = Request("GET", "me", query={"fields": "client_business_id"})
        return str(self._wanted("client_business_id", request)["client_business_id"])

    # ── Accounts and numbers ─────────────────────────────────────────────────────────────────────────────────────────

    def has_payment_method(self, business_account_id: str) -> bool:
        """Whether the WABA can pay; without, Meta stops delivering once the free messages are used.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
        """
        query = {"fields": "id,primary_funding_id"}
        return bool(self._call(Request("GET", business_account_id, query=query)).get("primary_funding_id"))

    def phone_numbers(self, business_account_id: str) -> list[PhoneNumber]:
        """The WABA's numbers, the newest first."""
        query = {"fields": NUMBER_FIELDS, "limit": "100"}
        answer = self._call(Request("GET", f"{business_account_id}/phone_numbers", query=query))
        return [PhoneNumber.of(number) for number in answer.get("data", [])]

    def phone_number(self, phone_number_id: str) -> PhoneNumber:
        return PhoneNumber.of(self._call(Request("GET", phone_number_id, query={"fields": NUMBER_FIELDS})))

    def subscribe_app(self, business_account_id: str) -> None:
        """Without this, no webhook of this WABA reaches us. Doing it again changes nothing.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
        """
        self._call(Request("POST", f"{business_account_id}/subscribed_apps"))

    def unsubscribe_app(self, business_account_id: str) -> None:
        """Ends the webhooks of this WABA, of all its numbers."""
        self._call(Request("DELETE", f"{business_account_id}/subscribed_apps"))

    def subscriptions(self, business_account_id: str) -> dict[str, str]:
        """The apps subscribed to the WABA: app id → the callback that overrides the app's own, or empty."""
        answer = self._call(Request("GET", f"{business_account_id}/subscribed_apps"))
        return {
            str(app["whatsapp_business_api_data"]["id"]): str(app.get("override_callback_uri") or "")
            for app in answer.get("data", [])
            if isinstance(app.get("whatsapp_business_api_data"), dict)
        }

    def register(self, phone_number_id: str, pin: str) -> None:
        """Makes the number usable. Sets the PIN, or must match it; ten calls in 72 hours.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/registration
        """
        body = {"messaging_product": "whatsapp", "pin": pin}
        self._call(Request("POST", f"{phone_number_id}/register", json=body, repeatable=False))

    def sync_business_app(self, phone_number_id: str, sync_type: str) -> None:
        """Asks for a coexistence number's contacts (`smb_app_state_sync`) or `history`: each once, within a day."""
        body = {"messaging_product": "whatsapp", "sync_type": sync_type}
        self._call(Request("POST", f"{phone_number_id}/smb_app_data", json=body, repeatable=False))

    def templates(self, business_account_id: str) -> list[Template]:
        """The WABA's templates, of every status, all pages of them; no more than Meta lets there be.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management
        """
        found: list[Template] = []
        query = {"fields": TEMPLATE_FIELDS, "limit": "100"}
        while len(found) < MOST_TEMPLATES:
            answer = self._call(Request("GET", f"{business_account_id}/message_templates", query=query))
            found += [Template.of(template) for template in answer.get("data", [])]
            after = next_page(answer)
            if not after:
                break
            query = query | {"after": after}
        return found[:MOST_TEMPLATES]

    # ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def send_text(self, phone_number_id: str, recipient: dict[str, str], body: str, callback_data: str) -> str:
        """Hands a text to Meta and returns its `wamid`: accepted, not yet sent.

        `recipient` is `{"to": "+…"}` or `{"recipient": "<business-scoped user id>"}`; `callback_data` comes back
        with each status. Raises OutcomeUnknown when Meta may have it: there is no idempotency key.
        https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
        """
        return self._send(phone_number_id, recipient, "text", {"body": body, "preview_url": False}, callback_data)

    def send_template(self, phone_number_id: str, recipient: dict[str, str], template: JSON, callback_data: str) -> str:
        """Hands a template to Meta, as `send_text` does a text, and returns its `wamid`.

        `template` is `{"name", "language": {"code"}, "components": […]}`.
        https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages
        """
        return self._send(phone_number_id, recipient, "template", template, callback_data)

    def _send(
        self, phone_number_id: str, recipient: dict[str, str], type_: str, content: JSON, callback_data: str
    ) -> str:
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **recipient,
            "type": type_,
            type_: content,
            "biz_opaque_callback_data": callback_data,
        }
        answer = self._call(Request("POST", f"{phone_number_id}/messages", json=message, repeatable=False))
        try:
            return str(answer["messages"][0]["id"])
        except (KeyError, IndexError, TypeError) as error:
            raise OutcomeUnknown("Meta accepted the message without naming it.") from error

    def read_and_type(self, phone_number_id: str, wamid: str) -> None:
        """Blue ticks up to this message, and "typing…" for 25 seconds or until we send; one comes with the other.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/typing-indicators
        """
        body = {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": wamid,
            "typing_indicator": {"type": "text"},
        }
        self._call(Request("POST", f"{phone_number_id}/messages", json=body))

    # ── Media ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def media(self, media_id: str, phone_number_id: str) -> MediaFacts:
        """What Meta says of the media that a customer sent to this number, and a link to it, good for five minutes."""
        request = Request("GET", quote(media_id, safe=""), query={"phone_number_id": phone_number_id})
        return MediaFacts.of(self._wanted("url", request))

    def download(self, url: str, into: IO[bytes], limit: int) -> None:
        """Writes what lies there into the file, but no more than `limit` bytes. Only ever asks Meta's hosts.

        Raises MediaRefused for more or for a foreign host, LinkExpired when there is a new link to ask for.
        """
        download(url, self._access_token, into, limit, self._keep)

    def _call(self, request: Request) -> JSON:
        return wire.call(request, self._access_token, self._keep)

    def _wanted(self, key: str, request: Request) -> JSON:
        """An answer that has this key. Raises GraphError when it has not: it is of no use then."""
        answer = self._call(request)
        if not answer.get(key):
            raise GraphError(f"Meta's answer has no {key}.")
        return answer


def _app() -> dict[str, Any]:
    return {"client_id": settings.META_APP_ID, "client_secret": settings.META_APP_SECRET}
