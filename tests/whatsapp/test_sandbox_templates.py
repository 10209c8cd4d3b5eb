"""Templates at the make-believe Meta, asked over its door: which there are, how one is sent, and what it opens."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.test_sandbox import OTHER, Ask, Product, Reply, ask, meta, postman, product, text
from tests.whatsapp.test_sandbox_composer import Post, items, post
from tests.whatsapp.test_sandbox_signup import later
from tests.whatsapp.test_sandbox_types import LUCIA, NAME, NUMBER, value_of
from whatsapp import signature
from whatsapp.sandbox import windows
from whatsapp.sandbox.businesses import plaza
from whatsapp.sandbox.meta import DEMO, Meta
from whatsapp.sandbox.template_catalogue import template as catalogue_template
from whatsapp.sandbox.templates import templates_of
from whatsapp.sandbox.webhooks import Postman

__all__ = ["ask", "meta", "post", "postman", "product"]  # fixtures
LIST = f"{DEMO.waba_id}/message_templates"
DAY = 24 * 3600


def meta_with(journal: Path) -> Meta:
    return Meta("111222333", "test_app_secret", "verify", ["http://127.0.0.1/"], journal)


def part(kind: str, *parameters: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"type": kind, "parameters": list(parameters), **facts}


def word(text: Any, name: str = "") -> dict[str, Any]:
    return {"type": "text", "text": text} | ({"parameter_name": name} if name else {})


PICTURE = part("header", {"type": "image", "image": {"link": "https://shop.example/menu.jpg"}})
SUFFIX = part("button", word("1042"), sub_type="url", index="0")
ORDER = [
    part("header", word("1042", "order_number")),
    part("body", word("on Friday", "delivery_day"), word("Grace", "customer_name")),
    SUFFIX,
    part("button", {"type": "payload", "payload": "CHANGE-1042"}, sub_type="quick_reply", index=1),
]
REMINDER = [part("body", word("Lucía"), word("mañana"))]


def template(name: str, *components: Any, language: str = "es", **changes: Any) -> dict[str, Any]:
    told = {"name": name, "language": {"code": language}, "components": list(components)} | changes
    return {"messaging_product": "whatsapp", "to": f"+{LUCIA}", "type": "template", "template": told}


def send(ask: Ask, message: dict[str, Any]) -> Reply:
    return ask("POST", f"{NUMBER}/messages", **message)


def refused(reply: Reply) -> tuple[int, int, str]:
    error = reply[1]["error"]
    return reply[0], error["code"], error.get("error_data", {}).get("details", "")


def listed(ask: Ask, path: str = LIST, **wishes: Any) -> list[dict[str, Any]]:
    status, answer = ask("GET", path, **wishes)
    assert status == 200, answer
    return list(answer["data"])


# ── Which there are ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_fields_that_are_asked_for_are_told(ask: Ask) -> None:
    [told] = listed(ask, fields="name,status,quality_score,rejected_reason", status="REJECTED")
    score = {"score": "UNKNOWN"}
    assert told.pop("id").isdigit()
    assert told == {"name": "win_a_prize", "status": "REJECTED", "quality_score": score, "rejected_reason": "SCAM"}
    [usual] = listed(ask, name="booking_reminder")
    assert set(usual) == {"id", "name", "parameter_format", "components", "language", "status", "category"}
    assert usual["components"][0]["example"] == {"body_text": [["Lucía", "mañana a las 21:00"]]}


@pytest.mark.parametrize(
    ("wishes", "names"),
    [
        ({"status": "PAUSED"}, ["payment_reminder"]),
        ({"status": '["PENDING","REJECTED"]'}, ["feedback_request", "win_a_prize"]),
        ({"name": "hello", "language": "en_US"}, ["hello_again"]),
        ({"category": "UTILITY", "language": "es"}, ["booking_reminder", "payment_reminder"]),
        ({"name": "nothing"}, []),
    ],
)
def test_templates_are_found_by_what_they_are(ask: Ask, wishes: dict[str, str], names: list[str]) -> None:
    assert [found["name"] for found in listed(ask, **wishes)] == names


def test_page_after_page_comes_to_all_of_them(ask: Ask, meta: Meta) -> None:
    everything, found, wishes = listed(ask), [], {"limit": 3, "fields": "name"}
    while True:
        status, answer = ask("GET", LIST, **wishes)
        assert status == 200
        found += answer["data"]
        wishes["after"] = answer["paging"]["cursors"]["after"]
        if "next" not in answer["paging"]:
            break
        assert answer["paging"]["next"].startswith(f"{meta.graph_url}/v25.0/{LIST}?fields=name&limit=3&after=")
    assert [one["id"] for one in found] == [one["id"] for one in everything]


@pytest.mark.parametrize(
    "wishes",
    [{"limit": 0}, {"limit": "many"}, {"after": "yesterday"}, {"after": "bm8="}, {"status": "EATEN"}, {"status": "[P"}],
)
def test_a_list_that_nobody_can_make_is_refused(ask: Ask, wishes: dict[str, Any]) -> None:
    assert refused(ask("GET", LIST, **wishes))[:2] == (400, 100)


def test_another_businesses_templates_are_not_visible(ask: Ask) -> None:
    for account in (OTHER.waba_id, "209999999999999"):
        status, answer = ask("GET", f"{account}/message_templates")
        assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


def test_no_two_accounts_have_a_template_of_the_same_id(ask: Ask, meta: Meta) -> None:
    ours, others = listed(ask), listed(ask, f"{OTHER.waba_id}/message_templates", business=OTHER)
    token = meta.token_for(DEMO, "several_accounts")
    proof = {"access_token": token, "appsecret_proof": signature.appsecret_proof(token, meta.app_secret)}
    plazas = meta.answer("GET", f"/v25.0/{plaza(DEMO).waba_id}/message_templates", proof, {}, {}).body["data"]
    ids = {one["id"] for one in (*ours, *others, *plazas)}
    assert len(ids) == 3 * len(ours)
    assert OTHER.name in others[0]["components"][0]["text"]


def test_an_account_has_the_templates_that_it_has_written_over_a_restart(tmp_path: Path) -> None:
    first = meta_with(tmp_path / "sandbox.jsonl")
    first.write_templates(DEMO, catalogue_template("offer", "es", "MARKETING", {"type": "BODY", "text": "Hola"}))
    first.close()
    second = meta_with(tmp_path / "sandbox.jsonl")
    [offer] = templates_of(second.memory, DEMO)
    assert (offer["name"], offer["quality_score"], offer["id"].isdigit()) == ("offer", {"score": "GREEN"}, True)
    assert len(templates_of(second.memory, OTHER)) > 1
    second.close()


def test_what_is_written_anew_is_as_it_is_written(ask: Ask, meta: Meta) -> None:
    meta.happens("template_paused", DEMO)
    [paused] = listed(ask, name="booking_reminder", fields="status,components")
    meta.write_templates(DEMO, catalogue_template("booking_reminder", "es", "UTILITY", *paused["components"]))
    [written] = listed(ask, fields="status,components")
    assert written == paused | {"status": "APPROVED"}


# ── How one is sent ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_is_filled_in_as_the_customer_sees_it(ask: Ask, meta: Meta) -> None:
    status, answer = send(ask, template("order_update", *ORDER, language="en_US"))
    assert (status, answer["messages"][0]["message_status"]) == (200, "accepted")
    [sent] = meta.sent
    assert sent.wamid == answer["messages"][0]["id"]
    assert sent.body == "Hi Grace, your order from *Café Alameda* is on its way. It should arrive on Friday."
    assert sent.template["header"] == {"format": "TEXT", "text": "Order 1042"}
    assert [button.get("url") or button["payload"] for button in sent.template["buttons"]] == [
        "https://shop.example/track/1042",
        "CHANGE-1042",
        "Talk to somebody",
    ]


def test_a_template_is_told_of_in_the_timeline_by_its_name(ask: Ask, meta: Meta) -> None:
    send(ask, template("booking_reminder", *REMINDER))
    listed(ask)
    told = [(event.title, event.detail) for event in meta.timeline[-2:]]
    assert told == [("graph.send_template", "booking_reminder"), ("graph.get_message_templates", "")]
    assert meta.timeline[-2].request["parameters"]["template"]["language"] == {"code": "es"}


def test_a_template_climbs_as_a_text_does_at_its_own_price(meta: Meta, product: Product, postman: Postman) -> None:
    token = meta.token_for(DEMO)
    proof = {"access_token": token, "appsecret_proof": signature.appsecret_proof(token, meta.app_secret)}
    meta.answer("POST", f"/v25.0/{NUMBER}/messages", {}, proof | template("hello_again"), {})
    postman.start()
    statuses = items(product, 3)
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert statuses[0]["pricing"]["category"] == "marketing"


# ── What it opens, and what does ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["time", "page"])
def test_after_24_hours_only_a_template_goes_through_until_the_customer_writes(
    ask: Ask, meta: Meta, post: Post, way: str
) -> None:
    meta.customer_writes(NUMBER, LUCIA, NAME, "Hola")
    assert send(ask, text())[0] == 200
    if way == "page":
        assert post("window") == (200, {"closed": True})
    else:
        later(meta, DAY)
    assert refused(send(ask, text()))[:2] == (400, 131047)
    assert send(ask, template("hello_again"))[0] == 200
    assert refused(send(ask, text()))[:2] == (400, 131047)  # a template opens nothing
    meta.customer_sends(NUMBER, LUCIA, NAME, "template_button", text="Ahora no")
    assert send(ask, text())[0] == 200


def test_a_window_is_closed_in_one_chat_only_and_over_a_restart(tmp_path: Path) -> None:
    first = meta_with(tmp_path / "sandbox.jsonl")
    for number in (NUMBER, OTHER.phone_number_id):
        first.customer_writes(number, LUCIA, NAME, "Hola")
    first.memory.record("window_closed", phone_number_id=NUMBER, wa_id=LUCIA)
    first.close()
    second = meta_with(tmp_path / "sandbox.jsonl")
    assert windows.closed(second.memory) == [(NUMBER, LUCIA)]
    second.close()


def test_who_taps_a_quick_reply_sends_its_payload(ask: Ask, meta: Meta) -> None:
    send(ask, template("order_update", *ORDER, language="en_US"))
    wamid = meta.sent[0].wamid
    options = {"text": "Change the day", "about": wamid}
    [tapped] = value_of(meta.customer_sends(NUMBER, LUCIA, NAME, "template_button", **options))["messages"]
    assert (tapped["type"], tapped["button"]) == ("button", {"payload": "CHANGE-1042", "text": "Change the day"})
    assert tapped["context"] == {"from": DEMO.digits, "id": wamid}


# ── What happens to a template ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("deed", "status", "code"),
    [
        ("template_paused", "PAUSED", 132015),
        ("template_disabled", "DISABLED", 132016),
        ("template_rejected", "REJECTED", 132001),
    ],
)
def test_what_is_announced_of_a_template_is_so(ask: Ask, meta: Meta, deed: str, status: str, code: int) -> None:
    [change] = json.loads(meta.happens(deed, DEMO))["entry"][0]["changes"]
    [told] = listed(ask, name="booking_reminder", fields="status,rejected_reason")
    assert (told["status"], int(told["id"])) == (status, change["value"]["message_template_id"])
    assert told["rejected_reason"] == ("INVALID_FORMAT" if status == "REJECTED" else "NONE")
    assert refused(send(ask, template("booking_reminder", *REMINDER)))[1] == code
    assert listed(ask, f"{OTHER.waba_id}/message_templates", business=OTHER)[0]["status"] == "APPROVED"
    meta.happens("template_approved", DEMO)
    assert send(ask, template("booking_reminder", *REMINDER))[0] == 200


def test_quality_falls_step_by_step_and_recovers(ask: Ask, meta: Meta) -> None:
    scores = []
    for _ in range(3):
        meta.happens("template_quality", DEMO)
        scores.append(listed(ask, name="booking_reminder", fields="quality_score")[0]["quality_score"]["score"])
    assert scores == ["YELLOW", "RED", "GREEN"]


def test_another_category_is_another_price(ask: Ask, meta: Meta) -> None:
    meta.happens("template_category", DEMO)
    send(ask, template("booking_reminder", *REMINDER))
    assert meta.sent[0].price == "marketing"
