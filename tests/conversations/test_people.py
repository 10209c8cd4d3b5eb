"""Who a customer is: by phone, by business-scoped user id, or by both, and one person whichever of them comes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Message, Through, WhatsappUser, Writer
from tests.conftest import WEBHOOK, connect, jobs, transcript
from tests.processes import CUSTOMER
from whatsapp.sandbox.meta import CATALOGUE, DEMO
from whatsapp.signature import sign

pytestmark = pytest.mark.django_db(transaction=True)
USER_ID = DEMO.user_id(CUSTOMER)


def identities() -> list[tuple[str | None, str | None]]:
    return list(WhatsappUser.objects.order_by("created_at").values_list("wa_id", "user_id"))


def texts(conversation: Conversation) -> list[str]:
    return [text for _direction, _status, text in transcript(conversation)]


def test_a_message_with_both_identities_completes_the_row_that_knew_one(connection, sends):
    sends("text", identity="phone")
    sends("text", identity="both")
    assert identities() == [(CUSTOMER, USER_ID)]
    sends("text", identity="user_id")
    assert identities() == [(CUSTOMER, USER_ID)]
    assert Conversation.objects.get().messages.count() == 3


def test_two_rows_become_one_when_a_message_brings_both_identities(connection, sends):
    sends("text", text="by phone", identity="phone")
    sends("text", text="by user id", identity="user_id")
    assert Conversation.objects.count() == 2
    sends("text", text="both", identity="both")
    assert identities() == [(CUSTOMER, USER_ID)]
    assert texts(Conversation.objects.get()) == ["by phone", "by user id", "both"]


def test_of_two_conversations_that_become_one_the_later_silence_stays(connection, sends):
    sends("text", text="by phone", identity="phone")
    sends("text", text="by user id", identity="user_id")
    until = timezone.now() + timedelta(hours=1)
    by_phone, by_user_id = Conversation.objects.order_by("created_at")
    by_phone.silence(until, Writer(Through.STAFF, "Ana"))
    by_user_id.silence(until + timedelta(hours=1), Writer(Through.HANDOVER), "The customer asked for a person.")
    by_user_id.person_due_at = until
    for conversation in (by_phone, by_user_id):
        conversation.save()
    sends("text", text="both", identity="both")
    one = Conversation.objects.get()
    assert (one.paused_by, one.paused_reason) == ("handover", "The customer asked for a person.")
    assert (one.agent_paused_until, one.person_due_at) == (until + timedelta(hours=1), until)


def test_of_two_conversations_that_become_one_all_is_answered_once(connection, model, meta, sends, run_jobs):
    sends("text", text="by phone", identity="phone")
    run_jobs()
    sends("text", text="by user id", identity="user_id")
    sends("text", text="both", identity="both")
    run_jobs(now=True)
    run_jobs(now=True)
    assert [message.body.split("You wrote: ")[1] for message in meta.sent] == ['"by phone"', '"by user id both"']
    assert Conversation.objects.get().answer_due_at is None
    assert jobs() == 0


def test_one_body_can_bring_three_messages_of_one_person_who_seems_to_be_two(connection, meta, deliver):
    kinds = ("phone", "user_id", "both")
    bodies = [meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "text", identity=kind) for kind in kinds]
    assert deliver(meta.combine(*bodies)) == 200
    assert identities() == [(CUSTOMER, USER_ID)]
    assert Conversation.objects.get().messages.count() == 3


def test_a_phone_that_comes_with_another_user_id_has_changed_hands(connection, meta, deliver, sends):
    sends("text", text="the first owner's secret")
    body = meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "Someone else", "text")
    assert deliver(body.replace(USER_ID.encode(), b"ES.99999999999999999999")) == 200
    assert identities() == [(None, USER_ID), (CUSTOMER, "ES.99999999999999999999")]
    assert Conversation.objects.count() == 2


def test_a_changed_number_keeps_its_conversation_and_is_answered_there(connection, model, meta, sends, run_jobs):
    sends("text", text="before")
    sends("changed_number")
    user = WhatsappUser.objects.get()
    assert user.wa_id not in (None, CUSTOMER)
    sends("text", wa_id=user.wa_id, text="after")
    assert WhatsappUser.objects.get() == user
    run_jobs()
    assert {message.to for message in meta.sent} == {f"+{user.wa_id}"}


def test_a_changed_user_id_is_the_same_person(connection, sends):
    sends("text", identity="user_id")
    sends("changed_user_id", identity="user_id")
    [(wa_id, user_id)] = identities()
    assert (wa_id, user_id != USER_ID) == (None, True)


def test_the_news_of_a_changed_number_said_again_changes_nothing(connection, sends, deliver):
    sends("text")
    body = sends("changed_number")
    before = identities()
    assert deliver(body.replace(b'"object"', b' "object"')) == 200
    assert identities() == before


def test_a_person_without_a_phone_number_is_answered_by_user_id(connection, model, meta, sends, run_jobs):
    sends("text", identity="user_id")
    run_jobs()
    assert [message.to for message in meta.sent] == [USER_ID]


def test_a_username_is_for_display_only(connection, sends):
    sends("text", identity="user_id")
    WhatsappUser.objects.update(username="taken")
    sends("text", wa_id="34600000102", name="Marc", identity="phone")
    WhatsappUser.objects.update(username="taken")
    assert WhatsappUser.objects.count() == 2


def test_the_same_person_is_another_row_for_another_tenant(connection, stranger, meta, sends, deliver):
    connect(stranger, meta, 2)
    sends("text", identity="phone")
    assert deliver(meta.customer_sends(CATALOGUE[2].phone_number_id, CUSTOMER, "L", "text", identity="phone")) == 200
    assert list(WhatsappUser.objects.values_list("wa_id", flat=True)) == [CUSTOMER] * 2
    assert WhatsappUser.objects.for_tenant(stranger).count() == 1


def test_within_one_tenant_another_portfolio_knows_the_person_by_another_id(connection, tenant, meta, sends, deliver):
    other = connect(tenant, meta, 1)
    for row, portfolio in ((connection, "301"), (other, "302")):
        row.portfolio_id = portfolio
        row.save()
    for _round in range(2):
        sends("text")
        assert deliver(meta.customer_sends(other.phone_number_id, CUSTOMER, "L", "text")) == 200
    assert [wa_id for wa_id, _user_id in identities()] == [CUSTOMER, CUSTOMER]
    assert len({user_id for _wa_id, user_id in identities()}) == 2


def test_many_first_messages_of_one_person_at_once_make_one_row(connection, meta, settings):
    bodies = [meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "text", text=str(n)) for n in range(8)]

    def post(body: bytes) -> int:
        headers = {"X-Hub-Signature-256": sign(body, settings.META_APP_SECRET)}
        status = Client().post(WEBHOOK, body, content_type="application/json", headers=headers).status_code
        database.close()
        return status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(post, bodies)) == {200}
    assert identities() == [(CUSTOMER, USER_ID)]
    assert sorted(Message.objects.values_list("sequence", flat=True)) == list(range(1, 9))
    assert jobs() == 1


def test_an_address_book_names_people_and_an_older_word_of_it_does_not_undo_a_newer_one(connection, meta, deliver):
    added = meta.contacts_sync(DEMO.phone_number_id, CUSTOMER)
    assert deliver(added) == 200
    assert WhatsappUser.objects.get().contact_name
    meta.clock = lambda: 1_999_999_999.0
    assert deliver(meta.contacts_sync(DEMO.phone_number_id, removed=[CUSTOMER])) == 200
    assert deliver(added.replace(b'"object"', b' "object"')) == 200
    assert WhatsappUser.objects.get().contact_name == ""
    assert jobs() == 0
