"""What the agent says next, and that nothing a customer sends can silence it."""

import pytest

from agent.models import SystemPrompt
from agent.ports import LlmError, LlmRefused, LlmUnavailable, Media, Speaker, Turn
from agent.replies import NOT_SHOWN, question_of, reply_to
from tests.fakes import in_a_loop

pytestmark = pytest.mark.django_db
PHOTO = Turn(Speaker.CUSTOMER, "[A photo.] How much is this?", Media("image/jpeg", b"\xff\xd8\xff"))


def ask(tenant, *turns: Turn):
    question = question_of(tenant, SystemPrompt.active_for(tenant), "somebody", turns)
    return in_a_loop(lambda: reply_to(question)).text


def test_the_agent_is_shown_a_photo(tenant, model):
    assert ask(tenant, PHOTO).endswith("You sent 1 image.")


def test_a_photo_that_the_model_will_not_have_is_left_out_and_that_is_said(tenant, model):
    broken = Turn(Speaker.CUSTOMER, "[A photo.]", Media("image/jpeg", b""))
    assert ask(tenant, Turn(Speaker.CUSTOMER, "Hola"), broken).endswith(f'You wrote: "Hola [A photo.]\n{NOT_SHOWN}"')


def test_what_is_wrong_without_media_is_asked_once(tenant, model):
    model.fail_next(400)
    with pytest.raises(LlmError):
        ask(tenant, Turn(Speaker.CUSTOMER, "Hola"))
    assert len(model.requests) == 1


@pytest.mark.parametrize(("trouble", "error"), [(529, LlmUnavailable), ("refusal", LlmRefused)])
def test_what_has_nothing_to_do_with_the_photo_is_not_asked_without_it(tenant, model, trouble, error):
    model.fail_next(trouble)
    with pytest.raises(error):
        ask(tenant, PHOTO)
    assert len(model.requests) == 1
