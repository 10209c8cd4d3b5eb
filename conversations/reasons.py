"""Why the agent was silenced or said something else than an answer: in our own words, or in those of somebody else.

Knows our own sentences, which are kept in English and told in the language of whoever reads them; nothing of when they
are true.
"""

import re

from django.utils.translation import gettext, gettext_noop

ASKED = gettext_noop("The customer asked for a person.")
NO_TRANSCRIBER = gettext_noop("Only voice messages, and there is no transcriber.")
MANY_TURNS = gettext_noop("The agent has answered %(number)s times within an hour.")
SAME_WORDS = gettext_noop("The same words came more than %(number)s times within ten minutes.")
OURS = {ASKED, NO_TRANSCRIBER, MANY_TURNS, SAME_WORDS}

NUMBER = re.compile(r"\d+")


def told(reason: str) -> str:
    """A stored reason in the language in force; what a model or its maker said stays as it is."""
    sentence = NUMBER.sub("%(number)s", reason)
    if sentence not in OURS:
        return reason
    number = NUMBER.search(reason)
    return gettext(sentence) % {"number": number[0] if number else ""}
