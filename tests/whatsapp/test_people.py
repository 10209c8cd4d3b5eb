"""Who somebody is: by phone, by business-scoped user id, by both, and who they become."""

import pytest

from tests.conftest import parsed
from whatsapp.payloads import ChangedIdentity, InboundMessage, MarketingWish, Person, SavedContact, Skipped

LUCIA = Person("34600000101", "ES.11111111111111111111", "Lucía")

SENDERS = {
    "text": LUCIA,
    "text_without_phone": Person("", "DE.22222222222222222222", "Mia", "mia.k"),
    "username_only": Person("", "AE.55555555555555555555", "", "rana"),
    "user_id_for_phone": Person("", "DE.22222222222222222222"),
    "phone_spelled_otherwise": Person("5511900000103", "BR.44444444444444444444", "Bia"),
}

OLD, NEW = "ES.11111111111111111111", "ES.33333333333333333333"
CHANGES = {
    "changed_number": (Person("34600000101"), Person("34600000109")),
    "changed_number_new_wa_id": (Person("34600000101"), Person("34600000109")),
    "changed_user_id": (Person("34600000101", OLD), Person("", NEW)),
    "changed_user_id_of_sender": (Person("", OLD), Person("", NEW)),
    "changed_user_id_in_words": (Person("", OLD), Person("", NEW)),
    "changed_identity": (Person("34600000101"), None),
}


@pytest.mark.parametrize("name", SENDERS)
def test_who_wrote(name):
    [message] = parsed(name)
    assert isinstance(message, InboundMessage)
    assert message.customer == SENDERS[name]


@pytest.mark.parametrize("name", CHANGES)
def test_who_somebody_was_and_who_they_become(name):
    [message] = parsed(name)
    assert isinstance(message, InboundMessage)
    assert (message.customer, message.becomes) == CHANGES[name]


def test_a_change_of_nobody_known_is_skipped():
    assert parsed("changed_user_id_of_nobody") == [Skipped("message without a known sender")]


def test_nobody_is_known_by_a_parent_id():
    assert parsed("only_a_parent_id") == [Skipped("message without a known sender")]


def test_a_lone_card_is_not_everybodys():
    people = [message.customer for message in parsed("cards_of_several") if isinstance(message, InboundMessage)]
    assert people == [LUCIA, Person("34600000102")]


def test_two_numbers_of_one_post_do_not_share_their_contacts():
    messages = [message for message in parsed("two_numbers_one_post") if isinstance(message, InboundMessage)]
    assert all(message.customer.name == "" for message in messages)


def test_a_user_id_is_replaced_by_another():
    change, nobody = parsed("user_id_update")
    assert isinstance(change, ChangedIdentity)
    assert (change.before, change.after) == (Person("34600000101", OLD), Person("34600000101", NEW, "Lucía", "lu"))
    assert nobody == Skipped("news of nobody")


def test_a_customer_wants_no_marketing_and_then_again():
    stop, resume, other = parsed("marketing_wishes")
    assert isinstance(stop, MarketingWish)
    assert isinstance(resume, MarketingWish)
    assert (stop.customer, stop.wish, resume.wish) == (LUCIA, "stop", "resume")
    assert stop.at < resume.at
    assert other == Skipped("preference about something other than marketing")


def test_the_address_book_is_told_contact_by_contact():
    items = parsed("contacts_synced")
    saved = [item for item in items if isinstance(item, SavedContact)]
    assert [(item.contact, item.is_removed) for item in saved] == [
        (Person("34600000101", "", "Lucía Pérez"), False),
        (Person("34600000102"), True),
        (Person("", "DE.22222222222222222222", "Mia", "mia.k"), False),
    ]
    assert items[3:] == [Skipped("news of nobody"), Skipped("state of something other than a contact")]


def test_a_contact_without_a_time_was_saved_when_we_were_told():
    [saved] = parsed("contact_without_time")
    assert isinstance(saved, SavedContact)
    assert (saved.contact.name, int(saved.at.timestamp())) == ("Lucía", 1795400777)
