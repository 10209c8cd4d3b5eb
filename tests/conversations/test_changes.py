"""What happens to messages afterwards: their authors edit them, and delete them here too."""

import pytest

from conversations.models import Attachment, Message
from tests.conftest import connect
from tests.processes import CUSTOMER
from whatsapp.sandbox.meta import CATALOGUE, DEMO

pytestmark = pytest.mark.django_db(transaction=True)


def original() -> Message:
    return Message.objects.filter(direction="inbound").exclude(type__in=["edit", "revoke"]).get()


def test_a_deleted_message_is_deleted_here_and_is_not_answered(connection, model, meta, sends, run_jobs):
    sends("text", text="my card is 4111 1111")
    sends("revoke")
    run_jobs()
    assert (original().text, original().content, bool(original().revoked_at)) == ("", {}, True)
    assert meta.sent == []


def test_a_deletion_that_comes_before_its_message_still_deletes_it(connection, meta, deliver):
    said = meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "image", text="regretted")
    deleted = meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "revoke")
    assert (deliver(deleted), deliver(said)) == (200, 200)
    assert (original().text, bool(original().revoked_at)) == ("", True)
    assert not Attachment.objects.exists()


def test_nobody_deletes_what_another_customer_or_tenant_said(connection, stranger, meta, sends, deliver):
    theirs = connect(stranger, meta, 2)
    sends("text", text="mine", wamid="wamid.MINE")
    sends("revoke", wa_id="34600000102", name="Marc", about="wamid.MINE")
    body = meta.customer_sends(CATALOGUE[2].phone_number_id, CUSTOMER, "L", "revoke", about="wamid.MINE")
    assert deliver(body) == 200
    assert Message.objects.get(wamid="wamid.MINE").text == "mine"
    assert Message.objects.for_tenant(theirs.tenant).count() == 1


def test_an_edited_message_is_marked_and_the_new_words_are_answered(connection, model, meta, sends, run_jobs):
    sends("text", text="a table for two")
    run_jobs()
    sends("edit", text="a table for three")
    run_jobs()
    assert original().edited_at
    assert len(meta.sent) == 2
    assert "a table for three" in model.requests[-1].body["messages"][-1]["content"]


def test_an_edit_that_comes_before_its_message_marks_it_all_the_same(connection, meta, deliver):
    said = meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "text", text="two")
    edited = meta.customer_sends(DEMO.phone_number_id, CUSTOMER, "L", "edit", text="three")
    assert (deliver(edited), deliver(said)) == (200, 200)
    assert original().edited_at


@pytest.mark.parametrize("kind", ["reaction", "sticker", "reaction_removed"])
def test_what_needs_no_answer_gets_none(connection, model, meta, sends, run_jobs, kind):
    sends("text")
    run_jobs()
    sends(kind)
    run_jobs()
    assert len(meta.sent) == 1
