"""What the make-believe Meta announces of accounts, numbers, templates and customers."""

import json
from typing import Any

import pytest

from tests.whatsapp.test_sandbox import OTHER, Product, postman, product
from tests.whatsapp.test_sandbox_composer import Post, items, meta, post
from tests.whatsapp.test_sandbox_types import LUCIA, NAME, NUMBER, USER_ID, has_shape, value_of
from whatsapp.sandbox.companies import DEEDS
from whatsapp.sandbox.connecting import pin_digest
from whatsapp.sandbox.meta import DEMO, DEMO_PIN, Meta
from whatsapp.sandbox.webhooks import Postman

__all__ = ["meta", "post", "postman", "product"]  # fixtures


DISPLAYED = {"display_phone_number": DEMO.digits}
TEMPLATE = {
    "message_template_id": int,
    "message_template_name": "booking_reminder",
    "message_template_language": "es",
}


def status_of_template(event: str, **facts: Any) -> tuple[str, dict[str, Any]]:
    about = {"event": event, "reason": "NONE", "message_template_category": "UTILITY"}
    return "message_template_status_update", TEMPLATE | about | facts


# The field, and what is said; a number's fields have the number's metadata besides.
ANNOUNCED: dict[str, tuple[str, dict[str, Any]]] = {
    "quality": (
        "phone_number_quality_update",
        DISPLAYED
        | {
            "event": "DOWNGRADE",
            **dict.fromkeys(("old_limit", "current_limit", "max_daily_conversations_per_business"), str),
        },
    ),
    "name_approved": (
        "phone_number_name_update",
        DISPLAYED | {"decision": "APPROVED", "requested_verified_name": DEMO.verified_name, "rejection_reason": "NONE"},
    ),
    "review": ("account_review_update", {"decision": "APPROVED"}),
    "alert": (
        "account_alerts",
        {
            "entity_type": "WABA",
            "entity_id": DEMO.waba_id,
            "alert_info": dict.fromkeys(("alert_severity", "alert_status", "alert_type", "alert_description"), str),
        },
    ),
    "capability": (
        "business_capability_update",
        dict.fromkeys(
            ("max_daily_conversations_per_business", "max_phone_numbers_per_business", "max_phone_numbers_per_waba"),
            int,
        ),
    ),
    "template_approved": status_of_template("APPROVED"),
    "template_rejected": status_of_template(
        "REJECTED", reason="INVALID_FORMAT", rejection_info={"reason": str, "recommendation": str}
    ),
    "template_paused": status_of_template(
        "PAUSED", reason=None, other_info={"title": "FIRST_PAUSE", "description": str}
    ),
    "template_disabled": status_of_template("DISABLED", disable_info={"disable_date": int}),
    "template_quality": (
        "message_template_quality_update",
        TEMPLATE | {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"},
    ),
    "template_category": (
        "template_category_update",
        TEMPLATE | {"previous_category": "UTILITY", "new_category": "MARKETING"},
    ),
    "unknown_field": ("telepathy_update", {"event": "THOUGHT", "thoughts": [{"of": DEMO.verified_name}]}),
    "pin_changed": ("security", DISPLAYED | {"event": "PIN_CHANGED", "requester": str}),
}
ABOUT_A_CUSTOMER: dict[str, tuple[str, dict[str, Any]]] = {
    f"marketing_{value}": (
        "user_preferences",
        {
            "wa_id": LUCIA,
            "user_id": USER_ID,
            "detail": str,
            "category": "marketing_messages",
            "value": value,
            "timestamp": int,
        },
    )
    for value in ("stop", "resume")
} | {
    "user_id_update": (
        "user_id_update",
        {"wa_id": LUCIA, "detail": str, "user_id": {"previous": USER_ID, "current": str}, "timestamp": str},
    )
}


def test_every_deed_is_looked_at_somewhere() -> None:
    assert set(DEEDS) == {"remove_app", "restrict", "lift_restriction", "number_error", *ANNOUNCED, *ABOUT_A_CUSTOMER}


@pytest.mark.parametrize("deed", ANNOUNCED)
def test_what_is_announced_of_an_account_names_no_number_by_its_id(meta: Meta, deed: str) -> None:
    [entry] = json.loads(meta.happens(deed, DEMO))["entry"]
    [change] = entry["changes"]
    field, shape = ANNOUNCED[deed]
    assert (entry["id"], type(entry["time"]), change["field"]) == (DEMO.waba_id, int, field)
    assert has_shape(change["value"], shape), change["value"]


@pytest.mark.parametrize("deed", ABOUT_A_CUSTOMER)
def test_what_is_announced_of_a_customer_names_both(post: Post, postman: Postman, product: Product, deed: str) -> None:
    post("deeds", deed=deed)
    postman.start()
    items(product, 1)
    [change] = json.loads(product.taken[0])["entry"][0]["changes"]
    field, shape = ABOUT_A_CUSTOMER[deed]
    assert (change["field"], change["value"]["metadata"]["phone_number_id"]) == (field, NUMBER)
    assert change["value"]["contacts"][0]["profile"] == {"name": NAME}
    assert has_shape(change["value"][field][0], shape)


def test_an_error_of_the_number_names_no_message(meta: Meta) -> None:
    value = value_of(meta.happens("number_error", DEMO))
    assert set(value) == {"field", "messaging_product", "metadata", "errors"}
    assert value["errors"][0]["code"] == 130429


def test_who_has_a_new_user_id_is_written_to_by_it(meta: Meta) -> None:
    meta.happens("user_id_update", DEMO, LUCIA)
    assert meta.memory.user_id(DEMO, LUCIA) != USER_ID
    assert meta.memory.user_id(OTHER, LUCIA) == OTHER.user_id(LUCIA)


def test_a_changed_pin_is_not_ours_until_the_number_is_connected_again(meta: Meta) -> None:
    meta.happens("pin_changed", DEMO)
    assert meta.memory.registered[NUMBER] != pin_digest(DEMO_PIN, meta.app)
    meta.stage(DEMO, "success")
    assert NUMBER not in meta.memory.registered


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_stranger_says_has_not_happened(post: Post, meta: Meta, deed: str) -> None:
    facts = meta.memory.number
    assert post("deeds", deed=deed, mode="forged") == (200, {"status": 401})
    assert meta.memory.number == facts + 1  # that somebody knocked
