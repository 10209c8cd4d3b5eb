"""Calls to Graph: what goes over the wire, and what each refusal means to us."""

import json

import pytest
import requests
import responses

from whatsapp.client import GraphClient
from whatsapp.errors import (
    AccessTokenRejected,
    GraphError,
    GraphUnavailable,
    OutcomeUnknown,
    OutsideServiceWindow,
    TenantActionNeeded,
)
from whatsapp.signature import appsecret_proof

MESSAGES = "https://graph.facebook.com/v25.0/101/messages"
TEMPLATES = "https://graph.facebook.com/v25.0/201/message_templates"


@pytest.fixture
def graph():
    with responses.RequestsMock() as mock:
        yield mock


def send() -> str:
    return GraphClient("EAAtoken").send_text("101", {"to": "+34600000101"}, "Hola", "our-id")


def refusal(code: int, **more: object) -> dict[str, object]:
    return {"error": {"message": "Meta's words", "type": "OAuthException", "code": code, "fbtrace_id": "T1", **more}}


def test_a_text_is_sent_with_token_proof_and_our_own_id(graph, settings):
    graph.post(MESSAGES, json={"messages": [{"id": "wamid.NEW"}]})
    assert send() == "wamid.NEW"
    request = graph.calls[0].request
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+34600000101",
        "type": "text",
        "text": {"body": "Hola", "preview_url": False},
        "biz_opaque_callback_data": "our-id",
    }
    assert request.headers["Authorization"] == "Bearer EAAtoken"
    assert request.params == {"appsecret_proof": appsecret_proof("EAAtoken", settings.META_APP_SECRET)}


def test_a_template_is_sent_as_a_text_is(graph):
    graph.post(MESSAGES, json={"messages": [{"id": "wamid.NEW"}]})
    booking = {"name": "booking", "language": {"code": "es"}, "components": []}
    assert GraphClient("EAAtoken").send_template("101", {"recipient": "ES.1"}, booking, "our-id") == "wamid.NEW"
    assert json.loads(graph.calls[0].request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient": "ES.1",
        "type": "template",
        "template": booking,
        "biz_opaque_callback_data": "our-id",
    }


@pytest.mark.parametrize("answer", [{"json": {}}, {"json": {"messages": []}}, {"body": requests.ReadTimeout()}])
def test_a_template_that_meta_may_have_is_of_unknown_end(graph, answer):
    graph.post(MESSAGES, **answer)
    with pytest.raises(OutcomeUnknown):
        GraphClient("EAAtoken").send_template("101", {"to": "+34600000101"}, {"name": "booking"}, "our-id")


def test_templates_are_read_page_by_page(graph):
    pages = [("a", {"cursors": {"after": "X"}, "next": "https://…"}), ("b", {"cursors": {"after": "Y"}})]
    for name, paging in pages:
        graph.get(TEMPLATES, json={"data": [{"id": "1", "name": name, "language": "es"}], "paging": paging})
    found = GraphClient("EAAtoken").templates("201")
    assert [(one.name, one.parameter_format, one.components) for one in found] == [
        ("a", "POSITIONAL", ()),
        ("b", "POSITIONAL", ()),
    ]
    asked = [call.request.params for call in graph.calls]
    assert [(params["limit"], params.get("after")) for params in asked] == [("100", None), ("100", "X")]
    assert "quality_score" in asked[0]["fields"]


def test_no_more_templates_are_read_than_meta_lets_there_be(graph):
    page = [{"id": "1", "name": "a", "language": "es"}] * 100
    graph.get(TEMPLATES, json={"data": page, "paging": {"cursors": {"after": "X"}, "next": "https://…"}})
    assert len(GraphClient("EAAtoken").templates("201")) == 6000
    assert len(graph.calls) == 60


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (190, AccessTokenRejected),
        (0, AccessTokenRejected),
        (10, AccessTokenRejected),
        (200, AccessTokenRejected),
        (299, AccessTokenRejected),
        (4, GraphUnavailable),
        (130429, GraphUnavailable),
        (131056, GraphUnavailable),
        (131016, GraphUnavailable),
        (131047, OutsideServiceWindow),
        (131042, TenantActionNeeded),
        (368, TenantActionNeeded),
        (100, GraphError),
        (131026, GraphError),
        (999999, GraphError),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_refusal_is_known_by_its_code_whatever_its_status(graph, code, error, status):
    graph.post(MESSAGES, json=refusal(code, error_data={"details": "What to do"}), status=status)
    with pytest.raises(GraphError) as raised:
        send()
    assert type(raised.value) is error
    assert (raised.value.code, raised.value.detail, raised.value.trace_id) == (code, "What to do", "T1")


