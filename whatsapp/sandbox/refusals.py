"""How the Graph API says no: codes, HTTP statuses and the error object.

Knows nothing of why somebody is refused. Source of the codes:
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

import secrets
from typing import Any

# code: (HTTP status, message)
KNOWN = {
    1: (400, "An unknown error occurred"),
    2: (503, "An unexpected error has occurred. Please retry your request later."),
    3: (500, "(#3) Application does not have the capability to make this API call."),
    4: (429, "(#4) Application request limit reached"),
    10: (403, "(#10) Application does not have permission for this action"),
    33: (400, "(#33) This phone number has been deleted"),
    100: (400, "(#100) Invalid parameter"),
    101: (400, "Error validating application. Cannot get application info due to a system error."),
    104: (401, "An access token is required to request this resource."),
    190: (401, "Error validating access token: The session has been invalidated."),
    200: (403, "(#200) Permissions error"),
    368: (403, "(#368) Temporarily blocked for policies violations"),
    613: (400, "(#613) Calls to this api have exceeded the rate limit."),
    2500: (400, "Unknown path components"),
    80007: (400, "(#80007) There have been too many calls to this WhatsApp Business account"),
    130429: (400, "(#130429) Rate limit hit"),
    130472: (400, "(#130472) User's number is part of an experiment"),
    130497: (403, "(#130497) Business account is restricted from messaging users in this country"),
    131000: (500, "(#131000) Something went wrong"),
    131005: (403, "(#131005) Access denied"),
    131008: (400, "(#131008) Required parameter is missing"),
    131009: (400, "(#131009) Parameter value is not valid"),
    131016: (500, "(#131016) Service unavailable"),
    131021: (400, "(#131021) Recipient cannot be sender"),
    131026: (400, "(#131026) Message undeliverable"),
    131030: (400, "(#131030) Recipient phone number not in allowed list"),
    131031: (403, "(#131031) Business Account locked"),
    131042: (400, "(#131042) Business eligibility payment issue"),
    131045: (500, "(#131045) Incorrect certificate"),
    131047: (400, "(#131047) Re-engagement message"),
    131048: (400, "(#131048) Spam rate limit hit"),
    131049: (400, "(#131049) Message was not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "(#131050) User has stopped receiving marketing messages"),
    131051: (400, "(#131051) Unsupported message type"),
    131056: (400, "(#131056) (Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "(#131057) Account in maintenance mode"),
    132000: (400, "(#132000) Number of parameters does not match the expected number of params"),
    132001: (404, "(#132001) Template name does not exist in the translation"),
    132005: (400, "(#132005) Translated text too long"),
    132012: (400, "(#132012) Parameter format does not match format in the created template"),
    132015: (400, "(#132015) Template is paused"),
    132016: (400, "(#132016) Template is disabled"),
    132018: (400, "(#132018) There is an issue with the parameters in your template"),
    133000: (500, "(#133000) Incomplete Deregistration"),
    133004: (503, "(#133004) Server Temporarily Unavailable"),
    133005: (400, "(#133005) Two step verification PIN Mismatch"),
    133006: (400, "(#133006) Phone number re-verification needed"),
    133008: (400, "(#133008) Too Many two step verification PIN guesses"),
    133010: (400, "(#133010) Account not registered"),
    133015: (400, "(#133015) Please wait a few minutes before attempting to register this phone number"),
    133016: (400, "(#133016) Account register/deregister rate limit exceeded"),
    2593107: (400, "(#2593107) Synchronization request limit exceeded"),
    2593108: (400, "(#2593108) Synchronization request made outside of allowed time window"),
}
PASSING = {2, 4}  # the two for which Meta's own examples say `is_transient`


class Refusal(Exception):
    """The make-believe Meta does not do what it was asked."""

    def __init__(
        self,
        code: int,
        *,
        subcode: int | None = None,
        message: str = "",
        details: str = "",
        kind: str = "OAuthException",
        status: int = 0,
    ) -> None:
        """Everything but the code may be left to the table."""
        usual, text = KNOWN.get(code, (400, f"(#{code}) Request failed"))
        self.status = status or usual
        self.code, self.subcode, self.details, self.kind = code, subcode, details, kind
        super().__init__(message or text)

    @property
    def body(self) -> dict[str, Any]:
        """The error object, its optional keys only when they say something."""
        error: dict[str, Any] = {"message": str(self), "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.code in PASSING:
            error["is_transient"] = True
        return {"error": {**error, "fbtrace_id": secrets.token_urlsafe(8)}}


def parameter_missing(name: str) -> Refusal:
    """What a call that forgot a parameter is told."""
    return Refusal(100, message=f"(#100) The parameter {name} is required.")


def not_visible(verb: str, object_id: str) -> Refusal:
    """One answer for what does not exist and for what is somebody else's."""
    return Refusal(
        100,
        subcode=33,
        kind="GraphMethodException",
        message=f"Unsupported {verb.lower()} request. Object with ID '{object_id}' does not exist, "
        "cannot be loaded due to missing permissions, or does not support this operation",
    )
