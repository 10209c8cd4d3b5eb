"""The make-believe Messages API, asked by the real SDK over HTTP."""

from collections.abc import Iterator

import anthropic
import httpx2
import pytest

from agent.sandbox import Model
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
