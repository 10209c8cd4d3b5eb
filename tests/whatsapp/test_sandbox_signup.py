"""How a signup can end at the make-believe Meta, and what happens to a connection afterwards.

Its own facts come from Meta's documentation.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from tests.whatsapp.test_sandbox import CALLBACK, OTHER, Browse, Reply, browse, dialog, new_meta, text
from whatsapp import signature
from whatsapp.sandbox.businesses import express, plaza
from whatsapp.sandbox.companies import DEEDS
from whatsapp.sandbox.composer_words import ACCOUNT_GROUPS
from whatsapp.sandbox.envelopes import PARTNER_ID
from whatsapp.sandbox.keys import signed_request
from whatsapp.sandbox.meta import DEMO, Meta
from whatsapp.sandbox.scenarios import OWN_PIN, SCENARIOS, SIXTY_DAYS
from whatsapp.sandbox.server import SandboxHandler
from whatsapp.sandbox.stage import Doctor, Finding, Stage
from whatsapp.sandbox.webhooks import Postman
from whatsapp.sandbox.words import DEEDS as DEEDS_IN_WORDS
from whatsapp.sandbox.words import SCENARIO_GROUPS

__all__ = ["browse"]  # a fixture
REGISTER = {"messaging_product": "whatsapp", "pin": "246810"}
NUMBER, ACCOUNT = OTHER.phone_number_id, OTHER.waba_id


@pytest.fixture
def meta() -> Meta:
    return new_meta()


def app_call(meta: Meta, path: str, **parameters: str) -> Reply:
    ours = {"client_id": meta.app_id, "client_secret": meta.app_secret}
    answer = meta.answer("POST", f"/v25.0/{path}", {}, ours | parameters, {})
    return answer.status, answer.body


def exchange(meta: Meta, code: str, **parameters: str) -> Reply:
    return app_call(meta, "oauth/access_token", code=code, **parameters)


def token_after(meta: Meta, scenario: str) -> str:
    return str(exchange(meta, meta.issue_code(OTHER, "", scenario))[1]["access_token"])


def ask(meta: Meta, token: str, method: str, path: str, **parameters: Any) -> Reply:
    proof = {"access_token": token, "appsecret_proof": signature.appsecret_proof(token, meta.app_secret)}
    answer = meta.answer(method, f"/v25.0/{path}", proof, parameters, {})
    return answer.status, answer.body


def debug(meta: Meta, token: str) -> dict[str, Any]:
    app_token = f"{meta.app_id}|{meta.app_secret}"
    answer = meta.answer("GET", "/v25.0/debug_token", {"input_token": token, "access_token": app_token}, {}, {})
    facts: dict[str, Any] = answer.body["data"]
    return facts


def error_of(reply: Reply) -> tuple[int, int | None]:
    return reply[1]["error"]["code"], reply[1]["error"].get("error_subcode")


def later(meta: Meta, seconds: float) -> None:
    now = meta.memory.clock()
    meta.memory.clock = meta.clock = lambda: now + seconds


def test_every_scenario_and_every_deed_has_its_words() -> None:
    assert sorted(name for group in SCENARIO_GROUPS.values() for name in group) == sorted(SCENARIOS)
    announced = [name for group in ACCOUNT_GROUPS.values() for name in group]
    assert sorted([*DEEDS_IN_WORDS, *announced]) == sorted(DEEDS)


def test_a_code_of_the_popup_goes_without_a_redirect_uri(meta: Meta) -> None:
    assert error_of(exchange(meta, meta.issue_code(OTHER), redirect_uri=CALLBACK)) == (100, 36008)
    assert error_of(exchange(meta, meta.issue_code(OTHER, CALLBACK))) == (100, 36008)
    assert exchange(meta, meta.issue_code(OTHER))[0] == 200


@pytest.mark.parametrize(("scenario", "subcode"), [("expired_code", 36007), ("used_code", 36009)])
def test_a_code_may_come_too_late_or_twice(meta: Meta, scenario: str, subcode: int) -> None:
    assert error_of(exchange(meta, meta.issue_code(OTHER, "", scenario))) == (100, subcode)


def test_who_cancels_gets_no_code(meta: Meta) -> None:
    assert meta.issue_code(OTHER, CALLBACK, "cancel") == ""


def test_a_token_for_sixty_days_ends_unless_it_is_renewed(meta: Meta) -> None:
    given = exchange(meta, meta.issue_code(OTHER, "", "sixty_days"))[1]
    assert given["expires_in"] == SIXTY_DAYS
    old = given["access_token"]
    assert debug(meta, old)["expires_at"] == debug(meta, old)["issued_at"] + SIXTY_DAYS
    later(meta, SIXTY_DAYS - 60)
    renewal = {"grant_type": "fb_exchange_token", "set_token_expires_in_60_days": "true"}
    new = app_call(meta, "oauth/access_token", fb_exchange_token=old, **renewal)[1]["access_token"]
    later(meta, 61)
    assert error_of(ask(meta, old, "GET", "me")) == (190, 463)
    assert ask(meta, new, "GET", "me")[0] == 200


def test_a_revoked_token_opens_nothing_and_the_next_signup_brings_another(meta: Meta) -> None:
    token = token_after(meta, "success")
    assert app_call(meta, "oauth/revoke", revoke_token=token, access_token=token) == (200, {"success": True})
    assert error_of(ask(meta, token, "GET", "me")) == (190, 467)
    assert (debug(meta, token)["is_valid"], debug(meta, token)["error"]["subcode"]) == (False, 467)
    assert ask(meta, token_after(meta, "success"), "GET", "me")[0] == 200


@pytest.mark.parametrize(
    ("scenario", "app_id", "scopes", "accounts"),
    [
        ("success", "111222333", 2, [ACCOUNT]),
        ("missing_scope", "111222333", 1, [ACCOUNT]),
        ("other_app", "999000111222333", 2, [ACCOUNT]),
        ("several_accounts", "111222333", 2, [ACCOUNT, plaza(OTHER).waba_id]),
    ],
)
def test_a_token_says_what_it_is_good_for(
    meta: Meta, scenario: str, app_id: str, scopes: int, accounts: list[str]
) -> None:
    facts = debug(meta, token_after(meta, scenario))
    granted = facts["granular_scopes"]
    assert (facts["app_id"], len(granted), granted[0]["target_ids"]) == (app_id, scopes, accounts)
    assert facts["user_id"] == OTHER.system_user_id


@pytest.mark.parametrize(
    ("scenario", "numbers"),
    [("success", [NUMBER]), ("several_numbers", [NUMBER, express(OTHER).phone_number_id]), ("no_number", [])],
)
def test_an_account_has_the_numbers_that_were_shared(meta: Meta, scenario: str, numbers: list[str]) -> None:
    listed = ask(meta, token_after(meta, scenario), "GET", f"{ACCOUNT}/phone_numbers", fields="id")[1]["data"]
    assert listed == [{"id": number} for number in numbers]


def test_the_second_number_is_hidden_from_who_was_given_one(meta: Meta) -> None:
    token = token_after(meta, "success")
    assert error_of(ask(meta, token, "GET", express(OTHER).phone_number_id)) == (100, 33)


def test_a_number_is_pending_until_it_is_registered(meta: Meta) -> None:
    token = token_after(meta, "success")
    asked = {"fields": "status,platform_type,webhook_configuration"}
    hook = {"application": "http://127.0.0.1:8000/v1/webhooks/whatsapp"}
    before = {"status": "PENDING", "platform_type": "NOT_APPLICABLE", "webhook_configuration": hook, "id": NUMBER}
    assert ask(meta, token, "GET", NUMBER, **asked)[1] == before
    ask(meta, token, "POST", f"{NUMBER}/register", **REGISTER)
    after = ask(meta, token, "GET", NUMBER, **asked)[1]
    assert (after["status"], after["platform_type"]) == ("CONNECTED", "CLOUD_API")


def test_an_account_without_a_payment_method_has_no_funding_id_and_sends_nothing(meta: Meta) -> None:
    token = meta.token_for(DEMO)
    meta.set_payment(DEMO, exists=False)
    assert "primary_funding_id" not in ask(meta, token, "GET", DEMO.waba_id, fields="primary_funding_id")[1]
    assert error_of(ask(meta, token, "POST", f"{DEMO.phone_number_id}/messages", **text())) == (131042, None)
    meta.set_payment(DEMO, exists=True)
    assert ask(meta, token, "POST", f"{DEMO.phone_number_id}/messages", **text())[0] == 200


def test_the_subscription_is_listed_until_it_ends(meta: Meta) -> None:
    path, token = f"{DEMO.waba_id}/subscribed_apps", meta.token_for(DEMO)
    [listed] = ask(meta, token, "GET", path)[1]["data"]
    assert set(listed["whatsapp_business_api_data"]) == {"id", "name", "link"}
    assert ask(meta, token, "DELETE", path)[1] == {"success": True}
    assert ask(meta, token, "GET", path)[1] == {"data": []}


@pytest.mark.parametrize(
    ("scenario", "code"), [("own_pin", 133005), ("register_limit", 133016), ("verify_first", 133006)]
)
def test_registering_is_refused_until_the_cause_is_gone(meta: Meta, scenario: str, code: int) -> None:
    token = token_after(meta, scenario)
    assert error_of(ask(meta, token, "POST", f"{NUMBER}/register", **REGISTER)) == (code, None)
    meta.stage(OTHER, "success")
    assert ask(meta, token, "POST", f"{NUMBER}/register", **REGISTER)[0] == 200


def test_the_right_pin_registers_a_number_that_has_its_own(meta: Meta) -> None:
    path, token = f"{NUMBER}/register", token_after(meta, "own_pin")
    assert ask(meta, token, "POST", path, **REGISTER | {"pin": OWN_PIN}) == (200, {"success": True})


def test_the_limit_is_over_after_three_days_and_our_own_attempts_count(meta: Meta) -> None:
    path, token = f"{NUMBER}/register", token_after(meta, "register_limit")
    later(meta, 72 * 3600 + 1)
    assert [ask(meta, token, "POST", path, **REGISTER)[0] for _attempt in range(11)] == [200] * 10 + [400]


def test_a_number_of_the_app_is_not_registered_but_synchronised_once(meta: Meta) -> None:
    token = token_after(meta, "coexistence")
    assert ask(meta, token, "GET", NUMBER, fields="is_on_biz_app,status")[1]["is_on_biz_app"] is True
    assert error_of(ask(meta, token, "POST", f"{NUMBER}/register", **REGISTER)) == (100, None)
    for sync_type in ("smb_app_state_sync", "history"):
        sync = {"messaging_product": "whatsapp", "sync_type": sync_type}
        assert "request_id" in ask(meta, token, "POST", f"{NUMBER}/smb_app_data", **sync)[1]
        assert error_of(ask(meta, token, "POST", f"{NUMBER}/smb_app_data", **sync)) == (2593107, None)
    assert ask(meta, token, "POST", f"{NUMBER}/messages", **text())[0] == 200


STEPS: dict[str, Callable[[Meta, str], Reply]] = {
    "down_exchange": lambda meta, token: exchange(meta, meta.app_secret),
    "down_debug_token": lambda meta, token: app_call(meta, "debug_token", input_token=token),
    "down_phone_numbers": lambda meta, token: ask(meta, token, "GET", f"{ACCOUNT}/phone_numbers"),
    "down_subscribe": lambda meta, token: ask(meta, token, "POST", f"{ACCOUNT}/subscribed_apps"),
    "down_register": lambda meta, token: ask(meta, token, "POST", f"{NUMBER}/register", **REGISTER),
}


@pytest.mark.parametrize("scenario", STEPS)
def test_meta_fails_once_at_one_step(meta: Meta, scenario: str) -> None:
    token = meta.token_for(OTHER)
    meta.issue_code(OTHER, "", scenario)
    others = [step for name, step in STEPS.items() if name != scenario]
    assert all(error_of(reply) != (2, None) for reply in (step(meta, token) for step in others) if reply[0] != 200)
    assert error_of(STEPS[scenario](meta, token)) == (2, None)
    assert not meta.armed


def test_a_company_that_removes_the_app_ends_every_token_and_meta_tells_the_partner(meta: Meta) -> None:
    tokens = [meta.token_for(DEMO), exchange(meta, meta.issue_code(DEMO, "", "sixty_days"))[1]["access_token"]]
    [entry] = json.loads(meta.happens("remove_app", DEMO))["entry"]
    value = entry["changes"][0]["value"]
    assert (entry["id"], value["event"]) == (PARTNER_ID, "PARTNER_REMOVED")
    assert value["waba_info"]["waba_id"] == DEMO.waba_id
    assert [error_of(ask(meta, token, "GET", "me")) for token in tokens] == [(190, 467)] * 2
    assert ask(meta, meta.token_for(DEMO), "GET", "me")[0] == 200


def test_a_restricted_account_sends_nothing_until_the_restriction_is_lifted(meta: Meta) -> None:
    path, token = f"{DEMO.phone_number_id}/messages", meta.token_for(DEMO)
    told = json.loads(meta.happens("restrict", DEMO))["entry"][0]["changes"][0]["value"]
    assert "RESTRICTED_CUSTOMER_INITIATED_MESSAGING" in {one["restriction_type"] for one in told["restriction_info"]}
    assert error_of(ask(meta, token, "POST", path, **text())) == (131031, None)
    told = json.loads(meta.happens("lift_restriction", DEMO))["entry"][0]["changes"][0]["value"]
    assert told == {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}
    assert ask(meta, token, "POST", path, **text())[0] == 200


def test_a_restart_forgets_neither_what_was_chosen_nor_what_was_revoked(tmp_path: Path) -> None:
    first = new_meta(tmp_path / "sandbox.jsonl")
    token, demos = token_after(first, "own_pin"), first.token_for(DEMO)
    first.happens("remove_app", DEMO)
    first.close()
    second = new_meta(tmp_path / "sandbox.jsonl")
    assert error_of(ask(second, token, "POST", f"{NUMBER}/register", **REGISTER)) == (133005, None)
    assert error_of(ask(second, demos, "GET", "me")) == (190, 467)
    second.close()


def test_a_changed_pin_is_told(meta: Meta) -> None:
    [change] = json.loads(meta.security(DEMO, "PIN_CHANGED"))["entry"][0]["changes"]
    assert (change["field"], change["value"]["event"]) == ("security", "PIN_CHANGED")


def test_a_signed_request_is_signed_as_meta_signs_it() -> None:
    payload = {"user_id": "1234567890", "algorithm": "HMAC-SHA256", "issued_at": 1763800000}
    encoded = "eyJ1c2VyX2lkIjoiMTIzNDU2Nzg5MCIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjoxNzYzODAwMDAwfQ"
    assert signed_request(payload, "test_app_secret") == f"MNAvJUobM9xWF9IEk3YFJd4S57nwAJGp8lsVOh4xsKU.{encoded}"


def test_the_choice_in_the_dialog_decides_what_the_code_is_worth(meta: Meta, browse: Browse) -> None:
    chosen = {"decision": "continue", "business": OTHER.client_business_id, "scenario": "used_code"}
    request = RequestFactory().post(dialog(), chosen)
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    code = browse(request).headers["Location"].partition("?code=")[2].partition("&")[0]
    assert error_of(exchange(meta, code, redirect_uri=CALLBACK)) == (100, 36009)


def test_the_phone_shows_what_the_doctor_says_of_the_chosen_number(meta: Meta, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    finding: Finding = {"check": "token", "state": "bad", "what": "Revoked", "fix": "Connect again"}
    said: Doctor = {"status": "NEEDS_CARE", "checked_at": 1763800000.0, "findings": [finding]}
    stage = Stage(meta, Postman(meta, "http://127.0.0.1:1/"), doctor={DEMO.phone_number_id: said}.get)

    def doctor(number: str) -> Any:
        request: WSGIRequest = RequestFactory().get("/api/state", {"phone_number_id": number})
        request.META["HTTP_HOST"] = "127.0.0.1:8001"
        return json.loads(SandboxHandler(stage).get_response(request).content)["doctor"]  # type: ignore[attr-defined]

    assert (doctor(DEMO.phone_number_id), doctor(NUMBER)) == (said, None)
