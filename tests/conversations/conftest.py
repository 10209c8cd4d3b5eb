"""What customers send beside words, and what happens while the model thinks."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.db import connection as database

from conversations.media import fetch_media
from conversations.models import Attachment, Conversation, WhatsappUser
from tests.processes import CUSTOMER
from whatsapp.models import WhatsappConnection

Attached = Callable[..., Attachment]


@pytest.fixture
def attached(meta, connection) -> Attached:
    """A customer sends something of this kind to a number; we know of it, and its bytes are still at Meta."""

    def attached(kind: str = "image", number: WhatsappConnection = connection, **fields: Any) -> Attachment:
        body = json.loads(meta.customer_sends(number.phone_number_id, CUSTOMER, "Lucía", kind))
        item = body["entry"][0]["changes"][0]["value"]["messages"][0]
        whose = {"tenant": number.tenant}
        user, _created = WhatsappUser.objects.get_or_create(wa_id=CUSTOMER, tenant=number.tenant)
        conversation, _created = Conversation.objects.get_or_create(
            connection=number, whatsapp_user=user, defaults=whose
        )
        message = conversation.append(
            direction="inbound", status="received", type=item["type"], wamid=item["id"], wants_answer=True
        )
        described = item[item["type"]]
        return Attachment.objects.create(
            message=message, media_id=described["id"], mime_type=described["mime_type"], **whose, **fields
        )

    return attached


def fetch(attachment: Attachment) -> Attachment:
    fetch_media(str(attachment.pk))
    attachment.refresh_from_db()
    return attachment


@pytest.fixture
def while_the_model_thinks(model) -> Callable[..., None]:
    """Somebody does this in the moment before the model has answered, as often as said."""

    def arrange(deed: Callable[[], object], times: int = 1) -> None:
        left = count(times, -1)

        def observe(*facts: object) -> None:
            if next(left) > 0:
                deed()
                database.close()  # this is the model's thread

        model.observe = observe

    return arrange