def test_an_unknown_code_that_meta_calls_transient_may_be_tried_again(graph):
    graph.post(MESSAGES, json=refusal(999999, is_transient=True), status=500)
    with pytest.raises(GraphUnavailable):
        send()


def test_meta_says_when_to_try_again(graph):
    graph.post(MESSAGES, json=refusal(130429), status=429, headers={"Retry-After": "17"})
    with pytest.raises(GraphUnavailable) as raised:
        send()
    assert raised.value.retry_after == 17


WAIT = "estimated_time_to_regain_access"
USAGE = json.dumps({"123": [{"type": "messaging", WAIT: 7}, {WAIT: 3}]})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "90", "X-App-Usage": USAGE}, 90),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "\u00b2"}, None),
        ({"X-Business-Use-Case-Usage": USAGE}, 420),
        ({"X-App-Usage": USAGE, "X-Business-Use-Case-Usage": f'{{"{WAIT}": 9}}'}, 540),
        ({"X-App-Usage": f'{{"call_count": 100, "{WAIT}": "2"}}'}, 120),
        ({"X-App-Usage": f'{{"{WAIT}": 99999}}'}, 3600),
        ({"X-App-Usage": f'{{"{WAIT}": 0}}'}, None),
        ({"X-App-Usage": f'{{"{WAIT}": 1e999}}'}, None),
        ({"X-App-Usage": f'{{"{WAIT}": {{"{WAIT}": -5}}}}'}, None),
        ({"X-App-Usage": "[" * 100_000}, None),
        ({"X-App-Usage": "nonsense"}, None),
    ],
)
def test_without_retry_after_the_longest_wait_of_the_usage_headers_counts(graph, headers, seconds):
    graph.post(MESSAGES, json=refusal(80007), status=400, headers=headers)
    with pytest.raises(GraphUnavailable) as raised:
        send()
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectionError("Remote end closed connection")},
        {"body": "<html>Sorry</html>", "status": 500},
        {"body": "<html>Sorry</html>", "status": 200},
        {"json": {}, "status": 200},
        {"json": [], "status": 200},
        {"json": {"messages": []}, "status": 200},
        {"json": {"error": "odd"}, "status": 502},
    ],
)
def test_a_send_without_a_clear_answer_has_an_unknown_outcome(graph, answer):
    graph.post(MESSAGES, **answer)
    with pytest.raises(OutcomeUnknown):
        send()


def test_a_send_that_found_no_connection_in_time_may_be_tried_again(graph):
    graph.post(MESSAGES, body=requests.ConnectTimeout())
    with pytest.raises(GraphUnavailable):
        send()


def test_a_send_to_a_closed_port_may_be_tried_again(settings):
    settings.META_GRAPH_API_URL = "http://127.0.0.1:9"
    with pytest.raises(GraphUnavailable):
        send()


def test_a_read_without_a_clear_answer_may_be_tried_again(graph):
    graph.get("https://graph.facebook.com/v25.0/201/phone_numbers", body=requests.ReadTimeout())
    with pytest.raises(GraphUnavailable):
        GraphClient("EAAtoken").phone_numbers("201")


@pytest.mark.parametrize("subcode", [36007, 36008, 36009])
def test_a_refused_code_keeps_metas_subcode(graph, subcode):
    graph.post(
        "https://graph.facebook.com/v25.0/oauth/access_token", json=refusal(100, error_subcode=subcode), status=400
    )
    with pytest.raises(GraphError) as raised:
        GraphClient().exchange_code("AQ", "")
    assert raised.value.subcode == subcode


def test_scopes_may_stand_in_the_granular_ones_only(graph):
    scopes = [
        {"scope": "whatsapp_business_management", "target_ids": ["201"]},
        {"scope": "whatsapp_business_messaging"},
    ]
    data = {"app_id": "111222333", "is_valid": True, "scopes": ["public_profile"], "granular_scopes": scopes}
    graph.get("https://graph.facebook.com/v25.0/debug_token", json={"data": data})
    facts = GraphClient.of_the_app().debug_token("EAAtoken")
    assert facts.business_account_ids == ("201",)
    assert facts.scopes == {"public_profile", "whatsapp_business_management", "whatsapp_business_messaging"}


def test_a_client_shows_nothing_of_its_token():
    assert "EAAtoken" not in repr(GraphClient("EAAtoken"))
