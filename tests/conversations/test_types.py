"""Each type of message through the webhook: the row it becomes, how it reads, and whether an answer is due."""

import re
import time

import pytest

from conversations.models import Message, WebhookEvent
from conversations.wording import agent_text, transcript_text
from tests.conftest import PAYLOADS, jobs
from tests.conversations.test_wording import READS

pytestmark = pytest.mark.django_db

CHOICE = ["description", "id", "kind", "response", "title"]
PLACE = ["address", "latitude", "longitude", "name", "url"]
SYSTEM = ["kind", "previous_user_id", "user_id", "wa_id"]
UNSUPPORTED = ["errors", "kind", "raw"]

# Type, text, what the content has; whether an answer is due, and whether the customer opened the service window.
ROWS = {
    "text": ("text", "Hola 😀", [], True, True),
    "image": ("image", "¿Tenéis esta mesa?", [], True, True),
    "video": ("video", "El local", [], True, True),
    "audio": ("audio", "", ["voice"], True, True),
    "voice_note": ("audio", "", ["voice"], True, True),
    "document": ("document", "La factura", [], True, True),
    "sticker": ("sticker", "", ["animated"], False, True),
    "location": ("location", "", PLACE, True, True),
    "location_in_text": ("location", "", PLACE, True, True),
    "contacts": ("contacts", "", ["contacts", "origin"], True, True),
    "button_reply": ("interactive", "Cancelar", CHOICE, True, True),
    "list_reply": ("interactive", "Mesa para 4", CHOICE, True, True),
    "flow_reply": ("interactive", "", CHOICE, True, True),
    "flow_reply_list": ("interactive", "", CHOICE, True, True),
    "call_permission": ("interactive", "", CHOICE, False, False),
    "template_button": ("button", "Confirmar", ["payload"], True, True),
    "reaction": ("reaction", "👍", ["emoji"], False, False),
    "reaction_removed": ("reaction", "", ["emoji"], False, False),
    "order": ("order", "Para las ocho", ["catalog_id", "items"], True, True),
    "reply": ("text", "A las nueve", [], True, True),
    "forwarded": ("text", "Mirad esto", ["context"], True, True),
    "product_question": ("text", "¿Queda alguna?", ["context"], True, True),
    "ad_referral": ("text", "Quiero la de calabaza", ["referral"], True, True),
    "edit": ("edit", "Hola, buenos días", ["type"], True, False),
    "edit_image": ("edit", "La otra mesa", ["type"], True, False),
    "revoke": ("revoke", "", [], False, False),
    "changed_number": ("system", "User Lucía changed from 34600000101 to 34600000109", SYSTEM, False, False),
    "changed_user_id": ("system", "User Lucía changed to a new business-scoped ID", SYSTEM, False, False),
    "changed_identity": ("system", "The security code changed", SYSTEM, False, False),
    "unsupported": ("unsupported", "", UNSUPPORTED, True, True),
    "hologram": ("unsupported", "", UNSUPPORTED, True, True),
}


def of_now(name: str) -> bytes:
    """The payload as if Meta posted it at this moment: what is older than a day is not answered."""
    body = (PAYLOADS / f"{name}.json").read_text()
    return re.sub(r'("timestamp":"?)\d+', rf"\g<1>{int(time.time())}", body).encode()


def received(name: str, deliver) -> Message:
    assert deliver(of_now(name)) == 200
    return Message.objects.order_by("sequence")[0]


def test_every_type_that_reads_becomes_a_row():
    assert ROWS.keys() == READS.keys()


@pytest.mark.parametrize("name", ROWS)
def test_a_type_becomes_a_row_and_an_answer_is_due_or_not(name, connection, deliver):
    message = received(name, deliver)
    opened = message.conversation.window_opened_at is not None
    row = (message.type, message.text, sorted(message.content), message.wants_answer, opened)
    assert row == ROWS[name]
    assert jobs() == int(message.wants_answer)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_reads_as_its_type(name, connection, deliver):
    message = received(name, deliver)
    assert (transcript_text(message), agent_text(message)) == READS[name]


@pytest.mark.parametrize("name", ["echo_text", "echo_image", "echo_edit", "echo_revoke", "history", "history_media"])
def test_what_the_business_said_wants_no_answer(name, connection, deliver):
    received(name, deliver)
    assert not Message.objects.filter(wants_answer=True).exists()
    assert not Message.objects.filter(conversation__window_opened_at__isnull=False).exists()
    assert jobs() == 0


@pytest.mark.parametrize(
    "name", ["group", "only_a_parent_id", "contacts_synced", "marketing_wishes", "unused_fields", "history_declined"]
)
def test_what_is_no_message_makes_none(name, connection, deliver):
    assert deliver(of_now(name)) == 200
    assert not Message.objects.exists()


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.json")))
def test_nothing_that_meta_posts_makes_an_item_fail(name, connection, deliver):
    assert deliver(of_now(name)) == 200
    event = WebhookEvent.objects.get()
    assert (event.error, event.processed_at is None) == ("", False)
