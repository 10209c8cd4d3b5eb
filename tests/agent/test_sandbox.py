"""The make-believe Messages API, asked by the real SDK over HTTP."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from agent.sandbox.model import Model, without_data
from tests.fakes import serve_model

VERSION = {"anthropic-version": "2026-10-21"}


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def client(model: Model) -> Iterator[anthropic.Anthropic]:
    with serve_model(model) as url, httpx2.Client(trust_env=False) as http:
        yield anthropic.Anthropic(
            api_key="test", base_url=url, default_headers=VERSION, max_retries=0, timeout=2, http_client=http
        )


def ask(client: anthropic.Anthropic, *said: tuple[str, str]) -> anthropic.types.Message:
    messages = [{"role": role, "content": words} for role, words in said]
    return client.messages.create(model="claude-sonnet-5-5", max_tokens=100, messages=messages)  # type: ignore[arg-type]


def test_the_real_sdk_is_answered_with_everything_the_customer_said_since(client: anthropic.Anthropic) -> None:
    answer = ask(client, ("user", "Hi"), ("assistant", "Hello"), ("user", "A table"), ("user", "for two"))
    assert answer.content[0].text == 'Simulated answer (no model is behind it). You wrote: "A table for two"'  # type: ignore[union-attr]
    assert (answer.stop_reason, answer.model) == ("end_turn", "claude-sonnet-5-5")
    assert answer.usage.input_tokens > 0
    assert answer._request_id


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (529, anthropic.InternalServerError),
        (400, anthropic.BadRequestError),
    ],
)
def test_it_fails_on_demand_and_once(
    model: Model, client: anthropic.Anthropic, kind: int, error: type[anthropic.APIStatusError]
) -> None:
    model.fail_next(kind)
    with pytest.raises(error) as caught:
        ask(client, ("user", "Hi"))
    assert caught.value.status_code == kind
    assert caught.value.response.headers.get("retry-after") == ("2" if kind == 429 else None)
    assert ask(client, ("user", "Hi")).stop_reason == "end_turn"


def test_it_never_answers_on_demand(model: Model, client: anthropic.Anthropic) -> None:
    model.fail_next("timeout")
    with pytest.raises(anthropic.APITimeoutError):
        ask(client.with_options(timeout=0.2), ("user", "Hi"))


def test_it_refuses_on_demand(model: Model, client: anthropic.Anthropic) -> None:
    model.fail_next("refusal")
    answer = ask(client, ("user", "Hi"))
    assert (answer.stop_reason, answer.content) == ("refusal", [])


def test_sampling_parameters_are_gone(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        client.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "Hi"}],
            extra_body={"temperature": 1},
        )


def test_the_first_message_is_the_customers(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="first message"):
        ask(client, ("assistant", "Hello"))


def block(kind: str, media_type: str, data: str = "AAAA") -> dict[str, Any]:
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


WORDS = {"type": "text", "text": "Look"}
PHOTO = block("image", "image/jpeg")
MENU = block("document", "application/pdf")


@pytest.mark.parametrize(
    ("blocks", "seen"),
    [
        ([PHOTO, WORDS], "You sent 1 image."),
        ([PHOTO, PHOTO, WORDS], "You sent 2 images."),
        ([PHOTO, MENU, WORDS], "You sent 1 document and 1 image."),
    ],
)
def test_it_says_what_it_was_shown(client: anthropic.Anthropic, blocks: list[Any], seen: str) -> None:
    answer = ask(client, ("user", [MENU, WORDS]), ("assistant", "Hello"), ("user", blocks))  # type: ignore[arg-type]
    said = answer.content[0].text  # type: ignore[union-attr]
    assert said == f'Simulated answer (no model is behind it). You wrote: "Look" {seen}'


@pytest.mark.parametrize(
    "wrong",
    [
        block("image", "image/svg+xml"),
        block("document", "text/html"),
        block("image", "application/pdf"),
        block("image", "image/png", "not base64!"),
        block("image", "image/png", ""),
        {"type": "image", "source": {"type": "url", "url": "https://evil.example/x.png"}},
        {"type": "image"},
        {"type": "audio", "source": {}},
        {"type": "text", "text": ""},
    ],
)
def test_a_block_that_the_real_one_would_refuse_is_refused(client: anthropic.Anthropic, wrong: Any) -> None:
    with pytest.raises(anthropic.BadRequestError):
        ask(client, ("user", [wrong, WORDS]))  # type: ignore[arg-type]


def test_an_assistant_has_no_media(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="assistant"):
        ask(client, ("user", "Hi"), ("assistant", [PHOTO]), ("user", "?"))  # type: ignore[arg-type]


def test_people_who_look_at_a_request_are_spared_the_data() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": [PHOTO, WORDS]}, {"role": "user", "content": "?"}]}
    shown = without_data(body)
    assert shown["messages"][0]["content"] == [block("image", "image/jpeg", "[4 characters]"), WORDS]
    assert shown["messages"][1] == body["messages"][1]
