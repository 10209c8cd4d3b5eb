"""Why the agent handed over or stopped is told in the reader's language; what the model said, in the model's words."""

import pytest

from conversations import limits
from conversations.models import Message
from conversations.reasons import ASKED, NO_TRANSCRIBER, SAME_WORDS

pytestmark = pytest.mark.django_db(transaction=True)
SPANISH = {"Accept-Language": "es"}
OF_OLD = {
    "The customer asked for a person.": "El cliente ha pedido hablar con una persona.",
    "The agent has answered 30 times within an hour.": "El agente ha respondido 30 veces en una hora.",
    "The same words came more than 5 times within ten minutes.": (
        "Las mismas palabras han llegado más de 5 veces en diez minutos."
    ),
    "Only voice messages, and there is no transcriber.": "Solo mensajes de voz, y no hay quien los transcriba.",
}
FREE = ["It costs 100 % more, 2 times", "%(number)s", "", "The customer wants 3 bicycles."]


@pytest.fixture
def seen(api, tenant, conversation):
    """What is told of why: of the conversation, of our message, and of the decisions about the customer's."""

    def seen(**headers: str) -> tuple[str, list[str], list[str]]:
        client = api(tenant)
        [one] = client.get("/v1/conversations", headers=headers).json()["data"]
        url = f"/v1/conversations/{conversation.pk}/messages"
        messages = client.get(url, headers=headers).json()["data"]
        heard = conversation.messages.filter(direction="inbound").latest("sequence")
        decisions = client.get(f"{url}/{heard.pk}/trace", headers=headers).json()["decisions"]
        notes = [message["note"] for message in messages if message["note"]]
        return one["paused_reason"], notes, [decision["detail"] for decision in decisions]

    return seen


@pytest.mark.parametrize(("kept", "spanish"), OF_OLD.items())
def test_a_sentence_that_was_kept_in_english_is_told_in_both_languages(conversation, seen, kept, spanish):
    limits.stop(conversation, kept)
    assert seen()[0] == kept
    assert seen(**SPANISH)[0] == spanish


@pytest.mark.parametrize("kept", FREE)
def test_what_is_not_ours_is_told_as_it_was_said(conversation, seen, kept):
    limits.stop(conversation, kept)
    assert seen(**SPANISH)[0] == seen()[0] == kept


def test_who_asks_for_a_person_is_told_of_in_the_readers_language(conversation, model, says, run_jobs, seen):
    says("Quiero hablar con una persona")
    run_jobs()
    told_of = OF_OLD[ASKED]
    assert seen(**SPANISH) == (told_of, [told_of], [told_of, ""])
    assert seen() == (ASKED, [ASKED], [ASKED, ""])


def test_why_the_agent_was_stopped_is_told_with_its_number(conversation, model, run_jobs, settings, seen):
    settings.TURNS_PER_HOUR = 0
    run_jobs()
    spanish = "El agente ha respondido 0 veces en una hora."
    why, notes, decisions = seen(**SPANISH)
    assert (why, notes, decisions[0]) == (spanish, [], spanish)


def test_who_says_the_same_again_and_again_is_told_of_with_the_number(conversation, model, says, run_jobs, seen):
    for _time in range(limits.MOST_REPEATS + 1):
        says("This is an automatic reply.")
        run_jobs()
    assert seen(**SPANISH)[0] == OF_OLD[SAME_WORDS % {"number": limits.MOST_REPEATS}]


def test_why_a_voice_message_is_not_heard_is_told_in_the_readers_language(conversation, model, sends, run_jobs, seen):
    run_jobs()
    sends("voice")
    run_jobs()
    assert seen(**SPANISH)[1] == [OF_OLD[NO_TRANSCRIBER]]
    assert seen()[1] == [NO_TRANSCRIBER]


def test_staff_read_it_in_their_language(conversation, model, says, run_jobs, admin_client):
    says("Quiero hablar con una persona")
    run_jobs()
    answer = Message.objects.get(direction="outbound")
    asked = Message.objects.filter(direction="inbound").latest("sequence")
    paths = [f"conversation/{conversation.pk}", f"message/{answer.pk}", f"message/{asked.pk}"]
    for path in paths:
        url = f"/admin/conversations/{path}/change/"
        assert OF_OLD[ASKED] in admin_client.get(url, headers=SPANISH).content.decode()
        assert ASKED in admin_client.get(url, headers={"Accept-Language": "en"}).content.decode()
