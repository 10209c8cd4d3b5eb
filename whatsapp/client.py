"""Calls to Meta's Graph API: one method for each call we make, one `_call` for all of them.

Knows HTTP, our app's credentials and Meta's answers; nothing of tenants or messages.
"""

import logging
import time
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from whatsapp.errors import GraphError, GraphUnavailable, OutcomeUnknown, error_from
from whatsapp.signature import appsecret_proof

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
JSON = dict[str, Any]


@dataclass(frozen=True)
class TokenFacts:
    """What `debug_token` says of an access token. `business_account_ids` are the WABAs it was granted."""

    app_id: str
    is_valid: bool
    scopes: frozenset[str]
    business_account_ids: tuple[str, ...]


@dataclass(frozen=True)
class PhoneNumber:
    id: str
    display_phone_number: str
    verified_name: str


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


@cache
def _session() -> requests.Session:
    """One for the process: a new connection costs a TLS handshake. The environment's proxies are not trusted."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=settings.WORKER_CONCURRENCY)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class GraphClient:
    """Meta, spoken to with one access token. Every method raises the errors of `whatsapp.errors`."""

    def __init__(self, access_token: str = "") -> None:
        self._access_token = access_token

    def __repr__(self) -> str:
        return "<GraphClient>"

    @classmethod
    def of_the_app(cls) -> "GraphClient":
        """Speaks with the app's own token, which `debug_token` wants."""
        return cls(f"{settings.META_APP_ID}|{settings.META_APP_SECRET}")

    def exchange_code(self, code: str) -> str:
        """The access token for the dialog's `code`, which lives 30 seconds and works once.

        POST, so that the secrets stay out of access logs. `redirect_uri` must be the dialog's, byte for byte.
        """
        form = {
            "client_id": settings.META_APP_ID,
            "client_secret": settings.META_APP_SECRET,
            "grant_type": "authorization_code",
            "redirect_uri": settings.META_REDIRECT_URI,
            "code": code,
        }
        return str(_wanted(self._call("POST", "oauth/access_token", form=form), "access_token"))

    def debug_token(self, access_token: str) -> TokenFacts:
        """What the token may do; to be asked with the app's own token.

        `target_ids` of the WhatsApp scopes are WABA ids; a scope may stand in `granular_scopes` only.
        https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging
        """
        data = _wanted(self._call("GET", "debug_token", query={"input_token": access_token}), "data")
        granular = {str(grant.get("scope")): grant.get("target_ids") or [] for grant in data.get("granular_scopes", [])}
        return TokenFacts(
            app_id=str(data.get("app_id", "")),
            is_valid=data.get("is_valid") is True,
            scopes=frozenset(map(str, data.get("scopes", []))) | frozenset(granular),
            business_account_ids=tuple(map(str, granular.get("whatsapp_business_management", []))),
        )

    def phone_numbers(self, business_account_id: str) -> list[PhoneNumber]:
        """The WABA's numbers, the newest first."""
        query = {"fields": "id,display_phone_number,verified_name", "limit": "100"}
        answer = self._call("GET", f"{business_account_id}/phone_numbers", query=query)
        return [
            PhoneNumber(str(n["id"]), str(n.get("display_phone_number", "")), str(n.get("verified_name", "")))
            for n in answer.get("data", [])
        ]

    def subscribe_app(self, business_account_id: str) -> None:
        """Without this, no webhook of this WABA reaches us. Doing it again changes nothing.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
        """
        self._call("POST", f"{business_account_id}/subscribed_apps")

    def register(self, phone_number_id: str, pin: str) -> None:
        """Makes the number usable. Sets the PIN, or must match it; ten calls in 72 hours.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/registration
        """
        self._call("POST", f"{phone_number_id}/register", json={"messaging_product": "whatsapp", "pin": pin})

    def send_text(self, phone_number_id: str, recipient: dict[str, str], body: str, callback_data: str) -> str:
        """Hands a text to Meta and returns its `wamid`: accepted, not yet sent.

        `recipient` is `{"to": "+…"}` or `{"recipient": "<business-scoped user id>"}`; `callback_data` comes back
        with each status. Raises OutcomeUnknown when Meta may have it: there is no idempotency key.
        https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
        """
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **recipient,
            "type": "text",
            "text": {"body": body, "preview_url": False},
            "biz_opaque_callback_data": callback_data,
        }
        answer = self._call("POST", f"{phone_number_id}/messages", json=message, repeatable=False)
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
        self._call("POST", f"{phone_number_id}/messages", json=body)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        json: JSON | None = None,
        repeatable: bool = True,
    ) -> JSON:
        """One exchange. A call that is not `repeatable` and got no clear answer raises OutcomeUnknown."""
        unclear = GraphUnavailable if repeatable else OutcomeUnknown
        started = time.monotonic()
        try:
            response = _session().request(
                method,
                f"{settings.META_GRAPH_API_URL}/{settings.META_GRAPH_API_VERSION}/{path}",
                params=(query or {}) | self._proof(),
                data=form,
                json=json,
                headers={"Authorization": f"Bearer {self._access_token}"} if self._access_token else {},
                timeout=(CONNECT_TIMEOUT_SECONDS, settings.META_TIMEOUT_SECONDS),
                allow_redirects=False,
            )
        except requests.ConnectTimeout as error:
            raise GraphUnavailable("Meta could not be reached in time.") from error
        except requests.RequestException as error:
            raise _unanswered(error, unclear) from None
        logger.info("%s %s: %s in %.0f ms", method, path, response.status_code, (time.monotonic() - started) * 1000)
        return _read(response, unclear)

    def _proof(self) -> dict[str, str]:
        if not self._access_token:
            return {}
        return {"appsecret_proof": appsecret_proof(self._access_token, settings.META_APP_SECRET)}


def _unanswered(error: requests.RequestException, unclear: type[GraphError]) -> GraphError:
    """A refused connection never reached Meta; anything later may have. The URL, with its secrets, is left out."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
        return GraphUnavailable("Meta could not be reached.")
    return unclear(f"No answer ({type(error).__name__}).")


def _read(response: requests.Response, unclear: type[GraphError]) -> JSON:
    try:
        body = response.json()
    except requests.JSONDecodeError as error:
        raise unclear(f"Meta answered {response.status_code} with something that is not JSON.") from error
    if refusal := error_from(body, _retry_after(response)):
        raise refusal
    if not response.ok or not isinstance(body, dict):
        raise unclear(f"Meta answered {response.status_code} without saying what is wrong.")
    return body


def _wanted(answer: JSON, key: str) -> Any:
    """What the answer must have to be of use. Raises GraphError when it has not."""
    if not answer.get(key):
        raise GraphError(f"Meta's answer has no {key}.")
    return answer[key]


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None
