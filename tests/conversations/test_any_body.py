"""Whatever Meta may post: it is acknowledged, and nothing beside it is lost.

A hundred bodies in every run; two thousand with `./run test tests/conversations/test_any_body.py
--hypothesis-profile=thorough`.
"""

import json
from copy import deepcopy
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Message, WebhookEvent
from tests.mutations import TEMPLATES, mutated

pytestmark = pytest.mark.django_db
number = count()


def greeting(wamid: str) -> list[dict[str, object]]:
    """An entry with nothing odd in it."""
    entries: list[dict[str, object]] = json.loads(json.dumps(TEMPLATES["text"]["entry"]).replace("wamid.TEXT", wamid))
    return entries


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_is_refused_fails_or_costs_what_stands_beside_it(connection, deliver, data):
    odd = deepcopy(TEMPLATES[data.draw(st.sampled_from(sorted(TEMPLATES)))])["entry"]
    for _times in range(data.draw(st.integers(1, 5))):
        odd = mutated(odd, data)
    wamids = [f"wamid.{next(number)}" for _place in range(2)]
    entries = [*greeting(wamids[0]), *(odd if isinstance(odd, list) else [odd]), *greeting(wamids[1])]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
    assert deliver(body) == 200
    event = WebhookEvent.objects.get(provider_event_id=WebhookEvent.of(body).provider_event_id)
    assert (event.error, bool(event.processed_at)) == ("", True)
    assert Message.objects.filter(wamid__in=wamids).count() == 2
