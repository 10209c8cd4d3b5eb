"""The Graph calls about access tokens: one for a code, one for an older one, none any more, and what one may do.

Knows nothing of accounts and numbers.
"""

from typing import Any

from whatsapp.sandbox import grants
from whatsapp.sandbox.businesses import CATALOGUE, business_with_id
from whatsapp.sandbox.calls import Call
from whatsapp.sandbox.grants import Grant
from whatsapp.sandbox.keys import unseal
from whatsapp.sandbox.refusals import Refusal

Json = dict[str, Any]
ANOTHER_APP = "999000111222333"


def exchange_code(call: Call) -> Json:
    """An authorization code becomes an access token.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-customers-as-a-tech-provider
    """
    _check_app(call)
    code = str(call.required("code"))
    facts = unseal("AQB", code, call.app.app_secret)
    if facts is None:
        raise Refusal(100, message="Invalid verification code format.")
    _use_code(call, code, facts)
    business = business_with_id(facts["business"]) or CATALOGUE[0]
    token = grants.new_token(call.app, call.memory, business, facts.get("scenario", "success"))
    return _given(call, token)


def _check_app(call: Call) -> None:
    if call.required("client_id") != call.app.app_id:
        raise Refusal(101)
    if call.required("client_secret") != call.app.app_secret:
        raise Refusal(1, message="Error validating client secret.")


def _use_code(call: Call, code: str, facts: Json) -> None:
    digest = grants.digest(code)
    if digest in call.memory.used_codes:
        raise Refusal(100, subcode=36009, message="This authorization code has been used.")
    if call.memory.clock() > facts["expires"]:
        raise Refusal(100, subcode=36007, message="This authorization code has expired.")
    if call.params.get("redirect_uri", "") != facts["redirect_uri"]:  # a code of the popup has none
        text = "Error validating verification code. Please make sure your redirect_uri is identical to the one you used"
        raise Refusal(100, subcode=36008, message=f"{text} in the OAuth dialog request")
    call.memory.record("code_used", digest=digest)


def _given(call: Call, token: str) -> Json:
    """A token that ends says when; one that does not says nothing."""
    expires_at = grants.open_token(call.app, call.memory, token).expires_at
    lives = {"expires_in": expires_at - int(call.memory.clock())} if expires_at else {}
    return {"access_token": token, "token_type": "bearer", **lives}


def refresh_token(call: Call) -> Json:
    """Sixty days more for a token that still holds.

    https://developers.facebook.com/docs/business-management-apis/system-users/install-apps-and-generate-tokens
    """
    _check_app(call)
    grant = grants.open_token(call.app, call.memory, str(call.required("fb_exchange_token")))
    if str(call.required("set_token_expires_in_60_days")).lower() != "true":
        raise Refusal(100, message="(#100) Param set_token_expires_in_60_days must be true")
    return _given(call, grants.passing_token(call.app, call.memory, grant.business, grant.scenario_name))


def revoke_token(call: Call) -> Json:
    """This token opens nothing any more.

    https://developers.facebook.com/docs/business-management-apis/system-users/install-apps-and-generate-tokens
    """
    _check_app(call)
    if not call.token:
        raise Refusal(104)
    if call.token != _app_token(call):
        grants.open_token(call.app, call.memory, call.token)
    token = str(call.required("revoke_token"))
    grants.open_token(call.app, call.memory, token)
    call.memory.record("token_revoked", digest=grants.digest(token))
    return {"success": True}


def debug_token(call: Call) -> Json:
    """What a token is good for; asked with the app's own token, `APPID|SECRET`.

    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    if not call.token:
        raise Refusal(104)
    if call.token != _app_token(call):
        raise Refusal(100, message="(#100) You must provide an app access token, or a user access token of the app")
    try:
        grant = grants.open_token(call.app, call.memory, str(call.required("input_token")))
    except Refusal as refusal:
        if refusal.code != 190:
            raise
        error = {"code": refusal.code, "subcode": refusal.subcode, "message": str(refusal)}
        return {"data": {"is_valid": False, "error": error, "scopes": []}}
    return {"data": _token_facts(call, grant)}


def _token_facts(call: Call, grant: Grant) -> Json:
    accounts = list(dict.fromkeys(line.waba_id for line in grant.lines))
    another = grant.scenario.of_another_app
    return {
        "app_id": ANOTHER_APP if another else call.app.app_id,
        "type": "SYSTEM_USER",
        "application": "Another app" if another else "Sandbox",
        "data_access_expires_at": 0,
        "expires_at": grant.expires_at,
        "is_valid": True,
        "issued_at": grant.issued_at,
        "scopes": [*grant.scenario.scopes, "public_profile"],
        "granular_scopes": [{"scope": scope, "target_ids": accounts} for scope in grant.scenario.scopes],
        "user_id": grant.business.system_user_id,
    }


def _app_token(call: Call) -> str:
    return f"{call.app.app_id}|{call.app.app_secret}"
