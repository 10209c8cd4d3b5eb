"""How long to let a customer finish before the agent speaks. Knows what was said and when; nothing of who answers."""

import re
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from conversations.models import Message
from tenants.models import Tenant

# Of the tenant's wait: after words that sound complete, and at most for each further message and in all.
AFTER_A_SENTENCE = 0.4
LONGER_EACH_TIME = 0.25
LONGEST_PAUSE = 2.0
LONGEST_IN_ALL = 5.0
SENTENCE = re.compile(r"[.!?…。！？)][\s\"'”’»)*_~]*\Z")


def seconds_left(unheard: Sequence[Message], tenant: Tenant) -> float:
    """How long it is still worth waiting for more; 0 when it is time to answer.

    Short after a sentence, longer while messages keep coming; from the first of them on never longer than five times
    the tenant's wait, so that somebody who does not stop is answered too.
    """
    wait = tenant.wait.total_seconds()
    pause = wait * min(1 + LONGER_EACH_TIME * (len(unheard) - 1), LONGEST_PAUSE)
    if sounds_complete(unheard[-1]):
        pause *= AFTER_A_SENTENCE
    quiet = unheard[-1].created_at + timedelta(seconds=pause)
    patience = unheard[0].created_at + timedelta(seconds=wait * LONGEST_IN_ALL)
    return max((min(quiet, patience) - timezone.now()).total_seconds(), 0.0)


def sounds_complete(message: Message) -> bool:
    """A sentence or a question with its mark, or something that is no words at all: a button, a place, an order."""
    return message.type != "text" or bool(SENTENCE.search(message.text))
