"""Claude behind the port: what goes over Anthropic's wire, and what each answer means to us."""

import base64

import pytest

from agent.ports import LlmError, LlmRefused, LlmUnavailable, Media, Speaker, Turn
from agent.providers import get_provider
from agent.providers.anthropic import whole_sentences
from tests.fakes import in_a_loop

TURNS = [
    Turn(Speaker.AGENT, "Before"),
    Turn(Speaker.CUSTOMER, "Hola"),
    Turn(Speaker.AGENT, "¿Sí?"),
    Turn(Speaker.CUSTOMER, "¿Abrís?"),
]


def ask(turns=TURNS):
    return in_a_loop(lambda: get_provider().generate_reply("Be brief.", turns, "pseudonym"))


def test_the_request_on_the_wire(model, settings):
    ask()
    [request] = model.requests
    assert request.headers["anthropic-version"] == settings.ANTHROPIC_API_VERSION
    assert request.headers["authorization"] == f"Bearer {settings.ANTHROPIC_API_KEY}"
    assert request.body["model"] == settings.ANTHROPIC_MODEL
    assert request.body["max_tokens"] == settings.ANTHROPIC_MAX_TOKENS
    assert request.body["metadata"] == {"user_id": "pseudonym"}
    assert request.body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert [message["role"] for message in request.body["messages"]] == ["user", "assistant", "user"]
    assert not {"temperature", "top_p", "top_k"} & set(request.body)


def test_the_version_header_follows_the_setting(model, settings):
    settings.ANTHROPIC_API_VERSION = "2023-06-01"
    ask()
    assert model.requests[0].headers["anthropic-version"] == "2023-06-01"


def test_media_stand_before_the_words_about_them(model):
    photo, menu = Media("image/jpeg", b"\xff\xd8\xff"), Media("application/pdf", b"%PDF-1.7", "menu.pdf")
    turns = [
        Turn(Speaker.CUSTOMER, "[A photo.] This?", photo),
        Turn(Speaker.AGENT, "No."),
        Turn(Speaker.CUSTOMER, "[A file.]", menu),
    ]
    ask(turns)
    first, answer, last = [message["content"] for message in model.requests[0].body["messages"]]
    source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(photo.data).decode()}
    assert first == [{"type": "image", "source": source}, {"type": "text", "text": "[A photo.] This?"}]
    assert answer == "No."
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(menu.data).decode()}
    document = {"type": "document", "source": source, "title": "menu.pdf"}
    assert last == [document, {"type": "text", "text": "[A file.]"}]


def test_media_show_nothing_of_themselves_in_logs():
    assert "FFD8" not in repr(Turn(Speaker.CUSTOMER, "", Media("image/jpeg", b"FFD8")))


@pytest.mark.parametrize("trouble", [429, 500, 529, "bad_json"])
def test_trouble_that_passes_is_unavailable_and_asked_once(model, trouble):
    model.fail_next(trouble)
    with pytest.raises(LlmUnavailable):
        ask()
    assert len(model.requests) == 1


def test_the_provider_says_when_to_try_again(model):
    model.fail_next(429)
    with pytest.raises(LlmUnavailable) as raised:
        ask()
    assert raised.value.retry_after == 2


def test_trouble_with_our_account_waits_for_staff_and_is_logged(model, caplog):
    model.fail_next(401)
    with pytest.raises(LlmUnavailable) as raised:
        ask()
    assert raised.value.retry_after == 300
    assert "refuses our account" in caplog.text


def test_nobody_there_is_unavailable(settings):
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(LlmUnavailable):
        ask()


def test_a_refusal_is_for_a_human(model):
    model.fail_next("refusal")
    with pytest.raises(LlmRefused, match="general_harms"):
        ask()


@pytest.mark.parametrize("trouble", [400, "empty", "unknown_block"])
def test_what_will_not_get_better_is_given_up(model, trouble):
    model.fail_next(trouble)
    with pytest.raises(LlmError) as raised:
        ask()
    assert type(raised.value) is LlmError


def test_a_nul_which_no_row_can_hold_is_left_out(model):
    assert 'You wrote: "ab"' in ask([Turn(Speaker.CUSTOMER, "a\0b")]).text


def test_a_cut_reply_is_sent_all_the_same(model):
    model.fail_next("max_tokens")
    assert ask().text


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ("Abrimos a las 8. Cerramos a las 20. Los dom", "Abrimos a las 8. Cerramos a las 20."),
        ("¿Le va bien? Entonces", "¿Le va bien?"),
        ("no sentence at all", "no sentence at all"),
        ("It costs 3.50 euros and", "It costs 3.50 euros and"),
    ],
)
def test_a_cut_reply_ends_with_its_last_whole_sentence(cut, whole):
    assert whole_sentences(cut) == whole


def test_the_provider_shows_nothing_of_its_key(model, settings):
    async def shown():
        return repr(get_provider())

    assert settings.ANTHROPIC_API_KEY not in in_a_loop(shown)
