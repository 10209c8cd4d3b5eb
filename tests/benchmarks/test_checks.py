"""What the benchmarks look at before they believe a number: the checks fail when they are fed what is wrong."""

import asyncio
from collections.abc import Callable

import pytest
from django.core.wsgi import get_wsgi_application

from benchmarks import population
from benchmarks.bodies import Block, wamid
from benchmarks.checks import answered_once, exactly_once, taken_at_once
from benchmarks.load import Answer, Load, decoded, encoded, post_all
from benchmarks.platform import PRODUCT, REFERENCE, _served
from conversations.models import Conversation, Message, WhatsappUser
from tests.fakes import serve

BLOCK = Block("message", 7_000_000, 3)
WAMIDS = [wamid("message", person) for person in BLOCK.people]


@pytest.fixture
def posted(transactional_db: None, settings) -> Callable[..., list[Answer]]:
    """What the load process does, against the product on a real port."""

    def posted(block: Block, secret: str = settings.META_APP_SECRET) -> list[Answer]:
        with serve(get_wsgi_application()) as url:
            load = Load(block, int(url.rpartition(":")[2]), secret, lines=1)
            return asyncio.run(post_all(decoded(encoded(load))))

    return posted


def test_everything_once_is_fine():
    exactly_once(WAMIDS, WAMIDS, "messages")
    answered_once(["+1", "+2"], {"+1": 1, "+2": 1})
    taken_at_once(0, "webhook")


def test_a_lost_message_stops_the_benchmark():
    with pytest.raises(SystemExit, match=rf"messages: 1 \({WAMIDS[2]}\) lost, 0 doubled"):
        exactly_once(WAMIDS, WAMIDS[:2], "messages")


def test_a_doubled_message_stops_the_benchmark():
    with pytest.raises(SystemExit, match=rf"messages: 0 lost, 1 \({WAMIDS[0]}\) doubled"):
        exactly_once(WAMIDS, [*WAMIDS, WAMIDS[0]], "messages")


def test_a_second_answer_stops_the_benchmark():
    with pytest.raises(SystemExit, match=r"Of 2 answers: 0 lost, 1 \(\+2\) doubled"):
        answered_once(["+1", "+2"], {"+1": 1, "+2": 2}, unknown=["+2"])


def test_a_missing_answer_stops_the_benchmark_unless_nobody_knows_of_it():
    answered_once(["+1", "+2"], {"+1": 1, "+2": 0}, unknown=["+2"])
    with pytest.raises(SystemExit, match=r"1 \(\+2\) lost"):
        answered_once(["+1", "+2"], {"+1": 1, "+2": 0})


def test_a_refused_post_stops_the_benchmark():
    with pytest.raises(SystemExit, match=r"webhook: 2 posts were refused"):
        taken_at_once(2, "webhook")


def test_what_is_posted_is_the_message_of_a_customer_whom_we_know(posted):
    population.customers(BLOCK, population.numbers())
    answers = posted(BLOCK)
    exactly_once(WAMIDS, population.stored(BLOCK), "messages")
    assert [answer.post for answer in answers] == [0, 1, 2]
    assert WhatsappUser.objects.count() == Conversation.objects.count() == 3


def test_a_message_that_is_gone_from_the_database_is_missed(posted):
    population.customers(BLOCK, population.numbers())
    posted(BLOCK)
    Message.objects.filter(wamid=WAMIDS[1]).delete()
    with pytest.raises(SystemExit, match=WAMIDS[1]):
        exactly_once(WAMIDS, population.stored(BLOCK), "messages")


def test_a_batch_of_statuses_moves_our_messages_on(posted):
    block = Block("status", 8_000_000, 2, size=10)
    population.messages_of_ours(block, population.numbers())
    assert population.delivered(block) == []
    posted(block)
    exactly_once([wamid("status", person) for person in block.people], population.delivered(block), "statuses")


def test_a_load_that_is_not_taken_is_an_error_and_not_a_number(posted):
    with pytest.raises(RuntimeError, match="status 401"):
        posted(BLOCK, secret="forged")


def test_both_servers_are_started_as_the_dockerfile_says():
    product, reference = _served(PRODUCT, 8123), _served(REFERENCE, 8123)
    assert product[:4] == ["gunicorn", PRODUCT, "--bind", "127.0.0.1:8123"]
    assert product[2:] == reference[2:]
    assert "--max-requests" not in " ".join(product)
    assert "gthread" in product
